"""Which of a plugin's actions models are offered, and under which names: the person's choice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class ActionChoice:
    """A choice among actions, by their own names. *only* is empty where all are offered but the *hidden* ones."""

    only: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)

    def offers(self, action: str) -> bool:
        """Return whether models are offered *action*."""
        return action not in self.hidden and (not self.only or action in self.only)

    def name_of(self, action: str) -> str:
        """Return the name under which models are offered *action*."""
        return self.renamed.get(action, action)

    @property
    def names(self) -> set[str]:
        """The actions that it speaks of."""
        return {*self.only, *self.hidden, *self.renamed}

    def to_dict(self) -> dict[str, Any]:
        return {"only": list(self.only), "hidden": list(self.hidden), "renamed": dict(self.renamed)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ActionChoice:
        return cls(tuple(data.get("only", ())), tuple(data.get("hidden", ())), dict(data.get("renamed", {})))


ALL = ActionChoice()
"""Everything, under its own names."""
