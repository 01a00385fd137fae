"""Keeping a plugin's secrets out of what it says."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dynamic_plugins.registry.entry import Variable

_SECRET_NAME = re.compile(
    r"KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH|PRIVATE|MNEMONIC|SEED|COOKIE|WEBHOOK|DSN", re.IGNORECASE
)
_SHORTEST_SECRET = 3
_SHORTEST_VALUE = 8


class Scrubber:
    """Replaces configured values by ``***``: in errors and logs all that are long enough, in results the secrets."""

    def __init__(
        self, environment: Mapping[str, str], variables: Iterable[Variable] = (), more: Iterable[str] = ()
    ) -> None:
        """*environment* is what was told by name; what of it is secret its *variables* say; *more* is secret, too."""
        declared = {variable.name for variable in variables if variable.secret}
        secrets = {each for each in more if len(each) >= _SHORTEST_SECRET} | {
            value
            for name, value in environment.items()
            if len(value) >= _SHORTEST_SECRET and (name in declared or _SECRET_NAME.search(name))
        }
        self._secrets = _pattern(secrets)
        self._all = _pattern(secrets | {each for each in environment.values() if len(each) >= _SHORTEST_VALUE})

    def text(self, text: str) -> str:
        """Return *text* without any configured value."""
        return self._all.sub("***", text) if self._all else text

    def result(self, value: Any) -> Any:
        """Return a JSON value without the secrets: a plugin that prints its environment must not tell the model."""
        if self._secrets is None:
            return value
        if isinstance(value, str):
            return self._secrets.sub("***", value)
        if isinstance(value, list):
            return [self.result(each) for each in value]
        if isinstance(value, dict):
            return {self.result(key): self.result(each) for key, each in value.items()}
        return value


def _pattern(values: set[str]) -> re.Pattern[str] | None:
    spellings: set[str] = set()
    for value in values:
        spellings |= {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}
        spellings |= {line for line in value.splitlines() if len(line) >= _SHORTEST_VALUE}
    # The longest first: one value may be the beginning of another.
    ordered = sorted(spellings - {""}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered))) if ordered else None
