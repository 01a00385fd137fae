"""Which variables hold a secret, told by their names alone, as a program or a registry names them."""

from __future__ import annotations

import re

# Compiled when they are first needed: a command such as status needs none of them.
_SENSITIVE = (
    r"(?i)(?:^|_)(?:(?:API|ACCESS|SECRET|PRIVATE|SERVICE|ROLE|SIGNING|ENCRYPTION|ACCOUNT|COMMERCE|AUTH)_?KEY|KEY|TOKEN|"
    r"SECRET|PASSWORD|PASSWD|PASSPHRASE|PAT|MNEMONIC|SEED|SEED_PHRASE|CREDENTIALS?|COOKIES?|CONNECTION_STRING|DSN)$"
)
# Words that are a secret's only behind another: "pass" and PWD alone are something else. Databases' addresses carry
# their passwords, and whoever knows a webhook of these may write to it.
_SENSITIVE_BEHIND = (
    r"(?i)_(?:PASS|PWD|KEYPAIR|SIGNING|(?:TELEGRAM|STRING|USER)_SESSION|SESSION_STRING)$|^TELEGRAM_SESSION$|"
    r"(?:^|_)(?:DATABASE|DB|POSTGRES|POSTGRESQL|PG|MYSQL|MARIADB|MONGO|MONGODB|REDIS|AMQP|RABBITMQ|CLICKHOUSE)_UR[IL]$|"
    r"(?:^|_)(?:DISCORD|SLACK|TEAMS)_WEBHOOK(?:_URL)?$"
)
_PLAIN = (
    r"(?i)(?:^|_)(?:PORT|ENABLED?|DISABLED?|MODEL|TIMEOUT|HOST|HOSTNAME|LEVEL|NAME|PATH|DIR|DIRECTORY|FOLDER|FILE|LIMIT|"
    r"INTERVAL|REGION|LANG|LANGUAGE|LOCALE|TIMEZONE|MODE|FORMAT|SIZE|EXTENSIONS|COUNT|DELAY|RETRIES|TEMPERATURE|"
    r"VERSION|DEBUG|VERBOSE|NETWORK|CHAIN|ENVIRONMENT|BASE_URL|MS|SECONDS|MINUTES|HOURS|DAYS|BYTES|MB|KB)$|"
    r"(?:^|_)(?:ENABLE|DISABLE|MAX|MIN)_"
)


def looks_secret(variable: str) -> bool:
    """Return whether a variable that nobody flagged holds a secret by its name (``GITHUB_TOKEN``, ``DB_PASSWORD``)."""
    found = re.search(_SENSITIVE, variable) or re.search(_SENSITIVE_BEHIND, variable)
    return found is not None and not variable.upper().endswith("PUBLIC_KEY")


def secret_unless_plain(variable: str) -> bool:
    """Return whether a variable that was only found in source is kept as a secret: it is, unless its name says not."""
    return looks_secret(variable) or not (re.search(_PLAIN, variable) or variable.upper().endswith("PUBLIC_KEY"))
