"""The worker for elizaOS plugins in TypeScript, as the host speaks to it; more of its tests are in ``tests/node``."""

from __future__ import annotations

import json
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import dynamic_plugins
from dynamic_plugins.errors import ActionError, LoadError, PermissionDeniedError, WorkerDiedError
from dynamic_plugins.workers.components import Host
from dynamic_plugins.workers.fence import probe
from dynamic_plugins.workers.fence.tier import Level
from tests.loading import call, connected, loader
from tests.node_plugins import NODE_TESTS, SECONDS, installed, needs_node, node, with_action

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dynamic_plugins.install.installation import Installation

WORKER = Path(__file__).parent.parent / "dynamic_plugins" / "workers" / "node"
pytestmark = needs_node


def run_node(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [node(), *arguments], cwd=NODE_TESTS, capture_output=True, text=True, timeout=SECONDS, check=False
    )


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder that does not lie in /tmp, as those of pytest do."""
    if probe.best_tier().level is not Level.NAMESPACES:
        pytest.skip("this machine has no namespaces")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        yield Path(name).resolve()


def kitchen(folder: Path) -> Installation:
    return installed(folder, (NODE_TESTS / "fixtures" / "plugins" / "kitchen.mjs").read_text())


def test_each_file_of_the_worker_is_a_module() -> None:
    with ThreadPoolExecutor(max_workers=2) as two:
        checked = list(two.map(lambda script: run_node("--check", str(script)), sorted(WORKER.rglob("*.mjs"))))
    assert len(checked) > 20
    assert [item.stderr for item in checked if item.returncode != 0] == []


def test_what_the_worker_does_by_itself() -> None:
    ran = run_node("--test")
    assert ran.returncode == 0, ran.stdout + ran.stderr


async def test_the_host_sees_the_components_that_it_knows_of_a_python_plugin(tmp_path: Path) -> None:
    async with connected(kitchen(tmp_path)) as connection:
        offers = connection.offers
        assert [item.name for item in offers.of("provider")] == ["MENU", "provider_2", "BROKEN"]
        assert [item.name for item in offers.of("evaluator")] == ["TASTE"]
        assert [item.name for item in offers.of("service")] == ["oven"]
        arguments = next(item for item in offers.of("action") if item.name == "ARGUMENTS")
        assert arguments.similes == ("SHOW_ARGUMENTS",)
        assert arguments.description == "Does ARGUMENTS."
        assert offers.left_out == ()


async def test_the_host_calls_actions_providers_evaluators_services_and_tasks(tmp_path: Path) -> None:
    async with connected(kitchen(tmp_path), STOVE_KEY="gas-4711") as connection:
        assert await call(connection, "PLAIN_TEXT", text="serve") == "served"
        assert await call(connection, "MENU") == "soup"
        assert await call(connection, "TASTE", turn={"user": "hi", "reply": "hello"}) == "hi / hello"
        assert await call(connection, "oven", do="start") is None
        assert await call(connection, "USES_SERVICE") == "oven"
        with pytest.raises(ActionError, match="no gas\nvalve closed"):
            await call(connection, "FAILS")


async def test_the_configuration_reaches_the_plugin_and_no_answer_of_it_the_host(tmp_path: Path) -> None:
    async with connected(kitchen(tmp_path), STOVE_KEY="s3cr3t-of-the-stove") as connection:
        setting = await call(connection, "SETTING")
        assert setting["started"] == 1
        assert "s3cr3t-of-the-stove" not in json.dumps(setting)
        assert setting["key"]


async def test_the_hosts_model_answers_a_plugin(tmp_path: Path) -> None:
    asked: list[Any] = []

    async def use_model(messages: Sequence[dict[str, str]]) -> str | None:
        asked.append(messages)
        return "<response><dish>stew</dish></response>"

    async with connected(kitchen(tmp_path), host=Host(use_model=use_model)) as connection:
        assert "stew" in await call(connection, "ORDER", text="a stew please")
    assert "a stew please" in asked[0][-1]["content"]


async def test_what_a_plugin_prints_never_reaches_the_protocol(tmp_path: Path) -> None:
    prints = """
        import { writeSync } from 'node:fs'
        writeSync(1, '{"jsonrpc":"2.0","id":1,"result":{}}\\n')
        console.log('{"jsonrpc":"2.0","id":1,"result":{}}')
    """
    handler = "async () => { writeSync(1, '{}\\n'); return 'printed' }"
    async with connected(installed(tmp_path, with_action(handler, prints))) as connection:
        assert await call(connection, "ACT") == "printed"


async def test_what_it_writes_to_the_folder_for_everybody_lands_in_its_own(tmp_path: Path, elsewhere: Path) -> None:
    act = "path ? readFileSync(path, 'utf8') : writeFileSync('/tmp/a', 'x')"
    handler = f"async (_runtime, _message, _state, {{ path }}) => {act}"
    plugin = installed(elsewhere, with_action(handler, "import { readFileSync, writeFileSync } from 'node:fs'"))
    here = tmp_path / "letter"
    here.touch()
    with_folder = loader(data_dir=elsewhere)
    async with connected(plugin, with_folder) as connection:
        if Path(dynamic_plugins.__file__).is_relative_to("/tmp"):  # noqa: S108 # what it runs with lies there: none stands over it
            with pytest.raises(PermissionDeniedError, match="--allow-write /tmp/a"):
                await call(connection, "ACT")
            return
        await call(connection, "ACT")
        with pytest.raises(PermissionDeniedError, match="letter"):
            await call(connection, "ACT", path=str(here))
    assert (with_folder.folder(plugin) / "a").read_text() == "x"


async def test_an_answer_that_is_too_long_fails_its_call_alone(tmp_path: Path) -> None:
    handler = "async (_runtime, _message, _state, { size }) => 'x'.repeat(size)"
    plugin = installed(tmp_path, with_action(handler))
    async with connected(plugin, loader(result_bytes=10_000)) as connection:
        with pytest.raises(ActionError, match=r"too long \(\d\d,\d{3} bytes\) and was dropped"):
            await call(connection, "ACT", size=20_000)
        assert await call(connection, "ACT", size=3) == "xxx"


async def test_a_plugin_that_cannot_be_imported_is_a_load_error_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="Cannot find package 'left-pad'"):
        await loader().connect(installed(tmp_path, "import 'left-pad'\nexport default {}"), {})


async def test_a_plugin_that_speaks_of_versions_is_started_once(tmp_path: Path) -> None:
    with pytest.raises(LoadError) as error:
        await loader().connect(installed(tmp_path, "throw new RangeError('it needs version 3 of the protocol')"), {})
    assert error.value.reason == "RangeError: it needs version 3 of the protocol (index.mjs, line 1)"


async def test_a_plugin_that_ends_its_process_at_import_is_a_load_error(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="it ended its own process with exit code 3"):
        await loader().connect(installed(tmp_path, "process.exit(3)"), {})


async def test_a_plugin_that_dies_in_a_call_fails_the_call(tmp_path: Path) -> None:
    plugin = installed(tmp_path, with_action("async () => { process.kill(process.pid, 'SIGKILL') }"))
    async with connected(plugin) as connection:
        with pytest.raises(WorkerDiedError):
            await call(connection, "ACT")
