"""Entries as rows of plain JSON lists: what a cached registry is kept as, since ten thousand must load at once.

Only what was parsed and cleaned before is ever written so; reading a row checks nothing again.
"""

from __future__ import annotations

from typing import Any

from dynamic_plugins.registry.entry import Argument, Entry, OfferedAction, Package, Variable

Row = list[Any]


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
        [[v.name, v.description, v.required, v.secret, v.default, v.choices, v.format] for v in entry.config],
        [[action.name, action.description] for action in entry.actions],
    ]


def from_row(row: Row, source: str) -> Entry:
    """Return the entry of a row. Raises ValueError, TypeError or IndexError for anything that is none."""
    name, kind, description, repository, keywords, packages, config, actions = row
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
    )


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
    return Variable(name, description, required, secret, default, tuple(choices), format_)
