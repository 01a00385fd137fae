"""Which model the person chose, and which they do not want to be asked about again."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core.atomic_file import read_json, write_atomically
from dynamic_plugins.settings import BUILT_IN, MODEL_SERVER_KINDS, ModelServer, ModelSettings
from dynamic_plugins.text.printable import json_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from dynamic_plugins.settings import Settings

log = logging.getLogger(__name__)
_SCHEMA = 1
_MAX_DECLINED = 500


@dataclass(frozen=True)
class Choice:
    """One model of one server on this machine."""

    name: str
    server: ModelServer

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "server": self.server.kind, "port": self.server.port}


@dataclass(frozen=True)
class Saved:
    """*chosen* is a model, ``built-in``, or None for no choice; *declined* are those refused when offered."""

    chosen: Choice | str | None = None
    declined: tuple[Choice, ...] = ()


class SavedModel:
    """The file ``model.json`` in a home folder. It can name servers on loopback only, and holds no key."""

    def __init__(self, home: Path) -> None:
        self._file = home / "model.json"

    def read(self) -> Saved:
        """Return what is saved; a file that cannot be read is as none, and logged."""
        try:
            return _parsed(read_json(self._file))
        except FileNotFoundError:
            return Saved()
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("%s cannot be read (%s): no model is chosen", self._file, error)
            return Saved()

    def choose(self, chosen: Choice | str) -> None:
        """Save what answers from now on: a model, or ``built-in``. Raises OSError."""
        self._write(replace(self.read(), chosen=chosen))

    def decline(self, models: Iterable[Choice]) -> None:
        """Save that these were offered and refused. Raises OSError."""
        saved = self.read()
        declined = dict.fromkeys([*saved.declined, *models])
        self._write(replace(saved, declined=tuple(declined)[-_MAX_DECLINED:]))

    def _write(self, saved: Saved) -> None:
        chosen = saved.chosen.to_dict() if isinstance(saved.chosen, Choice) else saved.chosen
        declined = [each.to_dict() for each in saved.declined]
        write_atomically(self._file, json_text({"schema": _SCHEMA, "chosen": chosen, "declined": declined}, 2) + "\n")


def with_saved_model(settings: Settings) -> Settings:
    """Return *settings* with the saved choice, where neither the arguments nor the environment name an endpoint.

    A name that they give is asked of the saved server.
    """
    if not settings.model.is_open:
        return settings
    chosen = SavedModel(settings.home).read().chosen
    if not isinstance(chosen, Choice):
        return settings
    name = settings.model.name or chosen.name
    return replace(settings, model=ModelSettings(name, chosen.server.base_url, None, "saved"))


def _parsed(value: Any) -> Saved:
    chosen = value["chosen"]
    if chosen is not None and chosen != BUILT_IN:
        chosen = _choice(chosen)
    return Saved(chosen, tuple(_choice(each) for each in value["declined"]))


def _choice(value: dict[str, Any]) -> Choice:
    name, kind, port = value["name"], value["server"], value["port"]
    if not isinstance(name, str) or kind not in MODEL_SERVER_KINDS or type(port) is not int:
        raise ValueError(f"no model: {value!r}")
    return Choice(name, ModelServer(kind, port))
