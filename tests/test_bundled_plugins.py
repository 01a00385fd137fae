"""elizaOS plugins that are only in a repository: bundled here, and used like all others."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.errors import InstallError, UnavailableHereError
from dynamic_plugins.install import esbuild
from dynamic_plugins.install.elizaos_core import CORE
from dynamic_plugins.install.git_checkout import GitAddress
from dynamic_plugins.install.installation import commit
from dynamic_plugins.registry.entry import Entry, Package, to_dict
from dynamic_plugins.registry.formats import elizaos, native
from dynamic_plugins.resolver.catalog import PluginRef
from dynamic_plugins.settings import Settings
from dynamic_plugins.tools.plugin_details import runs_as
from dynamic_plugins.workers.fleet.node_installs import NodeInstalls
from tests.node_plugins import needs_node
from tests.npm_registry import NpmRegistry, npm_registry
from tests.repositories import Repositories
from tests.test_elizaos_typescript import TEA, add_core, app_at, environment, install, registry_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dynamic_plugins.install.installation import Installation
    from tests.conftest import Cli

pytestmark = needs_node

PROGRAM = esbuild.package_name("tests")
# A stand-in for esbuild, which is 11 MB: it copies a module of one file and tells what it has read.
COPIES = """#!/usr/bin/env python3
import json, pathlib, sys
entry, options = sys.argv[1], dict(each.lstrip("-").partition("=")[::2] for each in sys.argv[2:])
out = pathlib.Path(options["outfile"])
out.parent.mkdir(exist_ok=True)
out.write_text(pathlib.Path(entry).read_text())
pathlib.Path(options["metafile"]).write_text(json.dumps({"inputs": {entry: {}}}))
"""
SOURCE = """
import { ModelType } from '@elizaos/core'
const pour = {
  name: 'POUR', description: 'Pours tea', validate: async () => true,
  handler: async (runtime, message, state, options, callback) => {
    await callback({ text: `${options.tea ?? ModelType.TEXT_SMALL}, VERSION` })
    return true
  },
}
export default { name: 'tea', description: 'Tea', actions: [pour] }
"""
LEAF = f"import 'tea-leaf'{SOURCE}"


@dataclass
class Shop:
    """A registry of npm that has the core and a program that bundles, and repositories that it has nothing of."""

    npm: NpmRegistry
    repositories: Repositories

    def commit(self, version: str = "1.0.0", source: str = SOURCE, folder: str = "", **manifest: Any) -> str:
        told = {"name": TEA, "version": version, "dependencies": {CORE: "workspace:*"}, **manifest}
        files = {"package.json": json.dumps(told), "src/index.ts": source.replace("VERSION", version)}
        return self.repositories.commit_files("tea", {f"{folder}{name}": text for name, text in files.items()})

    @property
    def entry(self) -> dict[str, Any]:
        return {"packages": [], "repository": self.repositories.address("tea")}

    def environment(self, tmp_path: Path, **more: str) -> dict[str, str]:
        git = {"HOME": self.repositories.environment()["HOME"]}
        return environment(tmp_path, self.npm, **git, **more)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with npm_registry() as served:
        for version in ("0.25.9", "2.0.0-alpha.114", "1.7.2"):
            add_core(served, version)
        served.add(PROGRAM, esbuild.VERSION, {"bin/esbuild": COPIES}, bin=None)
        yield Shop(served, Repositories(tmp_path / "repositories"))


# ---------------------------------------------------------------- what a registry says of one


@pytest.mark.parametrize(
    ("repository", "package"),
    [
        ("github:acme/plugin-tea", "https://github.com/acme/plugin-tea"),
        ("github:acme/plugin-tea#1.x", "https://github.com/acme/plugin-tea@1.x"),
        ("github:acme/teas#main:packages/tea", "https://github.com/acme/teas@main#subdirectory=packages/tea"),
        ("https://git.example.org/acme/plugin-tea", "https://git.example.org/acme/plugin-tea"),
        ("http://git.example.org/acme/plugin-tea", None),
        ("", None),
    ],
)
def test_an_entry_without_a_package_runs_from_its_repository(repository: str, package: str | None) -> None:
    entry = Entry("x", "elizaos", repository=repository)
    assert (entry.of_repository and entry.of_repository.name) == package
    assert entry.runs_as == ("TypeScript" if package else "")
    assert runs_as(entry).startswith("TypeScript, bundled from its repository" if package else "nothing here: ")
    assert Entry("x", "mcp", repository=repository).of_repository is None


def test_the_branch_is_that_of_the_newest_line_that_has_one() -> None:
    def entry(npm: str | None) -> Entry:
        git = {"repo": "acme/plugin-tea", "v0": {"branch": "main"}, "v1": {"branch": "1.x"}, "alpha": {"branch": None}}
        told = {"git": git, "npm": {"repo": TEA, "v0": None, "v1": npm}}
        return elizaos.generated_entries({TEA: told}, "tests", {})[0][TEA]

    assert entry(None).repository == "github:acme/plugin-tea#1.x"
    assert entry("1.0.0").repository == "github:acme/plugin-tea"  # its package needs no branch


def test_an_entry_may_name_the_repository_as_its_package() -> None:
    told = {
        "name": TEA,
        "kind": "elizaos",
        "packages": [{"type": "git", "name": "github:acme/tea", "typescript": True}],
    }
    entry = native.own_entry(told, "tests")
    assert entry.packages == (Package("git", "https://github.com/acme/tea", typescript=True),)
    assert (entry.runs_as, to_dict(entry)["packages"][0]["typescript"]) == ("TypeScript", True)
    assert Entry("x", "elizaos", packages=(Package("git", "https://x.example/x"),)).runs_as == "Python"


def test_an_address_is_read_in_its_parts() -> None:
    assert GitAddress.parse("git+https://x.example/a@1.x#subdirectory=b/c") == GitAddress(
        "https://x.example/a", "1.x", "subdirectory=b/c"
    )
    assert GitAddress.parse("git+https://x.example/a@1.x#subdirectory=b/c").folder == "b/c"


# ---------------------------------------------------------------- the whole life of one


def test_it_lives_as_any_other_does(tmp_path: Path, cli: Cli, shop: Shop) -> None:
    shop.commit()
    cli.env = shop.environment(tmp_path)
    listed = ("--registry", registry_file(tmp_path, **shop.entry))
    assert cli(*listed, "info", TEA).json["runs_as"] == "TypeScript, bundled from its repository"
    assert cli(*listed, "install", TEA, code=None).json["error"]["code"] == "needs_confirmation"
    cli(*listed, "install", TEA, "--yes")
    assert cli("status", TEA).json["plugins"][0]["version"] == "1.0.0"
    cli("activate", TEA, "--yes")
    assert cli("call", TEA, "POUR").json["result"] == "TEXT_SMALL, 1.0.0"

    cli.env |= {"DYNAMIC_PLUGINS_OFFLINE": "0"}
    assert not cli(*listed, "outdated").json["plugins"][0]["outdated"]
    newer = shop.commit("1.1.0")
    assert cli(*listed, "outdated", code=1).json["plugins"][0]["newest"] == f"HEAD (commit {newer[:10]})"
    cli(*listed, "update", TEA, "--yes")
    assert cli("call", TEA, "POUR").json["result"] == "TEXT_SMALL, 1.1.0"
    cli("uninstall", TEA)
    assert not list((cli.home / "runtime_plugins").glob("*/*"))


async def test_what_is_bundled_is_asked_about_and_written_down_by_its_commit(tmp_path: Path, shop: Shop) -> None:
    shop.npm.add("tea-leaf", "2.1.0", {"index.js": ""}, bin=None, optionalDependencies={"tea-lid": "^1.0.0"})
    shop.npm.add("tea-lid", "1.0.0", {"index.js": ""}, bin=None, os=["aix"])  # for a system that this is not
    built = shop.commit(
        source=LEAF,
        dependencies={CORE: "workspace:*", "tea-leaf": "^2.0.0"},
        scripts={"postinstall": f"touch {tmp_path / 'ran'}", "prepare": f"touch {tmp_path / 'ran'}"},
        agentConfig={"pluginParameters": {"TEA_GUEST": {"type": "string", "required": False}}},
    )
    async with app_at(tmp_path, shop.environment(tmp_path), **shop.entry) as (app, asked):
        installation = await install(app)
        recipe = await app.installer.recipe(installation)
    (request,) = asked
    facts = "\n".join(request.facts)
    assert f"(commit {built[:10]})" in facts
    assert f"git ({shop.entry['repository'].replace('https', 'git+https')}@{built})" in facts
    assert f"bundled from its source by esbuild {esbuild.VERSION}" in facts
    assert f"with {CORE} 1.7.2, which has all that it imports" in facts
    assert f"tea-leaf@^2.0.0, {CORE}@1.7.2" in facts
    assert "esbuild" in facts.partition("git init")[2], "what is run is shown"
    assert not request.warnings or not any("runs its code" in each for each in request.warnings)
    assert not (tmp_path / "ran").exists()
    assert (installation.package_type, commit(installation)) == ("git", built)
    assert installation.runs_in_node
    told = {each.name: (each.version, (each.digest or "").partition("-")[0]) for each in installation.distributions}
    assert told == {CORE: ("1.7.2", "sha512"), "tea-leaf": ("2.1.0", "sha512")}
    assert [each.name for each in installation.variables] == ["TEA_GUEST"]
    assert not list((tmp_path / "home").rglob(".git"))

    # A node of a cluster that does not see this folder makes the same: of that commit, with what is locked.
    shop.npm.add("tea-leaf", "2.2.0", {"index.js": ""}, bin=None)
    shop.commit("1.1.0", dependencies={CORE: "workspace:*"})
    node = NodeInstalls(Settings(tmp_path / "node", environment=shop.environment(tmp_path)), "owner", str(tmp_path))
    made = await node.make(replace(installation, path=f"{installation.path}-not-here"), recipe, 60)
    assert modules(made) == modules(installation)
    assert recipe.locked.npm["node_modules/tea-lid"]["optional"] is True


def modules(installation: Installation) -> tuple[str, str]:
    """Return the code of a plugin and the version of what lies beside it."""
    folder = Path(installation.path) / "node_modules"
    leaf = json.loads((folder / "tea-leaf" / "package.json").read_text())
    return (folder / TEA / "dist" / "index.js").read_text(), leaf["version"]


async def test_what_only_its_own_build_needs_is_not_installed(tmp_path: Path, shop: Shop) -> None:
    shop.npm.add("tea-leaf", "2.1.0", {"index.js": ""}, bin=None)
    shop.npm.add("tea-cups", "1.0.0", {"index.js": ""}, bin=None)
    asked = {CORE: "workspace:*", "tea-leaf": "^2.0.0", "fs": "^0.0.1"}
    asked |= {"@elizaos/cli": "1.0.0-beta.21", "typescript": "^5.0.0"}
    named = "import 'fs'; const cups = 'tea-cups/package.json'"
    shop.commit(source=f"{named}\n{LEAF}", dependencies=asked, peerDependencies={"tea-cups": "*", "whatwg-url": "7"})
    async with app_at(tmp_path, shop.environment(tmp_path), **shop.entry) as (app, _):
        installation = await install(app)
    assert {each.name for each in installation.distributions} == {CORE, "tea-leaf", "tea-cups"}


async def test_a_zod_that_is_named_exactly_may_be_a_newer_one_of_its_line(tmp_path: Path, shop: Shop) -> None:
    for version in ("3.24.2", "3.25.76", "4.1.0"):
        shop.npm.add("zod", version, {"index.js": ""}, bin=None)
    shop.commit(source=f"import 'zod'{SOURCE}", dependencies={CORE: "workspace:*", "zod": "3.24.2"})
    async with app_at(tmp_path, shop.environment(tmp_path), **shop.entry) as (app, _):
        installation = await install(app)
    assert {each.name: each.version for each in installation.distributions}["zod"] == "3.25.76"


@pytest.mark.parametrize("version", [{}, {"version": "1.2.0"}])
async def test_what_npm_does_not_have_is_taken_from_the_repository(
    tmp_path: Path, shop: Shop, version: dict[str, str]
) -> None:
    shop.commit()
    entry = shop.entry | {"packages": [{"type": "npm", "name": TEA, **version}]}
    async with app_at(tmp_path, shop.environment(tmp_path), **entry) as (app, asked):
        installation = await install(app)
    assert installation.package_type == "git"
    assert f"npm has no package {TEA}" in "\n".join(asked[0].facts)


async def test_a_plugin_for_several_languages_has_its_typescript_in_a_folder(tmp_path: Path, shop: Shop) -> None:
    shop.commit(folder="typescript/")
    shop.repositories.commit_files("tea", {"package.json": '{"private": true}', "python/pyproject.toml": ""})
    async with app_at(tmp_path, shop.environment(tmp_path), **shop.entry) as (app, _):
        await install(app)
        await app.service.activate(PluginRef(TEA, TEA))
        assert await app.service.call(TEA, "POUR", {"tea": "oolong"}) == "oolong, 1.0.0"


def test_a_project_locks_it_by_its_commit_with_what_it_needs(tmp_path: Path, cli: Cli, shop: Shop) -> None:
    shop.npm.add("tea-leaf", "2.1.0", {"index.js": ""}, bin=None)
    built = shop.commit(source=LEAF, dependencies={CORE: "workspace:*", "tea-leaf": "^2.0.0"})
    cli.env = shop.environment(tmp_path)
    listed = ("--registry", registry_file(tmp_path, **shop.entry))
    (tmp_path / "plugins.toml").write_text(f'version = 1\n[plugins."{TEA}"]\n')
    project = ("--file", str(tmp_path / "plugins.toml"))
    cli(*listed, "lock", *project)
    assert f'commit = "{built}"' in (tmp_path / "plugins.lock").read_text()
    shop.npm.add("tea-leaf", "2.2.0", {"index.js": ""}, bin=None)
    shop.commit("1.1.0")
    cli(*listed, "sync", *project, "--yes")
    (leaf,) = cli.home.rglob("node_modules/tea-leaf/package.json")
    assert json.loads(leaf.read_text())["version"] == "2.1.0"
    assert cli("status", TEA).json["plugins"][0]["version"] == "1.0.0"
    assert cli("call", TEA, "POUR").json["result"] == "TEXT_SMALL, 1.0.0"


# ---------------------------------------------------------------- what cannot be had


async def test_without_git_it_is_unavailable(tmp_path: Path, shop: Shop) -> None:
    (tmp_path / "bin").mkdir()
    environ = shop.environment(tmp_path, PATH=str(tmp_path / "bin"))
    async with app_at(tmp_path, environ, **shop.entry) as (app, asked):
        with pytest.raises(UnavailableHereError, match=r"only in its repository \(https://\S+\), and this .* no git"):
            await install(app)
    assert asked == []


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        ({"source": LEAF, "dependencies": {"tea-leaf": "file:../leaf"}}, "not from npm's registry"),
        (
            {"source": "await import('../../leaf')", "dependencies": {"../../leaf": "1.0.0"}},
            "not from npm's registry",
        ),
        (
            {"source": LEAF, "name": "tea-leaf", "dependencies": {"tea-leaf": "^2.0.0"}},
            "calls itself tea-leaf, as a package that it",
        ),
        ({"source": "../../../secret.ts", "name": CORE}, f"calls itself {CORE}, as a package that it needs"),
    ],
)
async def test_what_it_asks_for_comes_from_npm_or_not_at_all(
    tmp_path: Path, shop: Shop, manifest: dict[str, Any], why: str
) -> None:
    shop.npm.add("tea-leaf", "2.1.0", {"index.js": ""}, bin=None)
    shop.commit(**manifest)
    async with app_at(tmp_path, shop.environment(tmp_path), **shop.entry) as (app, _):
        with pytest.raises(InstallError, match=why):
            await install(app)
    assert not list((tmp_path / "home" / "runtime_plugins").glob("*/*"))


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"README.md": "tea"}, "has no package.json"),
        ({"package.json": '{"name": "tea"}'}, "no source that could be bundled"),
        ({"package.json": '{"name": "tea"}', "src/index.ts": "import {brew} from '@elizaos/core'"}, "exports brew"),
    ],
)
async def test_a_repository_without_a_plugin_says_so_before_anybody_is_asked(
    tmp_path: Path, shop: Shop, files: dict[str, str], why: str
) -> None:
    shop.repositories.commit_files("tea", files)
    async with app_at(tmp_path, shop.environment(tmp_path), **shop.entry) as (app, asked):
        with pytest.raises(InstallError, match=why):
            await install(app)
    assert asked == []


async def test_a_repository_that_cannot_be_reached_says_which(tmp_path: Path, shop: Shop) -> None:
    async with app_at(tmp_path, shop.environment(tmp_path), **shop.entry) as (app, asked):
        with pytest.raises(
            InstallError, match=r"its repository https://example\.invalid/x/tea does not tell what HEAD"
        ):
            await install(app)
    assert asked == []


# ---------------------------------------------------------------- the real esbuild


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the package of the real program, from the registry that this machine's npm uses."""
    folder = tmp_path_factory.mktemp("esbuild")
    command = ["npm", "pack", "--silent", f"{PROGRAM}@{esbuild.VERSION}"]
    subprocess.run(command, check=True, timeout=120, cwd=folder)
    (archive,) = folder.glob("*.tgz")
    return archive.read_bytes()


@pytest.fixture
def real(shop: Shop, program: bytes) -> Shop:
    shop.npm.packages[PROGRAM] = {esbuild.VERSION: ({"name": PROGRAM, "version": esbuild.VERSION}, program)}
    return shop


TYPED = """
import { type Plugin, type IAgentRuntime, ModelType } from '@elizaos/core'
import leaf, { type Leaf } from 'tea-leaf'
import { pour } from './actions/pour'
import words from './words.md'
export enum Size { Small = 1, Large }
export type { Leaf }
const actions = [pour(leaf as Leaf, Size.Large, ModelType.TEXT_SMALL)]
const plugin: Plugin = { name: 'tea', description: words, actions }
export default plugin
"""
POUR = """
import type { Action } from '@elizaos/core'
export const pour = (leaf: string, size: number, model: string): Action => ({
  name: 'POUR', description: 'Pours tea', similes: [], examples: [],
  validate: async () => true,
  handler: async (_r: unknown, _m: unknown, _s: unknown, options: { tea?: string }) => ({
    success: true, text: `${leaf} ${size} ${options!.tea satisfies string | undefined} ${model}`,
  }),
}) as unknown as Action
"""


@pytest.mark.index
async def test_typescript_is_bundled_and_runs(tmp_path: Path, real: Shop) -> None:
    real.npm.add("tea-leaf", "2.1.0", {"index.js": "export default 'green'"}, bin=None, type="module")
    real.commit(source=TYPED, devDependencies={"tea-leaf": "^2.0.0", "typescript": "^9.0.0"}, main="dist/other.js")
    real.repositories.commit_files("tea", {"src/actions/pour.ts": POUR, "src/words.md": "Tea", "tsconfig.json": "{}"})
    async with app_at(tmp_path, real.environment(tmp_path), **real.entry) as (app, _):
        installation = await install(app)
        await app.service.activate(PluginRef(TEA, TEA))
        assert await app.service.call(TEA, "POUR", {"tea": "oolong"}) == "green 2 oolong TEXT_SMALL"
    assert {each.name for each in installation.distributions} == {CORE, "tea-leaf"}


@pytest.mark.index
@pytest.mark.parametrize("way", ["path", "link", "paths", "syntax", "missing"])
async def test_no_file_of_this_machine_gets_into_its_code(tmp_path: Path, real: Shop, way: str) -> None:
    (tmp_path / "secret.json").write_text('{"token": "of this machine"}' if way != "syntax" else '{"token": of this}')
    outside = {"paths": "secret", "link": "./secret.json", "missing": "./none"}.get(way, str(tmp_path / "secret.json"))
    real.commit(source=f"import secret from '{outside}'\nexport default {{ name: secret.token, actions: [] }}")
    paths = {"compilerOptions": {"baseUrl": ".", "paths": {"secret": [str(tmp_path / "secret.json")]}}}
    folder = tmp_path / "repositories" / "tea"
    if way == "link":
        (folder / "src" / "secret.json").symlink_to(tmp_path / "secret.json")
    real.repositories.commit_files("tea", {"tsconfig.json": json.dumps(paths if way == "paths" else {})})
    async with app_at(tmp_path, real.environment(tmp_path), **real.entry) as (app, asked):
        with pytest.raises(InstallError) as raised:
            await install(app)
    assert "of this" not in str(raised.value)
    assert ("not in its repository" in str(raised.value)) == (way in ("path", "paths"))
    assert asked == []
