"""Where each test's cassette is: a path that a person can read, and that no other test has."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

TESTS = frozenset({"tests", "test"})
"""Folders that say nothing about a test, where the project does not say which one its tests are in."""
LONGEST = 100
"""Characters of a part of the path: parameters can be long."""

_PLACES = pytest.StashKey[dict[Path, set[str]]]()


def cassette_path(node: pytest.Item) -> Path:
    """Return the cassette of a test: ``<folders>/<module>/<class>.<test>.yaml``.

    The test's part of it is its ``cassette`` marker's name, if there is one; folders are those below that of the tests.
    """
    config = node.config
    classes = [_class(each.name) for each in node.listchain() if isinstance(each, pytest.Class)]
    name = ".".join([*classes, _test(node)])
    module = _slug(node.path.stem.removeprefix("test_"))
    return config.rootpath.joinpath(str(config.getini("cassettes")), *_folders(node), module, f"{name}.yaml")


def remember(items: Iterable[pytest.Item]) -> None:
    """Note the cassettes of *items*, before any of them is deselected: they may be run one by one."""
    for item in items:
        _tests_of(cassette_path(item), item).add(item.nodeid)


def own_path(node: pytest.Item) -> Path:
    """Return the cassette of a test; fail it if another test has the same one."""
    path = cassette_path(node)
    tests = _tests_of(path, node)
    tests.add(node.nodeid)
    if len(tests) > 1:
        told = "".join(f"\n  {each}" for each in sorted(tests))
        mend = "Name one of them otherwise, or give it a marker: @pytest.mark.cassette(name)"
        pytest.fail(f"These tests would share one cassette:{told}\nIt is {path}\n{mend}", pytrace=False)
    return path


def _tests_of(path: Path, node: pytest.Item) -> set[str]:
    return node.config.stash.setdefault(_PLACES, {}).setdefault(path, set())


def _folders(node: pytest.Item) -> list[str]:
    root = node.config.rootpath
    if not node.path.is_relative_to(root):
        return []
    folders = node.path.parent.relative_to(root).parts
    told = [Path(each).parts for each in node.config.getini("testpaths")[:1]]
    for tests in told or [(each,) for each in sorted(TESTS)]:
        if tests and folders[: len(tests)] == tests:
            return [_slug(each) for each in folders[len(tests) :]]
    return [_slug(each) for each in folders]


def _class(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.removeprefix("Test") or name)
    camel = "".join(word.capitalize() for word in words.split("_")) == words.replace("_", "")
    return _slug(words.lower() if camel else words)


def _test(node: pytest.Item) -> str:
    marker = node.get_closest_marker("cassette")
    if marker is None:
        return _slug(node.name.removeprefix("test_"))
    of_one = re.search(r"\[.*", node.name, re.DOTALL)  # a test of several parameters has a cassette for each
    return "-".join([_plain(marker.args[0]), *([_slug(of_one.group())] if of_one else [])])


def _slug(text: str) -> str:
    """Return *text* as part of a path, with a short hash where it could be that of another text."""
    slug = _plain(text)
    if slug and len(slug) <= LONGEST and slug == re.sub(r"[_\[]", "-", text.removeprefix("[").removesuffix("]")):
        return slug
    return "-".join(filter(None, [slug[:LONGEST], hashlib.sha256(text.encode()).hexdigest()[:6]]))


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
