"""A client's configuration file as a document that is changed in a few places and otherwise stays as it is."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Literal, Protocol

from dynamic_plugins.clients.jsonc import JsoncDocument
from dynamic_plugins.core.outside_data import DEEPEST, TOO_DEEP, nested_deeper, parse_toml
from dynamic_plugins.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

Format = Literal["json", "toml", "yaml"]
MOST_VALUES = 100_000
MISSING = "Changing this file needs the extra cli: pip install 'agent-dynamic-plugins[cli]'"


class Document(Protocol):
    """A parsed file. Edits are made in :attr:`text`; whatever is not edited keeps its place, and its comments."""

    @property
    def text(self) -> str: ...
    @property
    def data(self) -> dict[str, Any]: ...
    def set(self, path: Sequence[str], value: Any) -> None: ...
    def append(self, path: Sequence[str], value: Any) -> None: ...
    def remove(self, path: Sequence[str]) -> None: ...


def parse(text: str, format_: Format) -> Document:
    """Return the document of *text*. Raises ValueError for what is none."""
    if format_ == "json":
        return JsoncDocument(text)
    return TomlDocument(text) if format_ == "toml" else YamlDocument(text)


class _Tree:
    """Edits in a tree of mappings that a library keeps together with its comments."""

    _root: MutableMapping[str, Any]

    def set(self, path: Sequence[str], value: Any) -> None:
        """Put *value* at *path*; the tables on the way are made where they are missing."""
        table = self._root
        for key in path[:-1]:
            if key not in table:
                table[key] = self._table()
            table = table[key]
            if not hasattr(table, "items"):
                raise ValueError(f"{key} is no table")
        if path[-1] not in table or _plain(table[path[-1]]) != value:
            table[path[-1]] = self._item(value)

    def append(self, path: Sequence[str], value: Any) -> None:
        """Put *value* at the end of the list at *path*, which is made where it is missing."""
        found = self._at(path)
        if found is None:
            self.set(path, [value])
        elif not hasattr(found, "append"):
            raise ValueError(f"{path[-1]} is no list")
        else:
            found.append(value)

    def remove(self, path: Sequence[str]) -> None:
        """Remove what is at *path*; nothing where there is nothing."""
        table = self._at(path[:-1])
        if hasattr(table, "items") and path[-1] in table:
            del table[path[-1]]

    def _at(self, path: Sequence[str]) -> Any:
        found: Any = self._root
        for key in path:
            if not hasattr(found, "items") or key not in found:
                return None
            found = found[key]
        return found

    def _table(self) -> Any:
        return {}

    def _item(self, value: Any) -> Any:
        return value


class TomlDocument(_Tree):
    """TOML; reading needs the standard library alone, edits are tomlkit's."""

    def __init__(self, text: str) -> None:
        self._data, self._source = parse_toml(text), text
        self._edited: Any = None

    @property
    def data(self) -> dict[str, Any]:
        return self._data if self._edited is None else dict(self._edited.unwrap())

    @property
    def text(self) -> str:
        if self._edited is None:
            return self._source
        text = str(self._edited.as_string())
        return text if self._source.endswith("\n\n") else f"{text.rstrip()}\n"

    @property
    def _root(self) -> Any:  # type: ignore[override] # made at the first edit
        if self._edited is None:
            tomlkit = _library("tomlkit")
            try:
                self._edited = tomlkit.parse(self._source)
            except tomlkit.exceptions.ParseError as error:
                raise ValueError(str(error)) from None
        return self._edited

    def _table(self) -> Any:
        return _library("tomlkit").table(is_super_table=True)

    def _item(self, value: Any) -> Any:
        tomlkit = _library("tomlkit")
        item = last = tomlkit.item(value)
        if isinstance(value, dict):
            while (inner := [each for each in last.values() if hasattr(each, "items")]) != []:
                last = inner[-1]
            last.add(tomlkit.nl())  # a blank line before the next table
        return item


class YamlDocument(_Tree):
    """YAML, read and written by ruamel.yaml, which keeps comments, order and quotation marks."""

    def __init__(self, text: str) -> None:
        library = _library("ruamel.yaml")
        self._yaml = library.YAML(typ="rt")
        self._yaml.preserve_quotes, self._yaml.width, self._yaml.allow_duplicate_keys = True, 10**6, False
        self._source: str | None = text
        try:
            self._root = self._yaml.load(text) if text.strip() else library.comments.CommentedMap()
        except (library.error.YAMLError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            raise ValueError(f"line {mark.line + 1} is no YAML" if mark else "it is no YAML") from None
        if self._root is None:
            self._root = library.comments.CommentedMap()
        # An alias may hold itself, and few lines of aliases stand for any number of values.
        if not hasattr(self._root, "items"):
            raise ValueError("it is no table of YAML")
        if nested_deeper(self._root, DEEPEST) or _size(self._root, {}) > MOST_VALUES:
            raise ValueError(TOO_DEEP)
        self._before = _plain(self._root)

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = _plain(self._root)
        return found

    @property
    def text(self) -> str:
        if self._source is not None and _plain(self._root) == self._before:
            return self._source
        made = io.StringIO()
        self._yaml.dump(self._root, made)
        return made.getvalue()


def _size(value: Any, known: dict[int, int]) -> int:
    """Return how many values *value* stands for; what several aliases name is counted as often."""
    if id(value) not in known:
        inner = value.values() if hasattr(value, "items") else value if isinstance(value, list) else ()
        known[id(value)] = 1 + sum(_size(each, known) for each in inner)
    return known[id(value)]


def _plain(value: Any) -> Any:
    """Return a library's value as one of Python's own."""
    if hasattr(value, "items"):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    return next((kind(value) for kind in (str, int, float) if isinstance(value, kind)), value)


def _library(name: str) -> Any:
    import importlib

    try:
        module = importlib.import_module(name)
    except ImportError:
        raise PluginError(MISSING) from None
    if name == "ruamel.yaml":
        importlib.import_module("ruamel.yaml.comments")
    return module
