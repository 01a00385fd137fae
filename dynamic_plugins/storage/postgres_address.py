"""Where the database of a shared state is, and which home in it: ``postgresql://USER@HOST/DATABASE?home=NAME``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from dynamic_plugins.errors import StateError

DEFAULT_HOME = "default"
_HOME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_SECRET = {"password", "sslpassword"}
_BLANK = "***"


@dataclass(frozen=True)
class PostgresAddress:
    """The address of a database, and the home that is meant in it. Its password is in no text that this gives."""

    url: str = field(repr=False)
    """What libpq is told, password and all."""
    home: str
    place: str
    """Host, port and database, for a person."""
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read the address that a setting gives. Raises StateError, which repeats nothing of it."""
        try:
            parts = urlsplit(url)
            rest = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
            password = unquote(parts.password or "")
        except ValueError:
            raise StateError(_NO_ADDRESS) from None
        if parts.netloc.count("@") > 1 or "@" in parts.path + parts.query + parts.fragment:
            raise StateError(_NOT_ESCAPED)  # libpq might take a part of the password for the host, and name it
        homes = [value for name, value in rest if name == "home"] or [DEFAULT_HOME]
        if len(homes) > 1 or not _HOME.fullmatch(homes[0]):
            raise StateError(
                "DYNAMIC_PLUGINS_STATE names no home: home=NAME has small letters, digits, - and _, at most 32."
            )
        secrets = [password, *(value for name, value in rest if name in _SECRET)]
        query = urlencode([(name, value) for name, value in rest if name != "home"], quote_via=quote)
        return cls(
            url=parts._replace(query=query, fragment="").geturl(),
            home=homes[0],
            place=f"{parts.netloc.rpartition('@')[2] or 'this machine'}{parts.path}",
            secrets=tuple(secret for secret in secrets if secret),
        )

    def __str__(self) -> str:
        return f"{self.place}, home {self.home}"

    def scrubbed(self, text: str) -> str:
        """Return *text* on one line, without the passwords that are in the address."""
        for secret in self.secrets:
            for spelled in {secret, quote(secret, safe=""), quote(secret)}:
                text = text.replace(spelled, _BLANK)
        return " ".join(text.split())


_NOT_ESCAPED = (
    "DYNAMIC_PLUGINS_STATE has a character in its user or password that an address uses itself. Write / as %2F, @ as "
    "%40, : as %3A, ? as %3F, # as %23 and % as %25."
)
_NO_ADDRESS = "DYNAMIC_PLUGINS_STATE is no address of a database: it must be postgresql://USER@HOST/DATABASE?home=NAME."
