"""Versions: what is outdated, all updates at once, the way back to the version before, and pins."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.errors import (
    DeclinedError,
    LoadError,
    NotAllowedError,
    NoVersionBeforeError,
    PinnedError,
    PluginError,
    RevokedError,
)
from dynamic_plugins.install.latest_version import is_newer
from dynamic_plugins.settings import Settings
from dynamic_plugins.storage.state import StateStore
from tests.conftest import Cli, workers_of
from tests.npm_registry import npm_registry
from tests.package_index import PackageIndex, package_index
from tests.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from dynamic_plugins.approval import ApprovalRequest

BOUND = 60.0
LONG_AGO = "2020-01-01"
YESTERDAY = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
SOURCE = """import os
import shutil
from dynamic_plugins.plugin import Plugin, action

@action
def tell() -> str:
    "Tells."
    return "VERSION " + os.environ.get("WORD", "")
MORE
plugin = Plugin("probe", actions=[tell MORE_NAMES])
"""
WORD = 'config = [{name = "WORD"}]'
LEARN = '@action\ndef learn() -> str:\n    "Learns."\n    return "learnt"\n'


def write(folder: Path, version: str, permissions: str = "network = []", source: str = SOURCE, more: str = "") -> Path:
    """Write a plugin's folder, in some version; *more* is the source of its action ``learn``."""
    folder.mkdir(exist_ok=True)
    names = ", learn" if more else ""
    text = source.replace("VERSION", version).replace("MORE_NAMES", names).replace("MORE", more)
    (folder / "probe_plugin.py").write_text(text)
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "probe"\nversion = "{version}"\n'
        '[project.entry-points."dynamic_plugins.plugins"]\nprobe = "probe_plugin:plugin"\n'
        f"[tool.dynamic-plugins]\n{WORD}\n[tool.dynamic-plugins.permissions]\n{permissions}\n"
    )
    return folder


class Person:
    """Answers *says* to whatever is asked, and remembers what that was."""

    def __init__(self, *, says: bool = True) -> None:
        self.says = says
        self.asked: list[ApprovalRequest] = []

    async def __call__(self, request: ApprovalRequest) -> bool:
        self.asked.append(request)
        return self.says


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "probe", "1.0")


@asynccontextmanager
async def updated(home: Path, folder: Path, person: Any = approve_everything) -> AsyncIterator[App]:
    """Give an application with the probe in version 2.0 and active, which was updated from 1.0."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    async with asyncio.timeout(BOUND), App(Settings(home=home, environment=environment), approve=person) as app:
        await app.service.install_path(folder)
        await app.service.activate("probe")
        write(folder, "2.0")
        await app.service.update("probe")
        yield app
    assert workers_of(home) == []


async def tells(app: App) -> str:
    return str(await app.service.call("probe", "tell", {})).strip()


def damage(installed: Path) -> None:
    """Change a file of an installed version."""
    (module,) = installed.rglob("probe_plugin.py")
    module.write_text("plugin = 3")


def versions_on_disk(home: Path) -> int:
    (plugin,) = [path for path in (home / "runtime_plugins").iterdir() if path.is_dir()]
    return len(list(plugin.iterdir()))


# ---------------------------------------------------------------- the way back


async def test_a_rollback_brings_the_version_before_with_what_the_person_configured(home: Path, folder: Path) -> None:
    async with updated(home, folder) as app:
        await app.service.configure("probe", {"WORD": "mine"})
        assert await tells(app) == "2.0 mine"
        back = await app.service.versions.rollback("probe")
        assert (back.info.version, back.info.version_before, back.info.status) == ("1.0", "2.0", "active")
        assert await tells(app) == "1.0 mine"
        forward = await app.service.versions.rollback("probe")
        assert (forward.info.version, forward.info.version_before) == ("2.0", "1.0")
        assert await tells(app) == "2.0 mine"


async def test_one_version_before_is_kept_and_no_more(home: Path, folder: Path) -> None:
    async with updated(home, folder) as app:
        for version in ("3.0", "4.0"):
            write(folder, version)
            await app.service.update("probe")
            assert versions_on_disk(home) == 2
        await app.service.versions.rollback("probe")
        app.sweep()
        assert versions_on_disk(home) == 2
        assert (await app.service.versions.rollback("probe")).info.version == "4.0"
        await app.service.uninstall("probe")
        assert not any(path.is_dir() for path in (home / "runtime_plugins").iterdir())


async def test_where_nothing_was_updated_there_is_nothing_to_go_back_to(home: Path, folder: Path) -> None:
    async with asyncio.timeout(BOUND), App(Settings(home=home), approve=approve_everything) as app:
        await app.service.install_path(folder)
        with pytest.raises(NoVersionBeforeError, match=r"probe 1\.0 stays: it was not updated.*update probe --version"):
            await app.service.versions.rollback("probe")


async def test_a_version_whose_files_were_changed_or_lost_is_not_gone_back_to(home: Path, folder: Path) -> None:
    async with updated(home, folder) as app:
        kept = StateStore(app.settings.state_file).get("probe").kept
        assert kept is not None
        lies = Path(kept.installation.path)
        damage(lies)
        with pytest.raises(LoadError, match=r"1\.0 does not load: its installed files were changed.* 2\.0 stays"):
            await app.service.versions.rollback("probe")
        assert await tells(app) == "2.0"
        await asyncio.to_thread(lies.rename, lies.with_name("elsewhere"))
        with pytest.raises(NoVersionBeforeError, match=r"the files of 1\.0.*are gone"):
            await app.service.versions.rollback("probe")
        assert await tells(app) == "2.0"


async def test_a_rollback_that_reaches_more_is_asked_about_and_any_other_is_not(home: Path, folder: Path) -> None:
    write(folder, "1.0", 'network = ["api.example.org"]')
    person = Person()
    async with updated(home, folder, person) as app:
        person.says, before = False, len(person.asked)
        with pytest.raises(DeclinedError):
            await app.service.versions.rollback("probe")
        (question,) = person.asked[before:]
        assert question.question.startswith("Go back to probe 1.0 ")
        assert "also api.example.org" in question.permission_lines["network"]
        assert await tells(app) == "2.0"
        person.says = True
        assert (await app.service.versions.rollback("probe")).info.version == "1.0"
        before = len(person.asked)
        await app.service.versions.rollback("probe")
        assert person.asked[before:] == [], "it reaches less, and was agreed to"


async def test_a_version_that_offers_what_it_did_is_not_asked_about(home: Path, folder: Path) -> None:
    person = Person()
    async with updated(home, folder, person) as app:
        write(folder, "3.0", source=SOURCE.replace("Tells.", "Tells everything."))
        await app.service.update("probe")
        assert any("Tells everything." in line for line in person.asked[-1].changes)
        before = len(person.asked)
        for version in ("2.0", "3.0"):
            assert (await app.service.versions.rollback("probe")).info.version == version
        assert person.asked[before:] == [], "both descriptions were agreed to"


async def test_what_is_revoked_or_against_the_policy_is_not_gone_back_to(home: Path, folder: Path) -> None:
    registry = folder.with_name("registry.json")
    revoked = [{"name": "probe", "versions": ["1.0"], "reason": "it leaks"}]
    registry.write_text(json.dumps({"schema": 1, "plugins": [], "revoked": revoked}))
    async with updated(home, folder):
        pass
    settings = Settings(home=home, registries=(str(registry),))
    async with asyncio.timeout(BOUND), App(settings, approve=approve_everything) as app:
        await app.registry.entries()
        with pytest.raises(RevokedError, match="it leaks"):
            await app.service.versions.rollback("probe")
        assert await tells(app) == "2.0"
    (home / "policy.toml").write_text('[plugins]\ndeny = ["probe"]\n')
    async with asyncio.timeout(BOUND), App(Settings(home=home), approve=approve_everything) as app:
        with pytest.raises(NotAllowedError):
            await app.service.versions.rollback("probe")
        assert (await app.service.info("probe")).version == "2.0"


async def test_what_an_update_repairs_is_not_kept_and_what_was_before_is(home: Path, folder: Path) -> None:
    async with updated(home, folder) as app:
        damage(Path((await app.service.info("probe")).path))
        await app.service.update("probe", "2.0")
        assert (await app.service.info("probe")).version_before == "1.0"
        assert versions_on_disk(home) == 2
        assert (await app.service.versions.rollback("probe")).info.version == "1.0"


async def test_the_audit_log_has_a_rollback(home: Path, folder: Path) -> None:
    async with updated(home, folder) as app:
        await app.service.versions.rollback("probe")
        noted = [(line["what"], line["version"]) for line in app.audit.read("probe")]
        assert noted[-1] == ("rollback", "1.0")


# ---------------------------------------------------------------- pins


async def test_what_is_pinned_stays_until_it_is_unpinned(home: Path, folder: Path) -> None:
    async with updated(home, folder) as app:
        versions = app.service.versions
        assert (await versions.pin("probe")).info.pinned
        assert not (await versions.pin("probe")).changed
        write(folder, "3.0")
        for change in (app.service.update("probe"), app.service.update("probe", "3.0"), versions.rollback("probe")):
            with pytest.raises(PinnedError, match=r"pinned at 2\.0 and was not changed.*dynamic-plugins unpin probe"):
                await change
        with pytest.raises(PinnedError):
            await app.service.install_path(folder)
        write(folder, "2.0")
        assert not (await app.service.update("probe", "2.0")).changed, "the same version may be made anew"
        write(folder, "3.0")
        assert (await versions.pin("probe", "3.0")).info.version == "3.0"
        with pytest.raises(PinnedError, match=r"pinned at 3\.0"):
            await app.service.update("probe")
        assert not (await versions.unpin("probe")).info.pinned
        write(folder, "4.0")
        assert (await app.service.update("probe")).info.version == "4.0"


async def test_a_version_that_cannot_be_had_pins_nothing(home: Path, folder: Path) -> None:
    async with updated(home, folder) as app:
        with pytest.raises(PluginError, match=r"holds 2\.0"):
            await app.service.versions.pin("probe", "9.9")
        assert not (await app.service.info("probe")).pinned


async def test_an_agent_that_wants_another_version_of_what_is_pinned_is_told_whose_decision_that_is(
    home: Path, tmp_path: Path
) -> None:
    with package_index() as index:
        index.add("tea", "1.0", LONG_AGO)
        async with shop(home, tmp_path, index, "tea") as app:
            await app.service.versions.pin("tea")
            told = await app.toolbox.call("install_plugin", {"plugin_name": "tea", "version": "2.0"})
    assert (told["ok"], told["changed"], told["version"]) == (True, False, "1.0")
    assert "pinned at that version; nothing was changed. To let it change: dynamic-plugins unpin tea" in told["note"]
    assert told["note"].endswith("That command is the person's to type.")


async def test_orders_about_versions_are_the_persons_to_type_and_a_pin_is_told(home: Path, folder: Path) -> None:
    async with updated(home, folder) as app:
        conversation = app.conversation()
        for said, command in (
            ("update probe", "update probe"),
            ("please update the probe plugin to the newest version", "update probe"),
            ("bring probe to the latest version", "update probe"),
            ("roll probe back", "rollback probe"),
            ("pin probe", "pin probe"),
            ("update everything", "update --all"),
        ):
            turn = await conversation.respond(said)
            assert turn.reply.startswith(f"That is yours to type: dynamic-plugins {command}"), said
            assert turn.calls == ()
        await app.service.versions.pin("probe")
        turn = await conversation.respond("update probe")
        assert "probe is pinned at 2.0, so it stays" in turn.reply
        assert "dynamic-plugins unpin probe" in turn.reply
        await app.service.versions.unpin("probe")
        write(folder, "3.0", source=SOURCE.replace("tell", "update_it"))
        await app.service.update("probe")
        turn = await conversation.respond("update probe")
        assert "yours to type" not in turn.reply, "it has an action that does that"
        await app.service.versions.pin("probe")
        assert '"pinned": true' in "".join([str(each.get()) for each in app.providers if "status" in each.name])


# ---------------------------------------------------------------- what is outdated


def registry_of(folder: Path, *names: str, **more: dict[str, Any]) -> str:
    """Write a registry with plugins from PyPI, and return its path; *more* is what else it says of them, by name."""
    plugins = [
        {"name": name, "kind": "python", "packages": [{"type": "pypi", "name": name}], **more.get(name, {})}
        for name in names
    ]
    (folder / "registry.json").write_text(json.dumps({"schema": 1, "plugins": plugins}))
    return str(folder / "registry.json")


def environment_of(index: PackageIndex, folder: Path) -> dict[str, str]:
    return index.environment(folder) | {"DYNAMIC_PLUGINS_OFFLINE": "0", "UV_NO_CACHE": "1"}


@asynccontextmanager
async def shop(home: Path, folder: Path, index: PackageIndex, *names: str, person: Any = None) -> AsyncIterator[App]:
    """Give an application in which the plugins *names* of an index are installed."""
    environ = dict(os.environ) | environment_of(index, folder)
    settings = Settings.from_environment(environ, home=home, registries=(registry_of(folder, *names),))
    async with asyncio.timeout(BOUND), App(settings, approve=person or approve_everything) as app:
        await asyncio.gather(*(app.service.install(name) for name in names))
        yield app


@pytest.fixture
def index() -> Iterator[PackageIndex]:
    with package_index() as served:
        for name in ("tea", "oats", "milk"):
            served.add(name, "1.0", LONG_AGO)
        yield served


async def test_what_is_outdated_is_told_with_what_its_registry_says_of_it(
    home: Path, tmp_path: Path, index: PackageIndex
) -> None:
    async with shop(home, tmp_path, index, "tea", "oats", "milk") as app:
        await app.service.activate("tea")
        for name in ("tea", "milk"):
            index.add(name, "2.0", LONG_AGO)
        await app.service.versions.pin("milk")
    verified = {"date": "2026-11-01", "version": "2.0", "actions": 1}
    more = {"verified": verified, "actions": [{"name": "brew"}], "config": [{"name": "CUP"}]}
    more |= {
        "permissions": {"network": ["tea.example.org"]},
        "packages": [{"type": "pypi", "name": "tea", "version": "2.0"}],
    }
    exact = {"packages": [{"type": "pypi", "name": "oats", "version": "1.0"}]}
    registry_of(tmp_path, "tea", "oats", "milk", tea=more, oats=exact)
    index.asked.clear()
    environ = dict(os.environ) | environment_of(index, tmp_path)
    settings = Settings.from_environment(environ, home=home, registries=(str(tmp_path / "registry.json"),))
    async with asyncio.timeout(BOUND), App(settings) as app:
        before = (home / "plugin-management-state.json").read_bytes()
        milk, oats, tea = await app.service.versions.outdated()
        assert (home / "plugin-management-state.json").read_bytes() == before
        (only,) = await app.service.versions.outdated(["oats"])
    assert (tea.installed, tea.newest, tea.is_due) == ("1.0", "2.0", True)
    assert (tea.new_actions, tea.gone_actions) == (("brew",), ("tell",))
    assert (milk.newest, milk.is_newer, milk.pinned, milk.is_due) == ("2.0", True, True, False)
    assert (oats.newest, oats.is_newer, only) == ("1.0", False, oats)
    pages = {path.strip("/").split("/")[-1] for path in index.asked if path.startswith("/simple/")}
    assert pages == {"milk", "tea"}, "the version of oats is in the registry, and is the one that is here"


def test_a_script_is_told_by_the_exit_code_whether_something_is_outdated(
    cli: Cli, tmp_path: Path, index: PackageIndex
) -> None:
    cli.env |= environment_of(index, tmp_path)
    use = ("--registry", registry_of(tmp_path, "tea"))
    cli(*use, "install", "tea", "--yes")
    assert "It is up to date." in cli(*use, "outdated", json=False).out
    index.add("tea", "2.0", LONG_AGO)
    (told,) = cli(*use, "outdated", code=1).json["plugins"]
    assert (told["installed"], told["newest"], told["outdated"], told["due"]) == ("1.0", "2.0", True, True)
    cli("pin", "tea")
    shown = cli(*use, "outdated", json=False).out
    assert "pinned" in shown
    assert "up to date but for what is held back" in shown
    cli("unpin", "tea")
    cli.env["DYNAMIC_PLUGINS_OFFLINE"] = "1"
    index.asked.clear()
    offline = cli(*use, "outdated", code=1)
    assert offline.json["ok"] is False
    assert "PyPI was not asked, since this is offline" in offline.json["plugins"][0]["problem"]
    assert "Offline: no package index was asked" in offline.err
    assert index.asked == []


async def test_a_version_that_is_too_young_is_not_told_before_update_would_bring_it(
    home: Path, tmp_path: Path, index: PackageIndex
) -> None:
    async with shop(home, tmp_path, index, "tea") as app:
        index.add("tea", "2.0", YESTERDAY)
        (tea,) = await app.service.versions.outdated()
        assert (tea.newest, tea.is_newer) == ("1.0", False)
        index.files.clear()
        (tea,) = await app.service.versions.outdated()
        assert (tea.newest, tea.is_newer, bool(tea.problem)) == (None, False, True)


async def test_the_newest_of_npm_is_found_without_downloading_it(home: Path, tmp_path: Path) -> None:
    with npm_registry() as npm:
        npm.add("tea-server", "1.0.0")
        registry = tmp_path / "registry.json"
        packages = [{"type": "npm", "name": "tea-server"}]
        registry.write_text(
            json.dumps({"schema": 1, "plugins": [{"name": "tea", "kind": "mcp", "packages": packages}]})
        )
        environ = dict(os.environ) | npm.environment(tmp_path) | {"DYNAMIC_PLUGINS_OFFLINE": "0"}
        settings = Settings.from_environment(environ, home=home, registries=(str(registry),))
        async with asyncio.timeout(BOUND), App(settings, approve=approve_everything) as app:
            await app.service.install("tea")
            npm.add("tea-server", "1.1.0", {})
            npm.add("tea-server", "1.2.0", {})
            npm.times["tea-server"] = {"1.0.0": f"{LONG_AGO}T00:00:00Z", "1.1.0": f"{LONG_AGO}T00:00:00Z"}
            npm.times["tea-server"] |= {"1.2.0": f"{YESTERDAY}T00:00:00Z"}
            (tea,) = await app.service.versions.outdated()
        assert (tea.installed, tea.newest, tea.is_due) == ("1.0.0", "1.1.0", True)


async def test_a_folder_that_has_changed_since_it_was_installed_is_outdated(home: Path, folder: Path) -> None:
    async with asyncio.timeout(BOUND), App(Settings(home=home), approve=approve_everything) as app:
        await app.service.install_path(folder)
        (same,) = await app.service.versions.outdated()
        assert not same.is_newer
        (folder / "more.py").write_text("")
        (changed,) = await app.service.versions.outdated()
        assert (changed.is_due, changed.changes) == (True, ("its files have changed",))
        shutil.rmtree(folder)
        (gone,) = await app.service.versions.outdated()
        assert (gone.is_due, bool(gone.problem)) == (False, True)


@pytest.mark.parametrize(
    ("kind", "version", "than", "newer"),
    [
        ("pypi", "1.10", "1.9", True),
        ("pypi", "1.0", "1.0.0", False),
        ("pypi", "2.0rc1", "2.0", False),
        ("pypi", "1.0", "2.0", False),
        ("npm", "1.10.0", "1.9.0", True),
        ("npm", "2.0.0-alpha.10", "2.0.0-alpha.9", True),
        ("npm", "2.0.0-alpha.1", "2.0.0", False),
    ],
)
def test_versions_are_counted_as_their_index_does(kind: Any, version: str, than: str, newer: bool) -> None:
    assert is_newer(kind, version, than) is newer


# ---------------------------------------------------------------- all at once


async def test_all_are_updated_but_for_what_is_pinned_or_was_gone_back_from_and_one_that_fails_stays(
    home: Path, tmp_path: Path, index: PackageIndex
) -> None:
    index.add("eggs", "1.0", LONG_AGO)
    async with shop(home, tmp_path, index, "tea", "oats", "milk", "eggs") as app:
        versions = app.service.versions
        for name in ("tea", "oats"):
            await app.service.activate(name)
        index.add("milk", "2.0", LONG_AGO)
        await app.service.update("milk")
        await versions.rollback("milk")
        await versions.pin("eggs")
        index.add("tea", "2.0", LONG_AGO)
        index.add("eggs", "2.0", LONG_AGO)
        points = "[dynamic_plugins.plugins]\noats = oats:plugin\n"
        index.add_wheel("oats", "2.0", LONG_AGO, "raise RuntimeError('it is broken')", points)
        reports = await versions.outdated()
        assert [each.name for each in reports if each.is_due] == ["oats", "tea"]
        done = await versions.update_all(reports)
        assert isinstance(done["oats"], LoadError)
        assert "2.0 does not load" in str(done["oats"])
        told = {info.name: info.version for info in app.service.status()}
        assert told == {"tea": "2.0", "oats": "1.0", "milk": "1.0", "eggs": "1.0"}
        assert [await app.service.call(name, "tell", {}) for name in ("tea", "oats")] == ["2.0", "1.0"]
        index.add("milk", "3.0", LONG_AGO)
        (milk,) = await versions.outdated(["milk"])
        assert milk.is_due, "only the version that was gone back from is passed over"


async def test_a_yes_to_the_list_is_none_to_what_the_list_did_not_say(home: Path, folder: Path) -> None:
    person = Person()
    async with updated(home, folder, person) as app:
        versions = app.service.versions
        write(folder, "3.0")
        before = len(person.asked)
        await versions.update_all(await versions.outdated(), agreed=True)
        assert person.asked[before:] == []
        assert await tells(app) == "3.0"
        write(folder, "3.5")
        reports = await versions.outdated()
        (folder / "more.py").write_text("")
        await versions.update_all(reports, agreed=True)
        assert [request.digest == reports[0].digest for request in person.asked[before:]] == [False]
        before = len(person.asked)
        write(folder, "4.0", more=LEARN)
        await versions.update_all(await versions.outdated(), agreed=True)
        (offers,) = person.asked[before:]
        assert any("action learn" in line for line in offers.changes)
        write(folder, "5.0", 'network = ["api.example.org"]', more=LEARN)
        reports = await versions.outdated()
        assert reports[0].changes == ("would reach api.example.org besides",)
        await versions.update_all(reports, agreed=True)
        assert "also api.example.org" in person.asked[-1].permission_lines["network"]
        assert len(person.asked) == before + 2


def test_at_a_terminal_all_are_asked_about_once(cli: Cli, tmp_path: Path, index: PackageIndex) -> None:
    cli.env |= environment_of(index, tmp_path)
    use = ("--registry", registry_of(tmp_path, "tea", "oats", "milk"))
    cli(*use, "install", "tea", "oats", "milk", "--yes")
    cli("pin", "milk")
    for name in ("tea", "oats", "milk"):
        index.add(name, "2.0", LONG_AGO)
    refused = cli(*use, "update", "--all", code=4).json
    assert [each["error"]["code"] for each in refused["results"]] == ["needs_confirmation"] * 2
    for answer, code in (("n", 4), ("y", 0)):
        with Terminal(cli.command(*use, "update", "--all"), tmp_path, cli.environment() | {"TERM": "dumb"}) as terminal:
            question = terminal.prompt(BOUND)
            assert question is not None
            assert "tea 1.0 to 2.0, from" in terminal.seen
            terminal.type(answer)
            assert terminal.prompt(BOUND) is None
        assert terminal.code == code, terminal.seen
    assert "2 updated, 1 held back." in " ".join(terminal.seen.split())
    assert "milk is pinned at 1.0 and left there; 2.0 is out." in " ".join(terminal.seen.split())
    versions = {each["name"]: each["version"] for each in cli("status").json["plugins"]}
    assert versions == {"tea": "2.0", "oats": "2.0", "milk": "1.0"}


def test_an_order_that_is_none_is_wrong_usage(cli: Cli) -> None:
    for words in (["update"], ["update", "tea", "--all"], ["update", "--all", "--version", "1"]):
        assert cli(*words, code=2).json["error"]["code"] == "wrong_usage"


def test_the_commands_say_what_they_did(cli: Cli, folder: Path) -> None:
    assert "no version to go back to" in cli("rollback", json=False).out
    cli("install", "--path", str(folder), "--yes")
    error = cli("rollback", "probe", code=1).json["error"]
    assert (error["code"], "person's to type" in error["message"]) == ("no_version_before", True)
    write(folder, "2.0")
    said = cli("update", "probe", "--yes", json=False).out
    assert "To go back to 1.0: dynamic-plugins rollback probe" in said
    assert cli("rollback").json["plugins"][0]["version_before"] == "1.0"
    assert "1.0; to go back to it: dynamic-plugins rollback probe" in cli("status", "probe", json=False).out
    said = cli("rollback", "probe", json=False).out
    assert said.startswith("probe 1.0: ")
    assert "2.0 is kept; to have it again: dynamic-plugins rollback probe" in said
    assert cli("pin", "probe").json["pinned"] is True
    assert cli("update", "probe", code=1).json["error"]["code"] == "pinned"
    assert "pinned" in cli("status", json=False).out
