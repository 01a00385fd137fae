"""elizaOS plugins in TypeScript, from npm: found, installed with the core that fits, and used like all others."""

from __future__ import annotations

import asyncio
import json
import os
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.errors import (
    ChangedFilesError,
    InstallError,
    LoadError,
    NeedsConfigurationError,
    UnavailableHereError,
)
from dynamic_plugins.install.bun import find_bun
from dynamic_plugins.install.bun_cache import prune, unshare
from dynamic_plugins.install.elizaos_core import (
    CORE,
    CoreUse,
    as_table,
    candidates,
    core_use,
    fits,
    known_cores,
    lacking,
    precedence,
)
from dynamic_plugins.install.javascript_names import Imports, JavaScript
from dynamic_plugins.install.javascript_settings import read_settings
from dynamic_plugins.install.npm_package import NpmPackage
from dynamic_plugins.install.plan import choose_package
from dynamic_plugins.registry.entry import Entry, Package
from dynamic_plugins.resolver.catalog import PluginRef
from dynamic_plugins.settings import Settings
from tests.node_plugins import needs_node, node
from tests.npm_registry import NpmRegistry, npm_registry
from tests.package_index import package_index

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from dynamic_plugins.approval import ApprovalRequest
    from dynamic_plugins.install.installation import Installation
    from tests.conftest import Cli

STAND_IN = Path(__file__).parent / "node" / "fixtures" / "core.mjs"
LONG_AGO = "2020-01-01T00:00:00Z"
TEA = "@acme/plugin-tea"
SOURCE = """
import { ModelType } from '@elizaos/core'
import fs from 'node:fs'
console.log('{"jsonrpc": "2.0", "id": 1, "result": {}}')
fs.writeSync(1, 'straight to what is standard output elsewhere\\n')
const pour = {
  name: 'POUR',
  description: 'Pours tea',
  validate: async () => true,
  handler: async (runtime, message, state, options, callback) => {
    console.log('pouring')
    await callback({ text: `${options.tea ?? ModelType.TEXT_SMALL} for ${runtime.getSetting('TEA_GUEST')}, VERSION` })
    return true
  },
}
const look = {
  name: 'LOOK',
  description: 'Tells where it is',
  validate: async () => true,
  handler: async () => ({ home: process.env.HOME, here: process.cwd(), env: fs.readFileSync('.env', 'utf8'),
    code: new URL('.', import.meta.url).pathname }),
}
export const teaPlugin = {
  name: 'tea', description: 'Tea', actions: [pour, look], config: { TEA_CUP: process.env.TEA_CUP },
}
export default teaPlugin
"""
DECLARED = {
    "agentConfig": {"pluginParameters": {"TEA_GUEST": {"type": "string", "description": "Whom the tea is for"}}},
}


@pytest.fixture
def npm() -> Iterator[NpmRegistry]:
    with npm_registry() as served:
        for version in ("0.25.9", "1.3.2", "2.0.0-alpha.114", "1.7.2"):
            add_core(served, version)
        publish(served)
        yield served


def add_core(served: NpmRegistry, version: str, more: str = "") -> None:
    """Publish a stand-in for the core; what the real one exports in *version* is in the table of an install."""
    files = {"index.js": STAND_IN.read_text() + more}
    served.add(CORE, version, files, bin=None, type="module", exports={".": "./index.js"})


def publish(
    served: NpmRegistry, version: str = "1.0.0", source: str = SOURCE, name: str = TEA, **manifest: Any
) -> None:
    """Publish a plugin in *version*; it asks for the newest alpha of the core."""
    told = {"dependencies": {CORE: "2.0.0-alpha.114"}, "type": "module", "main": "index.js", **DECLARED, **manifest}
    served.add(name, version, {"index.js": source.replace("VERSION", version)}, **{"bin": None, **told})


@pytest.fixture(params=["bun", "npm"])
def installs_with(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Return the environment in which the one or the other installs."""
    if request.param == "npm":
        # A stand-in for one that is too old to be used: of npm there is always a real one.
        (tmp_path / "old").mkdir()
        (tmp_path / "old" / "bun").write_text("#!/bin/sh\necho 1.0.0\n")
        (tmp_path / "old" / "bun").chmod(0o755)
        return {"PATH": f"{tmp_path / 'old'}{os.pathsep}{os.environ['PATH']}"}
    if find_bun(os.environ["PATH"]) is None:
        pytest.skip("there is no Bun")
    return {}


def environment(tmp_path: Path, npm: NpmRegistry, **more: str) -> dict[str, str]:
    return npm.environment(tmp_path) | {
        "DYNAMIC_PLUGINS_COOLDOWN_DAYS": "0",
        "DYNAMIC_PLUGINS_PASSPHRASE": "correct horse",
        "npm_config_fetch_retries": "0",
        **more,
    }


def registry_file(tmp_path: Path, **entry: Any) -> str:
    told = {"name": TEA, "kind": "elizaos", "packages": [{"type": "npm", "name": TEA}], **entry}
    (tmp_path / "registry.json").write_text(json.dumps({"schema": 1, "plugins": [told]}))
    return str(tmp_path / "registry.json")


@asynccontextmanager
async def app_at(
    tmp_path: Path, environ: dict[str, str], **entry: Any
) -> AsyncIterator[tuple[App, list[ApprovalRequest]]]:
    """Give an application with the plugin listed, and what its person was asked, who agrees."""
    asked: list[ApprovalRequest] = []

    async def agree(request: ApprovalRequest) -> bool:
        asked.append(request)
        return True

    settings = Settings.from_environment(
        dict(os.environ) | environ, home=tmp_path / "home", registries=(registry_file(tmp_path, **entry),)
    )
    async with App(settings, approve=agree) as app:
        yield app, asked


async def install(app: App, name: str = TEA, version: str | None = None) -> Installation:
    await app.service.install(name, version)
    return app.store.get(name).installation


# ---------------------------------------------------------------- the whole life of one


def test_a_plugin_lives_as_any_other_does(
    tmp_path: Path, cli: Cli, npm: NpmRegistry, installs_with: dict[str, str]
) -> None:
    cli.env = environment(tmp_path, npm, **installs_with)
    listed = ("--registry", registry_file(tmp_path))
    assert cli(*listed, "info", TEA).json["runs_as"] == "TypeScript"
    asked_for = cli(*listed, "install", TEA, code=None).json
    assert asked_for["error"]["code"] == "needs_confirmation"
    cli(*listed, "install", TEA, "--yes")
    status = cli("status", TEA).json["plugins"][0]
    assert (status["kind"], status["version"], status["status"]) == ("elizaos", "1.0.0", "needs_configuration")
    cli("configure", TEA, "TEA_GUEST=Ada")
    cli("activate", TEA, "--yes")
    assert cli("call", TEA, "POUR", "--args", '{"tea": "oolong"}').json["result"] == "oolong for Ada, 1.0.0"
    publish(npm, "1.1.0")
    cli(*listed, "update", TEA, "--yes")
    assert cli("call", TEA, "POUR", "--args", "{}").json["result"] == "TEXT_SMALL for Ada, 1.1.0"
    cli(*listed, "update", TEA, "--version", "1.0.0", "--yes")
    assert cli("call", TEA, "POUR").json["result"].endswith("1.0.0")
    cli("deactivate", TEA)
    cli("unload", TEA)
    cli("uninstall", TEA)
    assert cli("status").json["plugins"] == []
    assert not list((cli.home / "runtime_plugins").glob("*/*"))
    assert not list((cli.home / "plugin_data").glob("*"))


async def test_every_run_of_a_task_is_in_the_record_of_calls(tmp_path: Path, npm: NpmRegistry) -> None:
    service = """
class Kettle {
  static serviceType = 'kettle'
  static async start(runtime) {
    runtime.registerTaskWorker({ name: 'WATCH_KETTLE', execute: async () => { throw new Error('it never boils') } })
    await runtime.createTask(
      { name: 'WATCH_KETTLE', tags: ['queue', 'repeat'], metadata: { updateInterval: 1000 } })
    return new Kettle()
  }
  async stop() {}
}
"""
    source = SOURCE.replace("const pour =", f"{service}const pour =").replace(
        "actions:", "services: [Kettle], actions:"
    )
    publish(npm, source=source, agentConfig={"pluginParameters": {}})
    async with app_at(tmp_path, environment(tmp_path, npm)) as (app, asked), asyncio.timeout(120):
        await install(app)
        await app.service.activate(TEA)
        while not app.service.withheld(TEA):  # noqa: ASYNC110 # its worker says by itself what it has registered
            await asyncio.sleep(0.05)
        await app.service.activate(TEA)
        assert any("task WATCH_KETTLE" in line for line in asked[-1].facts)
        while not (made := app.service.calls.read()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert (made[0].plugin, made[0].action, made[0].door) == (TEA, "task:WATCH_KETTLE", "schedule")
    assert made[0].error == "action_failed"


async def test_what_is_installed_is_asked_about_and_written_down_exactly(
    tmp_path: Path, npm: NpmRegistry, installs_with: dict[str, str]
) -> None:
    npm.add("tea-leaf", "2.1.0", {"index.js": ""}, bin=None, dependencies={CORE: "0.25.9"})  # and gets the same core
    publish(npm, dependencies={CORE: "workspace:*", "tea-leaf": "^2.0.0"})
    async with app_at(tmp_path, environment(tmp_path, npm, **installs_with)) as (app, asked):
        installation = await install(app)
    (request,) = asked
    facts = "\n".join(request.facts)
    assert f"with {CORE} 1.7.2, which has all that it imports" in facts
    assert f"{TEA}@1.0.0, {CORE}@1.7.2" in facts
    assert ("bun install" in facts) is not bool(installs_with)
    assert "--ignore-scripts" in facts
    assert installation.command == (installation.command[0],)
    assert Path(installation.command[0]).name == "node"
    assert len(installation.distributions) == len({each.name for each in installation.distributions})
    told = {each.name: (each.version, (each.digest or "").partition("-")[0]) for each in installation.distributions}
    assert told == {TEA: ("1.0.0", "sha512"), CORE: ("1.7.2", "sha512"), "tea-leaf": ("2.1.0", "sha512")}
    assert {each.name: (each.required, each.found) for each in installation.variables} == {
        "TEA_GUEST": (True, False),
        "TEA_CUP": (False, True),
    }


async def test_a_plugin_whose_configuration_is_missing_says_which(tmp_path: Path, npm: NpmRegistry) -> None:
    async with app_at(tmp_path, environment(tmp_path, npm)) as (app, _):
        await install(app)
        with pytest.raises(NeedsConfigurationError, match="TEA_GUEST"):
            await app.service.activate(PluginRef(TEA, TEA))


@pytest.mark.parametrize("sandbox", ["auto", "off"])
async def test_its_home_is_its_own_folder_with_settings_of_its_own_in_it(
    tmp_path: Path, npm: NpmRegistry, sandbox: str
) -> None:
    # What lies above would be taken for its settings where it had none itself.
    (tmp_path / ".env").write_text("TEA_CUP=of somebody else\n")
    environ = environment(tmp_path, npm, DYNAMIC_PLUGINS_SANDBOX=sandbox)
    async with app_at(tmp_path, environ) as (app, _):
        installation = await install(app)
        await app.service.configure(PluginRef(TEA, TEA), {"TEA_GUEST": "Ada"})
        await app.service.activate(PluginRef(TEA, TEA))
        told = await app.service.call(TEA, "LOOK", {})
    own = tmp_path / "home" / "plugin_data" / Path(installation.path).parent.name
    assert (told["home"], told["here"], told["env"]) == (str(own), str(own), "")
    assert Path(told["code"]).is_relative_to(installation.path)


async def test_it_is_started_only_from_files_that_nobody_has_changed(tmp_path: Path, npm: NpmRegistry) -> None:
    async with app_at(tmp_path, environment(tmp_path, npm)) as (app, _):
        installation = await install(app)
        await app.service.configure(PluginRef(TEA, TEA), {"TEA_GUEST": "Ada"})
        code = Path(installation.path) / "node_modules" / TEA / "index.js"
        unshare(code.parent)
        code.write_text(code.read_text() + "// and more\n")
        with pytest.raises(ChangedFilesError):
            await app.service.activate(PluginRef(TEA, TEA))


async def test_its_files_are_shared_only_where_no_plugin_can_write_to_them(tmp_path: Path, npm: NpmRegistry) -> None:
    if find_bun(os.environ["PATH"]) is None:
        pytest.skip("there is no Bun")

    def shared(installation: Installation) -> set[str]:
        files = (path for path in Path(installation.path).rglob("*") if path.is_file())
        return {path.name for path in files if path.stat().st_nlink > 1}

    async with app_at(tmp_path, environment(tmp_path, npm)) as (app, asked):
        installation = await install(app)
        assert shared(installation) >= {"index.js"}
        assert "--backend=hardlink" in " ".join(asked[0].commands[0])
        await app.service.configure(PluginRef(TEA, TEA), {"TEA_GUEST": "Ada"})
    async with app_at(tmp_path, environment(tmp_path, npm, DYNAMIC_PLUGINS_SANDBOX="off")) as (app, _):
        await app.service.activate(PluginRef(TEA, TEA))
        assert shared(installation) == set()
    async with app_at(tmp_path, environment(tmp_path, npm)) as (app, _):
        assert str(await app.service.call(TEA, "POUR", {})).startswith("TEXT_SMALL"), "the files are still the same"


async def test_the_registry_is_the_one_that_npm_is_set_to(tmp_path: Path, npm: NpmRegistry) -> None:
    if find_bun(os.environ["PATH"]) is None:
        pytest.skip("there is no Bun")
    (tmp_path / "person").mkdir()
    (tmp_path / "person" / ".bunfig.toml").write_text('[install]\nregistry = "http://127.0.0.1:9/"\n')
    (tmp_path / "person" / ".npmrc").write_text(f"registry={npm.address}\n")
    environ = environment(tmp_path, npm, HOME=str(tmp_path / "person"))
    del environ["npm_config_registry"]
    async with app_at(tmp_path, environ) as (app, asked):
        await install(app)
    assert asked[0].source.startswith(npm.address.removeprefix("http://").strip("/"))
    assert "bun" in asked[0].commands[0]


def test_downloads_that_no_plugin_shares_go_after_a_while(tmp_path: Path) -> None:
    now = time.time()
    for name in ("tea@1.0.0@@@1", "@acme/leaf@1.0.0@@@1", "@acme/cup@2.0.0@@@1"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "package.json").write_text("{}")
    (tmp_path / "tea").mkdir()
    (tmp_path / "tea" / "1.0.0@@@1").symlink_to(tmp_path / "tea@1.0.0@@@1")
    os.link(tmp_path / "@acme/cup@2.0.0@@@1/package.json", tmp_path / "in a plugin")
    assert prune(tmp_path, now + 86_400) == []
    unused = {tmp_path / "tea@1.0.0@@@1", tmp_path / "@acme/leaf@1.0.0@@@1"}
    assert set(prune(tmp_path, now + 30 * 86_400)) == unused
    assert not any(each.exists() for each in unused)
    assert not (tmp_path / "tea" / "1.0.0@@@1").is_symlink()
    assert (tmp_path / "@acme/cup@2.0.0@@@1/package.json").exists()


# ---------------------------------------------------------------- of what no registry lists


def test_a_package_that_no_registry_lists_is_seen_to_be_one(tmp_path: Path, cli: Cli, npm: NpmRegistry) -> None:
    publish(npm, name="kettle", agentConfig={}, keywords=["tea"])
    cli.env = environment(tmp_path, npm)
    cli("install", "npm:kettle", "--yes", "--allow-unlisted")
    assert cli("status", "kettle").json["plugins"][0]["kind"] == "elizaos"
    cli("activate", "kettle", "--yes")
    assert cli("call", "kettle", "POUR").json["result"] == "TEXT_SMALL for null, 1.0.0"


async def test_one_that_is_listed_in_python_is_had_in_typescript_by_its_full_name(
    tmp_path: Path, npm: NpmRegistry
) -> None:
    in_python = [{"type": "pypi", "name": "elizaos-plugin-tea", "version": "2.0.0a1"}]
    async with app_at(tmp_path, environment(tmp_path, npm), packages=in_python) as (app, asked):
        installation = await install(app, f"npm:{TEA}")
    assert installation.runs_in_node
    warning = (
        f"A registry lists {TEA}, which runs as Python here (pypi:elizaos-plugin-tea). This is npm's package of that"
    )
    assert f"{warning} name, where elizaOS has its plugins in TypeScript." in asked[0].warnings


# ---------------------------------------------------------------- what cannot be installed


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        ({"dependencies": {"no-leaf": "^1.0.0"}}, r"npm has no package no-leaf \(which @acme/plugin-tea needs\)"),
        (
            {"dependencies": {"tea-leaf": "^9.0.0"}},
            r"no version \^9\.0\.0 of tea-leaf \(which @acme/plugin-tea needs\)",
        ),
        ({"dependencies": {"tea-leaf": "spring"}}, r"no version spring of tea-leaf \(which @acme/plugin-tea needs\)"),
        ({"dependencies": {"tea-leaf": "git+https://127.0.0.1:9/leaf.git"}}, "not from npm's registry"),
        ({"dependencies": {"tea-leaf": "file:../../leaf"}}, "not from npm's registry"),
    ],
)
async def test_a_dependency_that_cannot_be_had_is_named(
    tmp_path: Path, npm: NpmRegistry, installs_with: dict[str, str], manifest: dict[str, Any], why: str
) -> None:
    npm.add("tea-leaf", "2.1.0", {"index.js": ""}, bin=None)
    publish(npm, **manifest)
    async with app_at(tmp_path, environment(tmp_path, npm, **installs_with)) as (app, _):
        with pytest.raises(InstallError, match=why):
            await install(app)
    assert not list((tmp_path / "home" / "runtime_plugins").glob("*/*"))


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (
            "import { brew } from '@elizaos/core'\nexport default { name: 'tea' }",
            r"not published: no \S+ .* exports brew\. An older one may do: .* --version 1\.0\.0$",
        ),
        ("", r"has no module that could be imported\. An older one may do"),
    ],
)
async def test_what_no_core_has_is_said_before_anybody_is_asked(
    tmp_path: Path, npm: NpmRegistry, source: str, why: str
) -> None:
    publish(npm, version="1.1.0", source=source, main="index.js" if source else "none.js")
    async with app_at(tmp_path, environment(tmp_path, npm)) as (app, asked):
        with pytest.raises(InstallError, match=why):
            await install(app)
    assert asked == []


async def test_a_package_that_exports_no_plugin_does_not_load(tmp_path: Path, npm: NpmRegistry) -> None:
    publish(npm, source="export const tea = 1", agentConfig={})
    async with app_at(tmp_path, environment(tmp_path, npm)) as (app, _):
        await install(app)
        with pytest.raises(LoadError, match="plugin"):
            await app.service.activate(PluginRef(TEA, TEA))


async def test_a_package_of_somebody_else_than_its_entry_says_is_warned_of(tmp_path: Path, npm: NpmRegistry) -> None:
    publish(npm, repository={"url": "git+https://github.com/mallory/plugin-tea.git"})
    async with app_at(tmp_path, environment(tmp_path, npm), repository="github:acme/plugin-tea") as (app, asked):
        await install(app)
    assert any("the package is mallory's" in warning for warning in asked[0].warnings)


@needs_node
@pytest.mark.parametrize(
    ("version", "will_do"),
    [("v20.11.1", False), ("v20.12.0", True), ("v21.6.2", False), ("v21.7.0", True), ("v24.19.0", True), ("", False)],
)
async def test_only_a_node_that_the_worker_can_run_in_is_taken(
    tmp_path: Path, npm: NpmRegistry, version: str, will_do: bool
) -> None:
    (tmp_path / "bin").mkdir()
    # Stand-ins: there is one real Node.js here.
    (tmp_path / "bin" / "node").write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo {version} || exec {node()} "$@"\n')
    (tmp_path / "bin" / "node").chmod(0o755)
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    with package_index() as index:  # it has no Node.js to come with the plugin
        environ = environment(tmp_path, npm, PATH=path) | index.environment(tmp_path)
        async with app_at(tmp_path, environ) as (app, _):
            if will_do:
                assert (await install(app)).command == (str(tmp_path / "bin" / "node"),)
                return
            with pytest.raises(UnavailableHereError, match=r"Node\.js 20\.12 or newer with npm\. This machine"):
                await install(app)


async def test_what_is_listed_and_not_on_npm_is_unavailable(tmp_path: Path, npm: NpmRegistry) -> None:
    gone = {"packages": [{"type": "npm", "name": "@acme/plugin-gone"}], "repository": "github:acme/plugin-gone"}
    (tmp_path / "own").mkdir()
    nowhere = f'[url "file://{tmp_path}/"]\ninsteadOf = https://github.com/acme/\n'
    (tmp_path / "own" / ".gitconfig").write_text(nowhere)
    environ = environment(tmp_path, npm, HOME=str(tmp_path / "own"))
    async with app_at(tmp_path, environ, **gone) as (app, asked):
        with pytest.raises(UnavailableHereError, match=r"npm has no package @acme/plugin-gone.*github:acme"):
            await install(app)
    assert asked == []


def test_python_comes_first_and_what_has_no_package_says_why() -> None:
    both = Entry("x", "elizaos", packages=(Package("npm", "@a/x"), Package("pypi", "elizaos-plugin-x")))
    assert (choose_package(both, has_node=True).type, both.runs_as) == ("pypi", "Python")
    only = replace(both, packages=both.packages[:1])
    assert (choose_package(only, has_node=False).type, only.runs_as) == ("npm", "TypeScript")
    with pytest.raises(UnavailableHereError, match="only in its repository"):
        choose_package(Entry("x", "elizaos", repository="http://git.example.org/a/x"), has_node=True)


# ---------------------------------------------------------------- which core


async def test_a_core_that_the_table_does_not_know_is_read(tmp_path: Path, npm: NpmRegistry) -> None:
    add_core(npm, "1.99.0", "export const brew = 1\nexport * from './more.js'\n")
    publish(npm, source=SOURCE.replace("{ ModelType }", "{ ModelType, brew }"), dependencies={CORE: "^1.0.0"})
    async with app_at(tmp_path, environment(tmp_path, npm)) as (app, asked):
        await install(app)
    assert f"with {CORE} 1.99.0, which has all that it imports (it asks for ^1.0.0)" in asked[0].notes


async def test_a_core_that_was_published_too_recently_is_left_out(tmp_path: Path, npm: NpmRegistry) -> None:
    add_core(npm, "1.99.0")
    publish(npm, dependencies={CORE: "^1.0.0"})
    npm.times[CORE] = dict.fromkeys(["0.25.9", "1.3.2", "1.7.2", "2.0.0-alpha.114"], LONG_AGO)
    npm.times[CORE]["1.99.0"] = "2026-11-28T00:00:00Z"
    npm.times[TEA] = {"1.0.0": LONG_AGO}
    environ = environment(tmp_path, npm, DYNAMIC_PLUGINS_EXCLUDE_NEWER="2026-01-01")
    async with app_at(tmp_path, environ) as (app, asked):
        await install(app)
    assert f"with {CORE} 1.7.2" in "".join(asked[0].notes)


@pytest.mark.parametrize(
    "tables",
    ["import { pgTable } from 'drizzle-orm/pg-core'", 'const keys = Symbol.for("drizzle:PgInlineForeignKeys")'],
    ids=["imported", "bundled"],
)
async def test_a_plugin_with_tables_gets_what_keeps_them(tmp_path: Path, npm: NpmRegistry, tables: str) -> None:
    npm.add("@elizaos/plugin-sql", "1.7.0", {"index.js": "export default {}"}, bin=None, type="module")
    npm.add(
        "drizzle-orm",
        "1.0.0",
        {"pg-core.js": "export const pgTable = 1"},
        bin=None,
        exports={"./pg-core": "./pg-core.js"},
    )
    publish(npm, source=f"{tables}\n{SOURCE}", dependencies={CORE: "^1.0.0", "drizzle-orm": "1.0.0"})
    async with app_at(tmp_path, environment(tmp_path, npm)) as (app, asked):
        installation = await install(app)
    assert "with @elizaos/plugin-sql 1.7.0, which keeps its tables" in asked[0].notes
    assert "@elizaos/plugin-sql" in {each.name for each in installation.distributions}


PUBLISHED = ["0.25.8", "0.25.9", "1.0.0", "1.3.1", "1.3.2", "1.7.1", "1.7.2", "1.7.3-alpha.4", "2.0.0-alpha.3"]
PUBLISHED += ["2.0.0-alpha.114", "2.0.0-alpha.537"]


@pytest.mark.parametrize(
    ("declared", "version", "subpaths", "first"),
    [
        ("0.25.6-alpha.1", "0.25.6-alpha.1", (), ["0.25.9", "0.25.8"]),
        ("^0.25.0", "0.1.0", (), ["0.25.9", "0.25.8"]),
        ("", "0.1.0", (), ["0.25.9", "0.25.8", "1.7.2", "1.7.3-alpha.4"]),
        ("^1.0.0", "1.0.1", ("v1",), ["1.3.2", "1.3.1"]),
        ("^1.0.0", "1.2.0", (), ["1.7.2", "1.7.3-alpha.4", "1.7.1", "1.3.2"]),
        ("", "1.2.0", (), ["1.7.2", "1.7.3-alpha.4"]),
        ("", "2.0.0-alpha.1", (), ["2.0.0-alpha.114", "2.0.0-alpha.537", "2.0.0-alpha.3", "1.7.2"]),
        ("^2.0.0-alpha.3", "2.0.0", (), ["2.0.0-alpha.3", "2.0.0-alpha.114", "2.0.0-alpha.537"]),
        ("2.0.0-beta.1", "2.0.0-beta.1", (), ["2.0.0-alpha.114", "2.0.0-alpha.537"]),
    ],
)
def test_the_versions_of_the_core_are_tried_in_this_order(
    declared: str, version: str, subpaths: tuple[str, ...], first: list[str]
) -> None:
    use = CoreUse(Imports(), frozenset(subpaths), declared, version)
    assert list(candidates(use, reversed(PUBLISHED)))[: len(first)] == first


@pytest.mark.parametrize(
    ("source", "first"),
    [
        ("class S { capabilityDescription = 'Tea' }", "1.7.2"),
        ("await runtime.useModel(type, {})", "1.7.2"),
        ("const text = 'runtime.useModel(x)'", "0.25.9"),
    ],
)
def test_code_of_a_later_core_says_more_than_a_version_that_has_only_begun(source: str, first: str) -> None:
    package = package_of(source, version="0.0.1", dependencies={CORE: "workspace:*"})
    assert next(candidates(core_use(package, "index.js"), PUBLISHED)) == first


@pytest.mark.parametrize("wanted", ["workspace:*", "workspace:^", "latest", "alpha", "next", "*", ""])
def test_a_range_that_says_nothing_counts_as_none(wanted: str) -> None:
    package = package_of("import '@elizaos/core'", dependencies={CORE: wanted}, devDependencies={CORE: "^1.7.0"})
    assert core_use(package, "index.js").declared == "^1.7.0"


def test_the_table_says_of_each_core_what_it_exports() -> None:
    known = known_cores()
    assert "getRequestContext" in known["1.7.3-alpha.4"] - known["1.7.2"]
    assert {"generateText", "ModelClass"} <= known["0.25.9"] - known["1.7.2"]
    assert "InMemoryDatabaseAdapter" in known["2.0.0-alpha.114"] - known["1.7.2"]
    assert list(known) == sorted(known, key=precedence)
    assert as_table({"1.0.0": {"a", "b"}, "0.1.0": {"a"}, "2.0.0": {"b"}})["cores"] == [
        {"version": "0.1.0", "adds": ["a"]},
        {"version": "1.0.0", "adds": ["b"]},
        {"version": "2.0.0", "drops": ["a"]},
    ]


def test_what_is_lacking_is_what_none_of_them_has() -> None:
    use = CoreUse(Imports(frozenset({"a", "b", "c", "default"})))
    assert lacking(use, [frozenset({"a"}), frozenset({"b"})]) == ["c"]
    assert lacking(use, [frozenset({"a", "b"}), frozenset({"c"})]) == ["c"]
    assert not fits(use, frozenset({"a", "b"}))
    assert fits(use, frozenset({"a", "b", "c"}))


# ---------------------------------------------------------------- reading JavaScript


def package_of(source: str, **manifest: Any) -> NpmPackage:
    return NpmPackage({"package.json": json.dumps(manifest).encode(), "index.js": source.encode()})


@pytest.mark.parametrize(
    ("source", "required", "used"),
    [
        ("import { A, B as C } from '@elizaos/core'", {"A", "B"}, set()),
        ('var x=1;import{A as a,B}from"@elizaos/core";', {"A", "B"}, set()),
        ("import {\n  A,\n  // not B,\n  C,\n} from '@elizaos/core';", {"A", "C"}, set()),
        ("import core, { A } from '@elizaos/core'", {"default", "A"}, set()),
        ("import * as core from '@elizaos/core'\nnew core.A(core.B, other.core.C)", set(), {"A", "B"}),
        ("export { A, B as C } from '@elizaos/core'\nexport * from '@elizaos/core'", {"A", "B"}, set()),
        ("var c = require('@elizaos/core'); c.A()", set(), {"A"}),
        ('var import_core = __toESM(require("@elizaos/core"), 1); import_core.A;', set(), {"A"}),
        ("const { A, B: b = 1 } = await import('@elizaos/core')", set(), {"A", "B"}),
        ("import '@elizaos/core'", set(), set()),
        # What is no statement of this module.
        ("const code = `import { A } from '@elizaos/core'`", None, None),
        ("const code = \"import { A } from '@elizaos/core'\"", None, None),
        ("/* import { A } from '@elizaos/core' */ // import '@elizaos/core'", None, None),
        ("const quote = /[\"'`]/g; const code = `import { A } from '@elizaos/core'`", None, None),
        ("return /\\/*'/.test(x) ? \"import { A } from '@elizaos/core'\" : 1 / 2", None, None),
        ("import { A } from '@elizaos/cores'", None, None),
        (
            "const code = `${x ? `import { A } from '@elizaos/core'` : {}} import { B } from '@elizaos/core'`",
            None,
            None,
        ),
        ("const code = `${() => { return /}`/ }}`; import { A } from '@elizaos/core'", {"A"}, set()),
        ("const text = `\\`${x}`; import { A } from '@elizaos/core'; const more = `", {"A"}, set()),
    ],
)
def test_what_a_module_imports(source: str, required: set[str] | None, used: set[str] | None) -> None:
    found = JavaScript(source).imports().get(CORE)
    assert found == (None if required is None else Imports(frozenset(required), frozenset(used or ())))


def test_what_a_module_exports() -> None:
    source = """
    export { A, B as C, D as default } ; export const E = 1, F = 2; export async function* G() {}
    export class H {} ; export * as I from './i.js'; export default 1; export * from './j.js'
    const text = "export { K }"
    """
    module = JavaScript(source)
    assert module.exports() == {"A", "C", "default", "E", "G", "H", "I"}
    assert module.passed_on() == ["./j.js"]


def test_a_text_without_end_is_read_in_time_that_grows_with_it() -> None:
    # What grew faster would not end before the bound on each test does.
    for part in (
        "import {",
        "`${",
        "`",
        "\\`",
        "`${`",
        "}`",
        "'",
        "/*",
        "import * as ",
        "export {",
        "x = (",
        "/[",
        "config: {",
    ):
        assert JavaScript(part * 10_000).imports() == {}
        assert JavaScript(part * 10_000).exports() == set()


def test_the_settings_that_a_plugin_reads_are_found_and_trusted_no_further() -> None:
    source = """
    runtime.getSetting('TEA_KEY'); runtime.getSetting("TEA_SHOP_NAME"); getSetting(name); other('NOT_ONE')
    // getSetting('IN_A_COMMENT')
    fetch(url, { headers: { key: process.env.TEA_SHOP_API_KEY, token: process.env['TEA_TOKEN'] } })
    if (process.env.NODE_ENV === 'production' || other.process.env.OTHER_API_KEY || process.env.TEA_COLOUR_DEPTH) {}
    export default { name: 'tea', config: { TEA_CUP: process.env.TEA_CUP, 'TEA_POT': 1, lower: 2 } }
    getSetting('NODE_OPTIONS')
    """
    found = read_settings(package_of(source), ())
    assert [(each.name, each.secret, each.found, each.required) for each in found] == [
        ("TEA_CUP", True, True, False),
        ("TEA_KEY", True, True, False),
        ("TEA_POT", True, True, False),
        ("TEA_SHOP_API_KEY", True, True, False),
        ("TEA_SHOP_NAME", False, True, False),
        ("TEA_TOKEN", True, True, False),
    ]


# ---------------------------------------------------------------- the real ones


@pytest.mark.index
def test_elizaos_own_starter_is_installed_and_used(tmp_path: Path, cli: Cli) -> None:
    cli.env = {"DYNAMIC_PLUGINS_PASSPHRASE": "correct horse"}
    starter = "@elizaos/plugin-starter"
    cli("install", f"npm:{starter}@1.7.2", "--yes", "--allow-unlisted")
    cli("configure", starter, "API_KEY=none")
    cli("activate", starter, "--yes")
    assert cli("call", starter, "GET_helloworld").json["result"] == {"message": "Hello World!"}
    assert "Hello world!" in json.dumps(cli("call", starter, "HELLO_WORLD").json["result"])
    cli("uninstall", starter)


@pytest.mark.index
def test_where_there_is_no_node_it_comes_with_the_plugin_from_pypi(tmp_path: Path, cli: Cli, npm: NpmRegistry) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "node").write_text("#!/bin/sh\necho v18.20.0\n")  # a stand-in: none that old can be had here
    (tmp_path / "old" / "node").chmod(0o755)
    cli.env = environment(tmp_path, npm, PATH=f"{tmp_path / 'old'}{os.pathsep}{os.environ['PATH']}")
    cli("--registry", registry_file(tmp_path), "install", TEA, "--yes")
    cli("configure", TEA, "TEA_GUEST=Ada")
    cli("activate", TEA, "--yes")
    assert cli("call", TEA, "POUR").json["result"] == "TEXT_SMALL for Ada, 1.0.0"
