"""Which names belong to secrets: the one list that registries, installs, storage, redaction and cassettes go by."""

from __future__ import annotations

import re

PLACEHOLDER = re.compile(r"\[secret:(\d+)(?::([A-Z0-9_]+))?\]")
"""What stands in a conversation for a secret that was pasted into it."""

# Compiled when they are first needed: a command such as status needs none of them.
_NOUNS = r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|PAT|MNEMONIC|SEED|CREDENTIALS?"
_SENSITIVE = (
    r"(?i)(?:^|_)(?:(?:API|ACCESS|SECRET|PRIVATE|SERVICE|ROLE|SIGNING|ENCRYPTION|ACCOUNT|COMMERCE|AUTH)_?KEY|"
    rf"{_NOUNS}|SEED_PHRASE|COOKIES?|CONNECTION_STRING|DSN)$"
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
_ENDS_IN_NOUN = rf"(?:{_NOUNS}|PWD)\d?$"
# Headers and the parameters of a query are named freely, and none of them is missed: more is hidden than need be.
_CREDENTIAL = r"(?i)auth|key|token|secret|cookie|password|signature|^(?:code|sig)$"


def looks_secret(variable: str) -> bool:
    """Return whether a variable that nobody flagged holds a secret by its name (``GITHUB_TOKEN``, ``DB_PASSWORD``)."""
    found = re.search(_SENSITIVE, variable) or re.search(_SENSITIVE_BEHIND, variable)
    return found is not None and not variable.upper().endswith("PUBLIC_KEY")


def secret_unless_plain(variable: str) -> bool:
    """Return whether a variable that was only found in source is kept as a secret: it is, unless its name says not."""
    return looks_secret(variable) or not (re.search(_PLAIN, variable) or variable.upper().endswith("PUBLIC_KEY"))


def ends_in_secret_noun(variable: str) -> bool:
    """Return whether a name in capitals ends in a noun for a secret, perhaps numbered: ``API_KEY2``.

    Stricter than :func:`looks_secret`, for text where any word may stand: no addresses, cookies or sessions.
    """
    return re.search(_ENDS_IN_NOUN, variable) is not None


def looks_credential(parameter: str) -> bool:
    """Return whether a header or a query's parameter carries a credential by its name: ``X-Api-Key``, ``sig``."""
    return re.search(_CREDENTIAL, parameter) is not None or looks_secret(parameter)
