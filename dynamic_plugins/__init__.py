"""Lets an LLM agent take on new capabilities in the middle of a conversation.

``DynamicPlugins`` is the library, ``dynamic_plugins.plugin`` the contract for plugin authors. Importing this package
costs nothing: what it offers is imported when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dynamic_plugins.library import DynamicPlugins

__version__ = "0.1.0"
__all__ = ["DynamicPlugins", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "DynamicPlugins":
        from dynamic_plugins.library import DynamicPlugins

        return DynamicPlugins
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
