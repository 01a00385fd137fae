"""A registry's entries as rows of plain JSON lists, made into entries only when somebody looks at them.

A cached registry is kept so, since ten thousand entries must load at once. Only what was parsed and cleaned before is
ever written; reading a row checks nothing again.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, overload

from dynamic_plugins.core.permissions import UNDECLARED, Permissions
from dynamic_plugins.registry.entry import Argument, Entry, Header, OfferedAction, Package, Remote, Variable, Verified

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = list[Any]
_NOTHING_MORE: Row = [None, (), (), 0, "", "", None, None, 0]
_name_at = json.JSONDecoder().raw_decode


def to_row(entry: Entry) -> Row:
    """Return *entry* without its source, as a list of JSON values."""
    return [
        entry.name,
        entry.kind,
        entry.description,
        entry.repository,
        entry.keywords,
        [
            [package.type, package.name, package.version, [_argument_row(a) for a in package.arguments], package.sha256]
            for package in entry.packages
        ],
        [_variable_row(each) for each in entry.config],
        [[action.name, action.description] for action in entry.actions],
        None if entry.permissions == UNDECLARED else entry.permissions.to_dict(),
        entry.aliases,
        entry.categories,
        entry.popularity,
        entry.command,
        entry.problem,
        entry.verified and _verified_row(entry.verified),
        entry.remote and _remote_row(entry.remote),
        entry.popularity_rank,
    ]


def from_row(row: Row, source: str) -> Entry:
    """Return the entry of a row. Raises ValueError, TypeError, KeyError or IndexError for anything that is none."""
    # A copy that an earlier version wrote ends before some of these.
    name, kind, description, repository, keywords, packages, config, actions, *more = row
    more += _NOTHING_MORE[len(more) :]
    permissions, aliases, categories, popularity, command, problem, verified, remote, rank = more
    return Entry(
        name,
        kind,
        description,
        repository,
        tuple(keywords),
        tuple([_package(each) for each in packages]) if packages else (),
        tuple([_variable(each) for each in config]) if config else (),
        tuple([OfferedAction(*each) for each in actions]) if actions else (),
        source,
        UNDECLARED if permissions is None else Permissions.from_dict(permissions),
        tuple(aliases),
        tuple(categories),
        popularity,
        command,
        Verified(*verified) if verified else None,
        _remote(remote) if remote else None,
        problem,
        rank,
    )


def _variable_row(v: Variable) -> Row:
    return [v.name, v.description, v.required, v.secret, v.default, v.choices, v.format]


def _verified_row(seen: Verified) -> Row:
    return [seen.date, seen.version, seen.actions, seen.tokens, seen.keyless, seen.python, seen.node, seen.size_bytes]


def _remote_row(remote: Remote) -> Row:
    headers = [[header.name, header.variable, header.template] for header in remote.headers]
    return [remote.url, remote.transport, remote.auth, headers, [_variable_row(each) for each in remote.config]]


def _remote(row: Row) -> Remote:
    url, transport, auth, headers, config = row
    made = tuple([Header(*each) for each in headers])
    return Remote(url, transport, auth, made, tuple([_variable(each) for each in config]))


def _argument_row(argument: Argument) -> Row:
    return [
        argument.type,
        argument.name,
        argument.value,
        argument.hint,
        argument.description,
        argument.required,
        argument.secret,
        argument.repeated,
        argument.default,
        argument.choices,
        argument.format,
    ]


def _package(row: Row) -> Package:
    type_, name, version, arguments, sha256 = row
    return Package(type_, name, version, tuple([_argument(each) for each in arguments]) if arguments else (), sha256)


def _argument(row: Row) -> Argument:
    type_, name, value, hint, description, required, secret, repeated, default, choices, format_ = row
    return Argument(type_, name, value, hint, description, required, secret, repeated, default, tuple(choices), format_)


def _variable(row: Row) -> Variable:
    name, description, required, secret, default, choices, format_ = row
    # Whether it is secret was decided when the registry was read.
    return Variable(name, description, required, secret, default, tuple(choices), format_, secret_declared=True)


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Hold the collector while many small objects are made: it would look through all of them again and again.

    It makes reading ten thousand entries four times as fast.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class EntryList(Sequence[Entry]):
    """The entries of one source in its order. Reads like a tuple; a row becomes an :class:`Entry` at first use."""

    def __init__(self, items: Iterable[str | Entry], source: str) -> None:
        self._items = list(items)
        self._source = source
        self._positions: dict[str, int] | None = None

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | Sequence[Entry]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self._items)))]
        item = self._items[index]
        if isinstance(item, str):
            item = self._items[index] = from_row(json.loads(item), self._source)
        return item

    def __iter__(self) -> Iterator[Entry]:
        with without_garbage_collection():
            made = [self[index] for index in range(len(self._items))]
        return iter(made)

    def names(self) -> list[str]:
        """Return all names in order, without making the entries."""
        # A row is a JSON list that begins with the name.
        return [item.name if isinstance(item, Entry) else _name_at(item, 1)[0] for item in self._items]

    def named(self, name: str) -> Entry | None:
        """Return the entry of this name, or None."""
        if self._positions is None:
            self._positions = {each: index for index, each in enumerate(self.names())}
        position = self._positions.get(name)
        return None if position is None else self[position]

    def rows(self) -> list[str]:
        """Return all entries as the lines they are kept as."""
        return [item if isinstance(item, str) else json.dumps(to_row(item)) for item in self._items]


class Joined(Sequence[Entry]):
    """The entries of several sources, one after the other; a name that two of them have is there twice."""

    def __init__(self, lists: Iterable[Sequence[Entry]]) -> None:
        self._lists = tuple(lists)

    def __len__(self) -> int:
        return sum(map(len, self._lists))

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | Sequence[Entry]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        if index < 0:
            index += len(self)
        for each in self._lists:
            if 0 <= index < len(each):
                return each[index]
            index -= len(each)
        raise IndexError("there are not so many entries")

    def __iter__(self) -> Iterator[Entry]:
        for each in self._lists:
            yield from each

    def names(self) -> list[str]:
        """Return all names in order, without making the entries."""
        return [name for each in self._lists for name in _names_of(each)]

    def named(self, name: str) -> Entry | None:
        """Return the first entry of this name, or None."""
        found = (_named_in(each, name) for each in self._lists)
        return next((entry for entry in found if entry is not None), None)


class ByName(Mapping[str, Entry]):
    """Entries by name: the first of *near* and then the first of *far* that is called so.

    Only those of *near* are gone through, and counted: making all of *far* takes time that nobody has.
    """

    def __init__(self, near: Sequence[Entry], far: Sequence[Entry] = ()) -> None:
        self._near = {entry.name: entry for entry in reversed(near)}
        self._far = far

    def __getitem__(self, name: str) -> Entry:
        entry = self._near.get(name) or _named_in(self._far, name)
        if entry is None:
            raise KeyError(name)
        return entry

    def __contains__(self, name: object) -> bool:
        return name in self._near or (isinstance(name, str) and _named_in(self._far, name) is not None)

    def __iter__(self) -> Iterator[str]:
        return reversed(self._near)

    def __len__(self) -> int:
        return len(self._near)


def _names_of(entries: Sequence[Entry]) -> list[str]:
    return entries.names() if isinstance(entries, EntryList | Joined) else [entry.name for entry in entries]


def _named_in(entries: Sequence[Entry], name: str) -> Entry | None:
    if isinstance(entries, EntryList | Joined):
        return entries.named(name)
    return next((entry for entry in entries if entry.name == name), None)
