"""One variable of the environment as a value of its kind; ValueError names the variable that holds another."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T", bound=str)


def flag(env: Mapping[str, str], name: str) -> bool:
    """Return whether *name* is 1, true or yes; not set it is not."""
    value = env.get(name, "").strip().lower()
    if value not in {"", "0", "1", "false", "true", "no", "yes"}:
        raise ValueError(f"{name} must be 1 or 0, not {value!r}")
    return value in {"1", "true", "yes"}


def choice(env: Mapping[str, str], name: str, *choices: T) -> T | None:
    """Return which of *choices* it names; None where it is not set."""
    value = env.get(name, "").strip().lower()
    if not value:
        return None
    for choice in choices:
        if choice == value:
            return choice
    raise ValueError(f"{name} must be {', '.join(choices[:-1])} or {choices[-1]}, not {value!r}")


def number(env: Mapping[str, str], name: str, default: int) -> int:
    """Return the whole number that it holds; *default* where it is not set."""
    value = env.get(name, "").strip() or str(default)
    if not value.isdigit():
        raise ValueError(f"{name} must be a whole number, not {value!r}")
    return int(value)
