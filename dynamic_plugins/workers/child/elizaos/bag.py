"""Dictionaries that can be read like objects: elizaOS plugins want either, in either spelling."""

from __future__ import annotations

import re
from typing import Any

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


class Bag(dict):  # type: ignore[type-arg] # it holds whatever a plugin looks for
    """``bag.room_id``, ``bag["roomId"]`` and ``bag.get("room_id")`` are one thing; an unknown name is an error."""

    def __getitem__(self, name: Any) -> Any:
        return dict.__getitem__(self, self._spelled(name))

    def __contains__(self, name: Any) -> bool:
        return dict.__contains__(self, self._spelled(name))

    def get(self, name: Any, default: Any = None) -> Any:
        return dict.get(self, self._spelled(name), default)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def model_dump(self, **_: Any) -> dict[str, Any]:
        """Return a plain dictionary, as a pydantic model does."""
        return dict(self)

    def _spelled(self, name: Any) -> Any:
        if not isinstance(name, str) or dict.__contains__(self, name):
            return name
        for other in (snake(name), camel(name)):
            if dict.__contains__(self, other):
                return other
        return name


class _Values(Bag):
    """A state's values, which are also what ``dict.values()`` would be: whoever calls them gets that."""

    def __call__(self) -> Any:
        return dict.values(self)


class StateBag(Bag):
    """A state; its ``values`` hide the method of the same name without losing it."""

    @property
    def values(self) -> Any:
        return self["values"]


def bag(value: Any) -> Any:
    """Return *value* with every dictionary in it as a :class:`Bag`."""
    if isinstance(value, Bag):
        return value
    if isinstance(value, dict):
        return Bag({key: bag(each) for key, each in value.items()})
    if isinstance(value, list):
        return [bag(each) for each in value]
    return value


def state_of(arguments: dict[str, Any], text: str = "") -> StateBag:
    """Return a state that holds *arguments* wherever a handler may look for them."""
    return StateBag({**bag(arguments), "values": _Values(bag(arguments)), "data": bag(dict(arguments)), "text": text})


def snake(name: str) -> str:
    return _HUMP.sub(r"_\1", name).lower()


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)
