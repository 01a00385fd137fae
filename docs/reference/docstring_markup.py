"""A griffe extension: the few reStructuredText forms that our docstrings use, as the Markdown that mkdocstrings reads.

``:class:`Action``` becomes code, and ``::`` before an indented block a single colon, or nothing on a line of its own.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:attr|class|func|meth|mod):`~?([^`]+)`")


def as_markdown(text: str) -> str:
    """Return the docstring *text* as Markdown."""
    text = _ROLE.sub(r"`\1`", text)
    return re.sub(r"^::$", "", text, flags=re.MULTILINE).replace("::\n\n", ":\n\n")


class DocstringMarkup(griffe.Extension):
    """Rewrites each docstring as it is read."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:  # noqa: ARG002 - griffe passes more
        """Rewrite the docstring of *obj*, whatever it is."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)
