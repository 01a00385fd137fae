"""What a person says yes to is what is installed: the exact version, the copy of a folder, and where it is from."""

from __future__ import annotations

import base64
import json
import os
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.errors import DeclinedError, InstallError
from dynamic_plugins.install import index_lookup
from dynamic_plugins.install.copied_source import digest
from dynamic_plugins.install.index_names import npm_index
from dynamic_plugins.install.index_names import package_index as index_name
from dynamic_plugins.install.installer import Installer
from dynamic_plugins.registry.entry import Entry, Package
from dynamic_plugins.settings import Settings
from tests.conftest import Cli
from tests.npm_registry import SERVER, NpmRegistry, npm_registry
from tests.package_index import PackageIndex, package_index, plugin_wheel
from tests.repositories import Repositories

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from dynamic_plugins.approval import ApprovalRequest

LONG_AGO = "2020-01-01"
TODAY = f"{datetime.now(UTC):%Y-%m-%d}"
YESTERDAY = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"


@pytest.fixture
def index() -> Iterator[PackageIndex]:
    with package_index() as served:
        served.add("tea", "1.0", LONG_AGO)
        yield served


@pytest.fixture
def npm() -> Iterator[NpmRegistry]:
    with npm_registry() as served:
        served.add("tea-server", "1.0.0")
        served.add("tea-server", "1.1.0")
        served.times["tea-server"] = {"1.0.0": f"{LONG_AGO}T00:00:00Z", "1.1.0": f"{YESTERDAY}T00:00:00Z"}
        yield served


def registry_file(folder: Path, package: dict[str, Any], name: str = "tea", kind: str = "python") -> str:
    (folder / "registry.json").write_text(
        json.dumps({"schema": 1, "plugins": [{"name": name, "kind": kind, "packages": [package]}]})
    )
    return str(folder / "registry.json")


PYPI, NPM = {"type": "pypi", "name": "tea"}, {"type": "npm", "name": "tea-server"}


@asynccontextmanager
async def asking(
    tmp_path: Path,
    environ: dict[str, str],
    package: dict[str, Any],
    meanwhile: Callable[[], object] = list,
    kind: str = "python",
    answer: bool = True,
) -> AsyncIterator[tuple[App, list[ApprovalRequest]]]:
    """Give an application with one plugin to be had, whose person answers after *meanwhile*, and what it asked."""
    asked: list[ApprovalRequest] = []

    async def agree(request: ApprovalRequest) -> bool:
        asked.append(request)
        meanwhile()
        return answer

    settings = Settings.from_environment(
        dict(os.environ) | environ, home=tmp_path / "home", registries=(registry_file(tmp_path, package, kind=kind),)
    )
    async with App(settings, approve=agree) as app:
        yield app, asked
    assert not list_of(tmp_path / "home" / "runtime_plugins", "scratch*"), "what was made to ask is gone"


def list_of(folder: Path, pattern: str) -> list[Path]:
    return list(folder.glob(pattern))


# ---------------------------------------------------------------- versions


async def test_the_question_has_the_version_that_is_installed_and_the_index_it_is_from(
    tmp_path: Path, index: PackageIndex
) -> None:
    index.add("tea", "1.1", LONG_AGO)
    newer = lambda: index.add("tea", "1.2", LONG_AGO)  # noqa: E731 # published between the question and the yes
    async with asking(tmp_path, index.environment(tmp_path), PYPI, newer) as (app, asked):
        outcome = await app.service.install("tea")
    (request,) = asked
    assert (request.version, outcome.info.version) == ("1.1", "1.1")
    assert request.source.startswith(f"{index.host} (tea), listed in ")
    assert request.commands[1][-1] == "tea==1.1"


async def test_an_npm_package_is_asked_about_with_its_version_and_registry(tmp_path: Path, npm: NpmRegistry) -> None:
    environ = npm.environment(tmp_path) | {"DYNAMIC_PLUGINS_EXCLUDE_NEWER": "0 days"}
    async with asking(tmp_path, environ, NPM, kind="mcp") as (app, asked):
        outcome = await app.service.install("tea")
    (request,) = asked
    assert (request.version, outcome.info.version) == ("1.1.0", "1.1.0")
    assert request.source.startswith(npm.address.removeprefix("http://").strip("/"))
    assert request.commands[0][-1] == "tea-server@1.1.0"


PUBLISHER = {"kind": "GitHub", "repository": "acme/tea", "workflow": "release.yml", "environment": None}
BY_ACME = "built by release.yml of github.com/acme/tea, as 127.0.0.1 attests (its signature is not checked here)"


def statement(predicate: dict[str, Any]) -> dict[str, Any]:
    payload = base64.b64encode(json.dumps({"predicate": predicate}).encode()).decode()
    return {"predicateType": "https://slsa.dev/provenance/v1", "bundle": {"dsseEnvelope": {"payload": payload}}}


_FLOW = {"repository": "https://github.com/acme/tea", "path": ".github/workflows/release.yml"}
_SOURCE = {"uri": "git+https://github.com/acme/tea@refs/tags/v1", "entryPoint": ".github/workflows/release.yml"}
SLSA_1: dict[str, Any] = {"buildDefinition": {"externalParameters": {"workflow": _FLOW}}}
SLSA_0: dict[str, Any] = {"invocation": {"configSource": _SOURCE}}
ODD: tuple[Any, ...] = ({}, [], None, 7, {"attestation_bundles": [{}]}, {"attestation_bundles": "x"})


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"version": 1, "attestation_bundles": [{"publisher": PUBLISHER, "attestations": []}]}, [BY_ACME]),
        ({"attestation_bundles": [{"publisher": PUBLISHER | {"repository": "a\u202e\nb" + "c" * 500}}]}, None),
        *((odd, []) for odd in ODD),
    ],
)
async def test_who_published_a_python_package_is_told_where_its_index_attests_it(
    tmp_path: Path, index: PackageIndex, said: Any, told: list[str] | None
) -> None:
    index.add("tea", "1.1", LONG_AGO)
    file = "tea-1.1-py3-none-any.whl"
    index.provenance[file] = (f"http://{index.host}/integrity/{file}", said)
    async with asking(tmp_path, online(index.environment(tmp_path)), PYPI) as (app, asked):
        await app.service.install("tea")
    found = [each for each in asked[0].notes if "attests" in each]
    if told is None:
        assert len(found[0]) < 400
        assert not {"\u202e", "\n"} & set(found[0])
    else:
        assert found == told


async def test_an_attestation_elsewhere_is_not_asked_for(tmp_path: Path, index: PackageIndex, npm: NpmRegistry) -> None:
    index.add("tea", "1.1", LONG_AGO)
    file, elsewhere = "tea-1.1-py3-none-any.whl", f"{npm.address}-/npm/v1/attestations/tea-server@1.1.0"
    index.provenance[file] = (elsewhere, {})
    npm.attestations["tea-server@1.1.0"] = (elsewhere, {"attestation_bundles": [{"publisher": PUBLISHER}]})
    async with asking(tmp_path, online(index.environment(tmp_path)), PYPI) as (app, asked):
        await app.service.install("tea")
    assert not [each for each in asked[0].notes if "attests" in each]


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("predicate", [SLSA_1, SLSA_0])
async def test_who_built_an_npm_package_is_told_where_its_registry_attests_it(
    tmp_path: Path, npm: NpmRegistry, predicate: dict[str, Any]
) -> None:
    address = f"{npm.address}-/npm/v1/attestations/tea-server@1.1.0"
    npm.attestations["tea-server@1.1.0"] = (address, {"attestations": [statement(predicate)]})
    environ = online(npm.environment(tmp_path)) | {"DYNAMIC_PLUGINS_EXCLUDE_NEWER": "0 days"}
    async with asking(tmp_path, environ, NPM, kind="mcp") as (app, asked):
        await app.service.install("tea")
    assert BY_ACME in asked[0].notes
    assert f"  note     {BY_ACME}" in asked[0].facts


@pytest.fixture
def in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a question wait as long as a busy machine takes to ask npm."""
    monkeypatch.setattr(index_lookup, "ATTESTED_SECONDS", 60.0)


def online(environ: dict[str, str]) -> dict[str, str]:
    return environ | {"DYNAMIC_PLUGINS_OFFLINE": "0"}


async def test_the_version_of_an_npm_package_with_very_many_files_is_told(tmp_path: Path, npm: NpmRegistry) -> None:
    many = {f"icons/{'long-' * 20}{number}.js": "" for number in range(600)}
    npm.add("tea-server", "1.2.0", {"server.js": SERVER, **many})
    environ = npm.environment(tmp_path) | {"DYNAMIC_PLUGINS_EXCLUDE_NEWER": "0 days"}
    async with asking(tmp_path, environ, NPM, kind="mcp") as (app, asked):
        await app.service.install("tea")
    assert [request.version for request in asked] == ["1.2.0"]


async def test_an_update_is_asked_about_with_the_version_that_it_brings(tmp_path: Path, index: PackageIndex) -> None:
    async with asking(tmp_path, index.environment(tmp_path), PYPI) as (app, asked):
        await app.service.install("tea")
        index.add("tea", "1.1", LONG_AGO)
        (tmp_path / "uv-cache").rename(tmp_path / "older-cache")  # it takes an answer of the index for ten minutes
        outcome = await app.service.update("tea")
    assert [request.version for request in asked] == ["1.0", "1.1"]
    assert outcome.info.version == "1.1"


async def test_nobody_is_asked_about_what_cannot_be_known(tmp_path: Path, index: PackageIndex) -> None:
    nowhere = index.environment(tmp_path) | {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple", "UV_HTTP_RETRIES": "0"}
    async with asking(tmp_path, nowhere, PYPI) as (app, asked):
        with pytest.raises(InstallError, match=r"the package index cannot be reached \(Connection refused\)\. Check"):
            await app.service.install("tea")
    async with asking(tmp_path, index.environment(tmp_path), {"type": "pypi", "name": "coffee"}) as (app, asked):
        with pytest.raises(InstallError, match="the package index has no package coffee"):
            await app.service.install("tea")
    assert asked == []


async def test_what_is_built_from_git_is_the_commit_that_was_asked_about(tmp_path: Path) -> None:
    repositories = Repositories(tmp_path / "repositories")
    repositories.commit("tea", "1.0")
    environ = repositories.environment() | {"DYNAMIC_PLUGINS_ALLOW_BUILDS": "1"}
    package = {"type": "git", "name": repositories.address("tea")}

    async with asking(tmp_path, environ, package, lambda: repositories.commit("tea", "6.6")) as (app, asked):
        outcome = await app.service.install("tea")
    (request,) = asked
    assert request.version.startswith("HEAD (commit ")
    assert request.version.removeprefix("HEAD (commit ").rstrip(")") in request.commands[1][-1]
    assert outcome.info.version == "1.0"


# ---------------------------------------------------------------- cooldown


async def test_what_was_published_in_the_last_days_is_left_out_and_told(tmp_path: Path, index: PackageIndex) -> None:
    index.add("tea", "1.1", YESTERDAY)
    async with asking(tmp_path, index.environment(tmp_path), PYPI) as (app, asked):
        assert (await app.service.install("tea")).info.version == "1.0"
    assert "what was published in the last 7 days is left out; --no-cooldown lifts that" in asked[0].notes
    assert any(fact.startswith("  note     what was published") for fact in asked[0].facts)


def test_one_flag_lifts_the_cooldown_and_the_person_s_own_date_wins(tmp_path: Path, index: PackageIndex) -> None:
    index.add("tea", "1.1", YESTERDAY)
    registry = ("--registry", registry_file(tmp_path, PYPI))
    cli = Cli(tmp_path / "home", index.environment(tmp_path))
    error = cli(*registry, "install", "tea", "--version", "1.1", "--yes", code=1).json["error"]
    assert "tea was published too recently" in error["message"]
    assert "--no-cooldown" in error["message"]
    assert cli(*registry, "install", "tea", "--no-cooldown", "--yes").json["version"] == "1.1"
    other = Cli(tmp_path / "other", index.environment(tmp_path) | {"DYNAMIC_PLUGINS_EXCLUDE_NEWER": TODAY})
    assert other(*registry, "install", "tea", "--yes").json["version"] == "1.1"


async def test_an_index_that_tells_no_times_is_named_and_nothing_is_refused(
    tmp_path: Path, index: PackageIndex
) -> None:
    index.files.clear()
    index.add("tea", "1.1", None)
    async with asking(tmp_path, index.environment(tmp_path), PYPI) as (app, asked):
        assert (await app.service.install("tea")).info.version == "1.1"
    (note,) = asked[0].notes
    assert note.startswith(f"{index.host} does not say when packages were published")


@pytest.mark.parametrize("tells", [True, False])
async def test_the_cooldown_is_npm_s_too(tmp_path: Path, npm: NpmRegistry, tells: bool) -> None:
    if not tells:
        npm.times.clear()
    async with asking(tmp_path, npm.environment(tmp_path), NPM, kind="mcp") as (app, asked):
        outcome = await app.service.install("tea")
    assert outcome.info.version == asked[0].version == ("1.0.0" if tells else "1.1.0")
    assert ("does not say when" in asked[0].notes[0]) is not tells


def test_what_somebody_has_looked_at_does_not_wait(tmp_path: Path) -> None:
    installer = Installer(tmp_path, python=sys.executable, environ={"PATH": ""}, cooldown_days=7)
    packages = (Package("pypi", "tea", "1.0"),)
    assert installer.plan(Entry("tea", packages=packages, source="bundled")).cutoff is None
    assert installer.plan(Entry("tea", packages=packages, source="bundled"), "1.1").cutoff is not None
    assert installer.plan(Entry("tea", packages=packages, source="elsewhere")).cutoff is not None


# ---------------------------------------------------------------- folders


def folder(tmp_path: Path, colour: str, needs: str = "") -> Path:
    path = tmp_path / "sky"
    path.mkdir(exist_ok=True)
    (path / "pyproject.toml").write_text(f"[project]\nname = 'sky'\nversion = '1'\ndependencies = [{needs}]\n")
    (path / "sky.py").write_text(
        "from dynamic_plugins.plugin import Plugin, action\n"
        f"@action\ndef look() -> str:\n    'Looks.'\n    return {colour!r}\nplugin = Plugin('sky', actions=[look])\n"
    )
    return path


async def test_a_folder_that_changes_after_the_question_is_installed_as_it_was_asked_about(
    tmp_path: Path, index: PackageIndex
) -> None:
    path = folder(tmp_path, "blue")
    expected = digest(path)
    change = lambda: folder(tmp_path, "grey", "'tea'")  # noqa: E731 # by somebody else, while the person reads
    async with asking(tmp_path, index.environment(tmp_path), PYPI, change) as (app, asked):
        await app.service.install_path(path)
        installation = app.store.get("sky").installation
        assert (installation.distributions, installation.digest, asked[0].digest) == ((), expected, expected)
        assert f"  sha256   {expected}" in asked[0].facts
        await app.service.activate("sky")
        assert await app.service.call("sky", "look", {}) == "blue"
        assert (await app.service.update("sky")).changed
        assert asked[-1].digest == digest(path) != expected


async def test_a_wheel_that_changes_after_the_question_is_installed_as_it_was_asked_about(
    tmp_path: Path, index: PackageIndex
) -> None:
    path = tmp_path / "tea-1.0-py3-none-any.whl"
    path.write_bytes(plugin_wheel("tea", "1.0"))
    change = lambda: path.write_bytes(plugin_wheel("tea", "1.0", ("evil",)))  # noqa: E731
    async with asking(tmp_path, index.environment(tmp_path), PYPI, change) as (app, asked):
        await app.service.install_path(path)
        assert [each.name for each in app.store.get("tea").installation.distributions] == ["tea"]
    assert asked[0].commands[1][-1] == "<the copy of it>/tea-1.0-py3-none-any.whl"


async def test_nothing_is_kept_of_a_copy_that_nobody_agreed_to(tmp_path: Path, index: PackageIndex) -> None:
    async with asking(tmp_path, index.environment(tmp_path), PYPI, answer=False) as (app, _):
        with pytest.raises(DeclinedError):
            await app.service.install_path(folder(tmp_path, "blue"))
    assert list_of(tmp_path / "home" / "runtime_plugins", "*") == []


# ---------------------------------------------------------------- names of indexes


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, "PyPI"),
        ({"UV_DEFAULT_INDEX": "https://me:secret@pkgs.company.invalid/simple"}, "pkgs.company.invalid"),
        ({"UV_INDEX_URL": "https://pkgs.company.invalid:8443/simple"}, "pkgs.company.invalid:8443"),
        ({"UV_INDEX": "company=https://pkgs.company.invalid/a"}, "pkgs.company.invalid or PyPI"),
        ({"UV_NO_INDEX": "1", "UV_FIND_LINKS": "/srv/wheels"}, "/srv/wheels"),
    ],
)
def test_an_index_is_called_as_this_machine_is_set_up(tmp_path: Path, environ: dict[str, str], name: str) -> None:
    assert index_name({"HOME": str(tmp_path), "UV_NO_CONFIG": "1"} | environ) == name


def test_an_index_may_be_set_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "uv").mkdir()
    (tmp_path / "uv" / "uv.toml").write_text('[[index]]\nurl = "https://pkgs.company.invalid/x"\ndefault = true\n')
    assert index_name({"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}) == "pkgs.company.invalid"
    (tmp_path / ".npmrc").write_text("registry=https://npm.company.invalid/\n@tea:registry = https://tea.invalid/npm\n")
    assert npm_index({"HOME": str(tmp_path)}, "x", None) == "npm.company.invalid"
    assert npm_index({"HOME": str(tmp_path)}, "@tea/x", None) == "tea.invalid"
    assert (
        npm_index({"HOME": str(tmp_path), "NPM_CONFIG_REGISTRY": "http://localhost:4873"}, "x", None)
        == "localhost:4873"
    )
