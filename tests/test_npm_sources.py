"""What npm installs comes from its registry, and nothing that came with it runs: whatever a package asks for."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.errors import ActionError, InstallError, LoadError
from dynamic_plugins.install.installer import Installer
from dynamic_plugins.install.integrity import changed_files
from dynamic_plugins.registry.entry import Entry, Package
from tests.loading import call, connected, loader
from tests.npm_registry import SERVER, NpmRegistry, npm_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dynamic_plugins.install.installation import Installation


@pytest.fixture
def registry() -> Iterator[NpmRegistry]:
    with npm_registry() as served:
        served.add("tea-leaf", files={"index.js": ""})
        yield served


async def install(tmp_path: Path, registry: NpmRegistry, sha256: str | None = None, **environ: str) -> Installation:
    environ = dict(os.environ) | registry.environment(tmp_path) | {"npm_config_fetch_retries": "0"} | environ
    installer = Installer(tmp_path / "runtime_plugins", python=sys.executable, environ=environ)
    package = Package("npm", "tea", "1.0.0", sha256=sha256)
    return await installer.install(installer.plan(Entry("tea", packages=(package,))))


BUILT = {"server.js": "require('./built.js')", "build.js": "require('fs').writeFileSync('built.js', '')"}


async def test_where_install_scripts_were_not_run_a_start_or_a_call_that_fails_says_so(
    tmp_path: Path, registry: NpmRegistry
) -> None:
    registry.add("tea", files=BUILT, scripts={"install": "node build.js"})
    installation = replace(await install(tmp_path, registry), kind="mcp")
    with pytest.raises(LoadError, match=r"Cannot find module.*install scripts of tea.*DYNAMIC_PLUGINS_ALLOW_BUILDS=1"):
        await loader().connect(installation, {})
    lazy = SERVER.replace("process.env[params.arguments.name]", "require(params.arguments.name)")
    server_of(installation).write_text(lazy)
    async with connected(installation) as connection:
        with pytest.raises(ActionError, match=r"Cannot find module.*install scripts of tea"):
            await call(connection, "tell", name="./built.js")


def server_of(installation: Installation) -> Path:
    return Path(installation.path) / "node_modules" / "tea" / "server.js"


async def test_they_are_not_blamed_for_code_that_does_not_go_together(tmp_path: Path, registry: NpmRegistry) -> None:
    files, exports = {"server.js": "require('tea/v3')", "v3.js": ""}, {".": "./server.js"}
    registry.add("tea", files=files, exports=exports, scripts={"install": "node build.js"})
    installation = replace(await install(tmp_path, registry), kind="mcp")
    with pytest.raises(LoadError, match=r"not defined by \"exports\"") as error:
        await loader().connect(installation, {})
    assert "install scripts" not in error.value.reason


async def test_install_scripts_are_run_where_builds_are_allowed(tmp_path: Path, registry: NpmRegistry) -> None:
    files = {**BUILT, "server.js": f"#!/usr/bin/env node\nrequire('./built.js')\n{SERVER.partition(chr(10))[2]}"}
    registry.add("tea", files=files, scripts={"install": "node build.js"})
    environ = dict(os.environ) | registry.environment(tmp_path)
    installer = Installer(tmp_path / "runtime_plugins", python=sys.executable, environ=environ, allow_builds=True)
    plan = installer.plan(Entry("tea", "mcp", packages=(Package("npm", "tea", "1.0.0"),)))
    assert "install scripts" in " ".join(plan.warnings)
    assert any(command[:2] == ("npm", "rebuild") for command in plan.commands)
    installation = await installer.install(plan)
    assert changed_files(installation) == []
    async with connected(installation, TEA="green") as connection:
        assert await call(connection, "tell", name="TEA") == "green"


async def test_what_starts_a_package_opens_no_file_of_the_person(tmp_path: Path, registry: NpmRegistry) -> None:
    (tmp_path / "key").write_text("a private key")
    reads = SERVER.partition("\n")[2].replace("process.env[params.arguments.name]", f"read('{tmp_path}/key')")
    reads += "const read = file => { try { return require('fs').readFileSync(file) } catch (e) { return e.code } }\n"
    for bad, refused in (
        ({"server.js": f"#!/usr/bin/env -S node --title {tmp_path}/key\n{reads}"}, "starts Node.js with /"),
        ({"package.json": '{"name": "tea", "version": "1.0.0", "bin": "../../../../../key"}'}, "not in it"),
    ):
        registry.add("tea", files={"server.js": SERVER, **bad})
        with pytest.raises(InstallError, match=refused):
            await install(tmp_path, registry)
    registry.add("tea", files={"server.js": f"#!/usr/bin/env -S node --title tea\n{reads}"})
    async with connected(replace(await install(tmp_path, registry), kind="mcp")) as connection:
        assert await call(connection, "tell", name="") == "EACCES"


@pytest.fixture(scope="module")
def npm_8(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an npm that knows none of the options that refuse other sources."""
    folder = tmp_path_factory.mktemp("npm")
    command = ["npm", "install", "--silent", "--prefix", str(folder), "npm@8.19.4"]
    subprocess.run(command, check=True, capture_output=True, timeout=120, cwd=folder)
    return folder / "node_modules" / ".bin"


def evil_repository(folder: Path) -> tuple[Path, Path]:
    """Make a git repository whose own settings name a program as git, and return it and what that program makes."""
    folder.mkdir()
    ran = folder.parent / "ran"
    (folder / "evil.sh").write_text(f"#!/bin/sh\ntouch {ran}\n")
    (folder / "evil.sh").chmod(0o755)
    (folder / ".npmrc").write_text("git=./evil.sh\n")
    (folder / "package.json").write_text(
        '{"name": "evil", "version": "1.0.0", "scripts": {"prepare": "./evil.sh"}, "dependencies": {"x": "x/y"}}'
    )
    me = ["-c", "user.name=x", "-c", "user.email=x@example.invalid"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run(["git", "-C", str(folder), *me, *words], check=True, timeout=60)  # noqa: S607 # git is on PATH
    return folder, ran


def left_in(root: Path) -> list[Path]:
    return list(root.glob("*/*"))


async def refused(tmp_path: Path, registry: NpmRegistry, needs: str, **environ: str) -> str:
    """Try to install a package that needs something else than a version, and return why that is not done."""
    registry.add("tea", dependencies={"evil": needs})
    with pytest.raises(InstallError) as caught:
        await install(tmp_path, registry, **environ)
    assert left_in(tmp_path / "runtime_plugins") == []
    return str(caught.value)


async def assert_refused_and_nothing_ran(tmp_path: Path, registry: NpmRegistry, **environ: str) -> None:
    repository, ran = evil_repository(tmp_path / "evil")
    for needs in (f"git+file://{repository}", "somebody/evil", "github:somebody/evil"):
        assert "not from npm's registry" in await refused(tmp_path, registry, needs, **environ)
    assert not ran.exists()
    for needs in (f"{registry.address}tea-leaf/-/1.0.0.tgz", f"file:{repository}", "file:../../../../evil"):
        assert "not from npm's registry" in await refused(tmp_path, registry, needs, **environ)
    assert not ran.exists()


async def test_what_is_not_from_the_registry_is_refused_and_nothing_of_it_runs(
    tmp_path: Path, registry: NpmRegistry
) -> None:
    await assert_refused_and_nothing_ran(tmp_path, registry, npm_config_allow_git="all", npm_config_allow_remote="all")


@pytest.mark.index
async def test_an_npm_that_knows_no_such_options_installs_it_just_as_little(
    tmp_path: Path, registry: NpmRegistry, npm_8: Path
) -> None:
    await assert_refused_and_nothing_ran(tmp_path, registry, PATH=f"{npm_8}:{os.environ['PATH']}")


async def test_what_is_optional_is_left_out_and_the_rest_is_installed(tmp_path: Path, registry: NpmRegistry) -> None:
    more: dict[str, Any] = {"optionalDependencies": {"evil": "somebody/evil"}, "peerDependencies": {"host": "a/b"}}
    more["peerDependenciesMeta"] = {"host": {"optional": True}}
    registry.add("tea", dependencies={"tea-leaf": "^1.0.0", "leaf": "npm:tea-leaf@1"}, **more)
    installation = await install(tmp_path, registry)
    assert [each.name for each in installation.distributions] == ["leaf", "tea", "tea-leaf"]


async def test_an_archive_whose_digest_is_known_is_compared_and_installed(
    tmp_path: Path, registry: NpmRegistry
) -> None:
    registry.add("tea", dependencies={"tea-leaf": "1.0.0"})
    digest = hashlib.sha256(registry.packages["tea"]["1.0.0"][1]).hexdigest()
    assert (await install(tmp_path, registry, digest)).version == "1.0.0"
    with pytest.raises(InstallError, match="SHA-256 differs"):
        await install(tmp_path, registry, "0" * 64)


async def test_a_registry_may_keep_its_archives_on_another_host(tmp_path: Path, registry: NpmRegistry) -> None:
    registry.archives = registry.address.replace("127.0.0.1", "localhost")
    registry.add("tea", dependencies={"tea-leaf": "1.0.0"})
    assert [each.name for each in (await install(tmp_path, registry)).distributions] == ["tea", "tea-leaf"]
