"""A project that a stranger wrote: somebody clones it and runs ``sync``, which shows what it does and does no more.

In each test the files say something else than what would be installed, reached or told.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import tomllib
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_listed
from dynamic_plugins.core.permissions import Permissions
from dynamic_plugins.errors import (
    BadArgumentsError,
    InstallError,
    PinnedError,
    PluginError,
    ProjectFileError,
    UnlistedError,
)
from dynamic_plugins.install.locked_needs import check_npm_needs, check_npm_versions, check_python_needs
from dynamic_plugins.install.locked_packages import LockedPackages, LockedWheel
from dynamic_plugins.install.npm import Npm
from dynamic_plugins.install.python_environment import PythonEnvironment
from dynamic_plugins.project.locked_set import read_locked
from dynamic_plugins.project.wanted_set import read_wanted
from tests.conftest import EXAMPLES, Cli
from tests.npm_registry import npm_registry
from tests.test_sets import LONG_AGO, Shop, asked, home_of, machine, shop, standing, sync

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dynamic_plugins.approval import ApprovalRequest

__all__ = ["shop"]  # a fixture
HELLO = EXAMPLES / "hello-plugin"
HASH = f"sha256:{'0' * 64}"


async def locked_text(shop: Shop) -> str:
    """Lock what the shop's project wants, and return the lock."""
    async with machine(shop, "author") as app:
        await app.project_sets().lock(shop.file)
    return shop.lock.read_text()


async def refusal(shop: Shop, kind: type[PluginError]) -> str:
    """Return why another machine, whose operator has said ``--yes``, refuses the set; it has changed nothing."""
    async with machine(shop, "other") as app:
        app.service.approve = approve_listed
        with pytest.raises(kind) as refused:
            await sync(app, shop, frozen=True)
        assert home_of(app) == {"state": {}, "files": [], "values": {}}
        return str(refused.value)


# ---------------------------------------------------------------- a lock with other packages in it


async def test_a_package_that_was_added_to_a_listed_plugin_is_not_installed(shop: Shop) -> None:
    shop.index.add("other", "1.0", LONG_AGO)
    shop.lists()
    shop.wants("[plugins]\nother = '*'\n")
    digest = tomllib.loads(await locked_text(shop))["plugin"][0]["python"][0]["hashes"][0]
    shop.wants("[plugins]\ntea = '*'\n")
    added = f'python = [\n  {{ name = "other", version = "1.0", hashes = ["{digest}"] }},'
    shop.lock.write_text((await locked_text(shop)).replace("python = [", added))
    assert re.search(
        "other is locked for it, and nothing that it consists of needs that", await refusal(shop, InstallError)
    )


def environment(folder: Path, packages: Mapping[str, tuple[str, ...]], records: Mapping[str, str]) -> PythonEnvironment:
    """Return an environment with the metadata of *packages*: ``name-version`` and what each needs."""
    site = folder / "lib" / "python3.11" / "site-packages"
    for each, needs in packages.items():
        info = site / f"{each}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("".join(f"Requires-Dist: {need}\n" for need in needs))
        (info / "RECORD").write_text(records.get(each, "code.py,,\n"))
    (folder / "pyvenv.cfg").write_text("version_info = 3.12.4\n")
    return PythonEnvironment(folder)


@pytest.mark.parametrize(
    ("packages", "needed", "problem"),
    [
        ({"tea-1.0": ("leaf>=1",), "leaf-1.5": ()}, "tea==1.0 --hash=sha256:00", None),
        ({"tea-1.0": ("leaf[dried]",), "leaf-1.5": ("tin; extra == 'dried'",), "tin-1": ()}, "tea", None),
        ({"tea-1.0": ("leaf; python_version >= '3.12'",), "leaf-1.5": ()}, "tea", None),
        ({"tea-1.0": ("leaf",), "leaf-1.5": ("tin; extra == 'dried'",), "tin-1": ()}, "tea", "tin is locked"),
        ({"tea-1.0": ("leaf; python_version < '3.12'",), "leaf-1.5": ()}, "tea", "leaf is locked"),
        ({"tea-1.0": ("leaf>=1",), "leaf-0.5": ()}, "tea", "leaf 0.5 is locked for it, where leaf>=1 is needed"),
        ({"tea-1.0": (), "elizaos-2.0a1": ()}, "tea", "elizaos is locked"),
        ({"tea-1.0": ("elizaos>=2.0.0",), "elizaos-2.0a1": ()}, "tea", None),
    ],
)
def test_what_python_packages_need_is_their_own_word(
    tmp_path: Path, packages: dict[str, tuple[str, ...]], needed: str, problem: str | None
) -> None:
    made = environment(tmp_path, packages, {})
    if problem is None:
        check_python_needs("tea", made, LockedPackages(), [needed], "elizaos")
    else:
        with pytest.raises(InstallError, match=problem):
            check_python_needs("tea", made, LockedPackages(), [needed], "elizaos")


def test_no_package_brings_the_metadata_of_another(tmp_path: Path) -> None:
    records = {"leaf-1.5": "tea-1.0.dist-info/METADATA,,\n"}
    made = environment(tmp_path, {"tea-1.0": ("leaf",), "leaf-1.5": ()}, records)
    with pytest.raises(InstallError, match="leaf is locked"):
        check_python_needs("tea", made, LockedPackages(), ["tea"])


def test_what_is_of_an_index_is_not_needed_for_saying_that_it_is_of_an_address(tmp_path: Path) -> None:
    made = environment(tmp_path, {"tea-1.0": (), "leaf-1.5": ()}, {})
    (made.site_packages / "leaf-1.5.dist-info" / "direct_url.json").write_text("{}")
    check_python_needs("tea", made, LockedPackages(), ["tea"])
    with pytest.raises(InstallError, match="leaf is locked"):
        check_python_needs("tea", made, LockedPackages((LockedWheel("leaf", "1.5", (HASH,)),)), ["tea"])


_HANDLE = re.compile(r'\{ place = "node_modules/handle".*')


async def test_a_package_of_npm_that_was_exchanged_or_added_is_not_installed(shop: Shop) -> None:
    shop.lists(*({"name": name, "packages": [{"type": "npm", "name": name}]} for name in ("cup", "other")))
    with npm_registry() as shop.npm:
        shop.npm.add("cup", "1.0.0", dependencies={"handle": "^1.0.0"})
        shop.npm.add("handle", "1.0.0", files={"index.js": ""})
        shop.npm.add("other", "1.0.0")
        shop.wants("[plugins]\nother = '*'\n")
        (other,) = tomllib.loads(await locked_text(shop))["plugin"][0]["npm"]
        shop.wants("[plugins]\ncup = '*'\n")
        text = await locked_text(shop)
        facts = f'name = "other", version = "1.0.0", integrity = "{other["integrity"]}"'
        exchanged = f'{{ place = "node_modules/handle", {facts} }},'
        assert _HANDLE.search(text)
        shop.lock.write_text(_HANDLE.sub(exchanged, text))
        assert re.search(
            "handle is locked for it, and nothing that it consists of needs that", await refusal(shop, InstallError)
        )


def of_npm(folder: Path, places: dict[str, dict[str, Any]]) -> None:
    """Make a folder as npm leaves it, with a package at each of *places*; by each its ``package.json``."""
    packages: dict[str, Any] = {"": {}}
    for place, told in places.items():
        lies = folder / "node_modules" / place
        lies.mkdir(parents=True)
        facts = {} if told.pop("bare", False) else {"integrity": "sha512-x"}
        packages[f"node_modules/{place}"] = facts | ({"name": named} if (named := told.pop("named", None)) else {})
        (lies / "package.json").write_text(json.dumps(told))
    (folder / "package-lock.json").write_text(json.dumps({"packages": packages}))


@pytest.mark.parametrize(
    ("places", "problem"),
    [
        ({"cup": {"dependencies": {"handle": "1"}}, "handle": {}}, None),
        ({"cup": {"optionalDependencies": {"handle": "1"}}, "cup/node_modules/handle": {}}, None),
        ({"cup": {"peerDependencies": {"handle": "npm:other@1"}}, "handle": {"named": "other"}}, None),
        ({"cup": {"dependencies": {"handle": "npm:@a/other@1"}}, "handle": {"named": "@a/other"}}, None),
        ({"cup": {"dependencies": {"handle": "1"}}, "handle": {"named": "other"}}, "handle is locked"),
        ({"cup": {"named": "other"}}, "cup is locked"),
        ({"cup": {}, "handle": {}}, "handle is locked"),
        ({"cup": {"dependencies": {"handle": "1"}}, "handle": {"bare": True}}, "handle is locked"),
        ({"cup": {"bundleDependencies": ["handle"]}, "cup/node_modules/handle": {"bare": True}}, None),
        ({"cup": {"dependencies": {"core": "npm:other@1"}}, "core": {}}, None),
    ],
)
def test_what_packages_of_npm_need_is_their_own_word(
    tmp_path: Path, places: dict[str, dict[str, Any]], problem: str | None
) -> None:
    of_npm(tmp_path, places)
    if problem is None:
        check_npm_needs("cup", tmp_path, ["cup"], ["core"])
    else:
        with pytest.raises(InstallError, match=problem):
            check_npm_needs("cup", tmp_path, ["cup"], ["core"])


@pytest.mark.parametrize(
    ("asked", "lies", "problem"),
    [
        ({"dependencies": "^1.2.0"}, "1.9.3", None),
        ({"dependencies": "^1.2.0"}, "1.1.9", r"handle 1\.1\.9 is locked for it, where cup needs \^1\.2\.0"),
        ({"dependencies": "^0.2.3"}, "0.3.0", "where cup needs"),
        ({"dependencies": "~1.2"}, "1.3.0", "where cup needs"),
        ({"dependencies": ">=1.2.3 <2 || 3.x"}, "3.4.5", None),
        ({"dependencies": ">=1.2.3 <2 || 3.x"}, "2.0.0", "where cup needs"),
        ({"dependencies": "1.2.3 - 2.3"}, "2.3.9", None),
        ({"dependencies": "1.2.3 - 2.3"}, "2.4.0", "where cup needs"),
        ({"dependencies": "*"}, "2.0.0-rc.1", None),
        ({"dependencies": "^1.0.0"}, "1.5.0-rc.1", "where cup needs"),
        ({"dependencies": "^1.5.0-beta"}, "1.5.0-rc.1", None),
        ({"dependencies": "v1.x"}, "1.0.7", None),
        ({"dependencies": "next"}, "7.0.0", None),
        ({"optionalDependencies": "1", "dependencies": "2"}, "1.0.0", None),
        ({"dependencies": "2", "peerDependencies": "1"}, "2.0.0", None),
        ({"peerDependencies": "1"}, "2.0.0", "where cup needs 1"),
        ({"dependencies": "npm:handle@^2"}, "2.1.0", None),
        ({"dependencies": "npm:handle@^2"}, "1.0.0", r"where cup needs \^2"),
    ],
)
async def test_a_package_of_npm_is_held_to_the_versions_that_others_want_of_it(
    tmp_path: Path, asked: dict[str, str], lies: str, problem: str | None
) -> None:
    npm = Npm(environ=os.environ)
    if not npm.available:
        pytest.skip("there is no npm")
    manifest = {kind: {"handle": wanted} for kind, wanted in asked.items()}
    of_npm(tmp_path, {"cup": manifest, "handle": {"version": lies}})
    wishes = check_npm_needs("cup", tmp_path, ["cup"], [])
    if problem is None:
        await check_npm_versions("cup", wishes, partial(npm.first_outside, "cup"))
    else:
        with pytest.raises(InstallError, match=problem):
            await check_npm_versions("cup", wishes, partial(npm.first_outside, "cup"))


async def test_of_what_only_peers_want_one_of_them_is_right(tmp_path: Path) -> None:
    npm = Npm(environ=os.environ)
    if not npm.available:
        pytest.skip("there is no npm")
    peers = {each: {"peerDependencies": {"handle": wanted}} for each, wanted in (("one", "1"), ("two", "2"))}
    of_npm(tmp_path, {"cup": {"dependencies": {"one": "*", "two": "*"}}, **peers, "handle": {"version": "2.0.0"}})
    wishes = check_npm_needs("cup", tmp_path, ["cup"], [])
    assert wishes
    await check_npm_versions("cup", wishes, partial(npm.first_outside, "cup"))
    # What a package brings in its own archive, and what is given for all, are nobody else's wish.
    bundling = {"dependencies": {"handle": "1", "core": "1"}, "bundleDependencies": ["handle"]}
    of_npm(
        tmp_path / "2", {"cup": bundling, "cup/node_modules/handle": {"version": "2.0.0"}, "core": {"version": "9.0.0"}}
    )
    wishes = check_npm_needs("cup", tmp_path / "2", ["cup"], ["core"])
    await check_npm_versions("cup", wishes, partial(npm.first_outside, "cup"))


async def test_an_older_package_of_npm_than_its_plugin_wants_is_not_installed(shop: Shop) -> None:
    shop.lists({"name": "cup", "packages": [{"type": "npm", "name": "cup"}]})
    with npm_registry() as shop.npm:
        shop.npm.add("cup", "1.0.0", dependencies={"handle": "^1.2.0"})
        shop.npm.add("handle", "1.1.0", files={"index.js": "of old"})
        shop.npm.add("handle", "1.2.0", files={"index.js": ""})
        shop.wants("[plugins]\ncup = '*'\n")
        text = await locked_text(shop)
        old = base64.b64encode(hashlib.sha512(shop.npm.packages["handle"]["1.1.0"][1]).digest()).decode()
        facts = f'version = "1.1.0", integrity = "sha512-{old}"'
        exchanged = f'{{ place = "node_modules/handle", {facts} }},'
        # The lock's own word for what the plugin wants is written to fit, too.
        shop.lock.write_text(_HANDLE.sub(exchanged, text).replace("^1.2.0", "^1.1.0"))
        told = await refusal(shop, InstallError)
        assert re.search(r"handle 1\.1\.0 is locked for it, where cup needs \^1\.2\.0\. Lock it again", told)


# ---------------------------------------------------------------- a lock of another plugin


async def test_another_listed_plugin_than_the_file_names_needs_a_word_of_its_own(shop: Shop) -> None:
    shop.wants("[plugins]\nleaf = '*'\n")
    text = await locked_text(shop)
    shop.wants("[plugins]\ntea = '*'\n")
    shop.lock.write_text(text.replace('named = "leaf"', 'named = "tea"'))
    assert re.search("leaf", await refusal(shop, UnlistedError))
    async with machine(shop, "asked", answer=False) as app:
        with pytest.raises(PluginError):
            await sync(app, shop)
        assert "  warning  plugins.toml asks for tea, which is no name of it here." in asked(app)[0].facts


async def test_a_secret_of_a_listed_plugin_is_none_that_a_lock_makes_plain(shop: Shop) -> None:
    packages = [{"type": "pypi", "name": "tea"}]
    shop.lists({"name": "pot", "kind": "python", "packages": packages, "config": [{"name": "LEAVES", "secret": True}]})
    shop.wants("[plugins]\npot = '*'\n")
    text = await locked_text(shop)
    assert "secret = true" in text
    shop.lock.write_text(text.replace("secret = true", "secret = false"))
    assert re.search("no registry lists it", await refusal(shop, UnlistedError))


async def test_two_plugins_are_not_locked_for_one_name(shop: Shop) -> None:
    shop.wants("[plugins]\ntea = '*'\nleaf = '*'\n")
    text = await locked_text(shop)
    shop.lock.write_text(text.replace('named = "leaf"', 'named = "tea"'))
    with pytest.raises(ProjectFileError, match="tea is locked for tea, and so is leaf"):
        read_locked(shop.lock)


async def test_a_folder_is_what_is_locked_and_reaches_what_the_lock_shows(shop: Shop) -> None:
    folder = shop.file.parent / "hello"
    shutil.copytree(HELLO, folder)
    table = '\n[tool.dynamic-plugins.permissions]\nnetwork = "any"\nfiles = [{ path = "~/x", access = "write" }]\n'
    (folder / "pyproject.toml").write_text((HELLO / "pyproject.toml").read_text() + table)
    shop.wants("[plugins.hello]\npath = 'hello'\n")
    text = await locked_text(shop)
    shop.lock.write_text(re.sub(r"^permissions = .*$", "permissions = { network = [] }", text, flags=re.MULTILINE))
    assert re.search("it declares that it reaches more than was locked", await refusal(shop, InstallError))
    shop.lock.write_text(text.replace('name = "hello"\n', 'name = "tea"\n'))
    assert re.search("hello holds the plugin hello, which is not what is locked", await refusal(shop, InstallError))


async def test_skills_and_bundles_are_locked_without_a_folder_of_the_machine_in_the_lock(shop: Shop) -> None:
    from tests.test_mcp_bundles import bundle
    from tests.test_skills import skill

    shop.wants("[plugins.making-tea]\npath = 'making-tea'\n[plugins.tea]\npath = 'tea.mcpb'\nactive = false\n")
    skill(shop.file.parent / "making-tea")
    bundle(shop.file.parent / "tea.mcpb")
    text = await locked_text(shop)
    assert str(shop.folder) not in text
    assert await locked_text(shop) == text
    async with machine(shop, "other") as app:
        app.service.approve = approve_listed
        await sync(app, shop, frozen=True)
        assert (await standing(app, shop, look_only=True)).is_in_step
        assert app.service.status_of("making-tea") == "active"


# ---------------------------------------------------------------- the person's own decisions


async def test_a_plugin_that_is_pinned_is_not_changed_by_a_file_nor_by_one_that_was_open_meanwhile(shop: Shop) -> None:
    shop.index.add("tea", "2.0", LONG_AGO, ("leaf>=1",))
    async with machine(shop) as app:
        shop.wants("[plugins]\ntea = '1.0'\n")
        await sync(app, shop)
        shop.wants("[plugins]\ntea = '2.0'\n")
        denied = Permissions(("example.org",))

        async def thinks(_request: ApprovalRequest) -> bool:
            app.store.change("tea", pinned=True, denied=denied)
            return True

        app.service.approve = thinks
        with pytest.raises(PinnedError):
            await sync(app, shop)
        with pytest.raises(PinnedError):
            await standing(app, shop)
        app.store.change("tea", pinned=False)
        app.service.approve = approve_listed
        await sync(app, shop)
        assert (app.store.get("tea").installation.version, app.store.get("tea").denied) == ("2.0", denied)


async def test_values_that_are_the_persons_own_stand_in_no_file_of_a_project(shop: Shop) -> None:
    shop.wants("[plugins.tea]\nconfig = { HTTPS_PROXY = 'http://127.0.0.1:1' }\n")
    async with machine(shop) as app:
        with pytest.raises(ProjectFileError, match=r"plugins\.toml:2: HTTPS_PROXY is yours alone to set"):
            await sync(app, shop)


async def test_a_profile_is_not_made_as_a_file_says(shop: Shop) -> None:
    from dataclasses import replace

    from dynamic_plugins.storage.profiles import Profiles

    shop.wants("[plugins]\n")
    async with machine(shop) as app:
        Profiles(app.settings.home).make("work")
        async with App(replace(app.settings, profile="work")) as seen:
            with pytest.raises(BadArgumentsError, match="not one profile of it"):
                await standing(seen, shop)


def test_what_is_installed_is_told_nothing_of_a_client_s_file_without_a_yes(shop: Shop) -> None:
    pot = {"name": "pot", "kind": "python", "packages": [{"type": "pypi", "name": "tea"}]}
    shop.index.files.clear()
    shop.index.add("tea", "1.0", LONG_AGO)
    (shop.folder / "registry.json").write_text(
        json.dumps({"schema": 1, "plugins": [pot | {"config": [{"name": "BASE_URL"}]}]})
    )
    cli = Cli(shop.folder / "home", shop.environment(shop.folder))
    cli("--registry", shop.registry, "install", "pot", "--yes")
    file = shop.folder / "mcp.json"
    server = {"command": "uvx", "args": ["tea"], "env": {"BASE_URL": "http://x.example/\n  pot: refused"}}
    file.write_text(json.dumps({"mcpServers": {"pot": server}}))
    words = ("--registry", shop.registry, "import", str(file))
    assert "BASE_URL=http://x.example/\\n  pot: refused\n" in cli(*words, "--dry-run", json=False).out
    (told,) = cli(*words, code=4).json["servers"]
    assert told["error"]["code"] == "needs_confirmation"
    assert not (shop.folder / "home" / "configuration.json").exists()
    assert cli(*words, "--yes").json["ok"]
    assert "x.example" in (shop.folder / "home" / "configuration.json").read_text()


# ---------------------------------------------------------------- paths and texts


def wanted(folder: Path, text: str) -> Any:
    (folder / "plugins.toml").write_text(text)
    return read_wanted(folder / "plugins.toml")


@pytest.mark.parametrize(
    "text",
    [
        "[plugins.tea]\npermissions = { files = [{ path = '$PROJECT/notes', access = 'write' }] }\n",
        "[plugins.tea]\nconfig = { NOTES = '$PROJECT/notes/mine' }\n",
    ],
)
def test_a_link_in_a_project_that_leads_out_of_it_is_not_shown_as_a_path_in_it(tmp_path: Path, text: str) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    project.mkdir()
    elsewhere.mkdir()
    (project / "notes").mkdir()
    assert wanted(project, text).plugins
    (project / "notes").rmdir()
    (project / "notes").symlink_to(elsewhere)
    with pytest.raises(ProjectFileError, match=rf"plugins.toml:2: .* is a link to {elsewhere}"):
        wanted(project, text)


def test_a_number_that_is_too_long_to_write_out_is_no_format(tmp_path: Path) -> None:
    with pytest.raises(ProjectFileError, match="a number without sense"):
        wanted(tmp_path, f"version = 0x{'f' * 20_000}\n")


def test_what_is_nested_too_deeply_in_a_lock_is_told(tmp_path: Path) -> None:
    lock = tmp_path / "plugins.lock"
    digest = (
        "version = 1\n[[plugin]]\nname = 'tea'\nkind = 'mcp'\nversion = '1'\nremote = { url = 'https://a.example/' }\n"
    )
    lock.write_text(f"{digest}offers = ['{'[' * 100_000}']\n")
    with pytest.raises(ProjectFileError, match="nested too deeply"):
        read_locked(lock)


def test_a_value_with_a_line_end_is_one_line_and_a_token_is_in_no_file(cli: Cli, tmp_path: Path) -> None:
    shutil.copytree(HELLO, tmp_path / "hello")
    file = tmp_path / "plugins.toml"
    file.write_text('[plugins.hello]\npath = "hello"\nconfig = { GREETING = "hi\\n  switch   hello: off" }\n')
    cli("lock", "--file", str(file))
    check = cli("sync", "--check", "--file", str(file), code=1, json=False)
    assert "set      hello: GREETING = hi\\n  switch   hello: off\n" in check.out
    token = f"ghp_{'aB3' * 12}"
    cli("sync", "--file", str(file), "--yes")
    cli("configure", "hello", f"GREETING={token}")
    cli("init", "--file", str(tmp_path / "written.toml"))
    text = (tmp_path / "written.toml").read_text()
    assert token not in text
    assert 'secrets = ["GREETING"]' in text


def test_what_other_programs_left_beside_a_lock_stays(tmp_path: Path) -> None:
    from dynamic_plugins.core.atomic_file import write_atomically

    theirs = [tmp_path / name for name in (".notes.tmp", ".notes.0123456789ab.tmp.tmp", "x.tmp")]
    for each in theirs:
        each.write_text("")
    ours = tmp_path / ".plugins.lock.0123456789ab.tmp"
    ours.write_text("")
    write_atomically(tmp_path / "plugins.lock", "")
    assert all(each.exists() for each in theirs)
    assert not ours.exists()
