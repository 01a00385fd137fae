"""Plugins loaded into this very process, and out of it again."""

from __future__ import annotations

import gc
import os
import sys
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.errors import ActionError, ContractError, LoadError, PluginTimeoutError, WorkerDiedError
from dynamic_plugins.workers.in_process import InProcessLoader
from tests.loading import call, component, native, raw, until

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
async def loader(tmp_path: Path) -> InProcessLoader:
    """A loader that has loaded before: of what is imported from now on, none is ours."""
    loader = InProcessLoader(call_timeout=5, data_dir=tmp_path, environ=os.environ)
    before = await loader.connect(native(tmp_path, "whole_plugin:plugin", "whole"), {})
    await before.close()
    return loader


async def test_components_are_the_live_objects(loader: InProcessLoader, tmp_path: Path) -> None:
    connection = await loader.connect(native(tmp_path, "whole_plugin:plugin", "whole"), {})
    assert connection.live.name == "whole"
    assert connection.pid is None
    assert await call(connection, "greet", name="Ada") == "Hello, Ada!"
    assert await call(connection, "add", a=1, b=2) == {"sum": 3}
    assert await call(connection, "mood") == "cheerful, 100% of it"
    assert await call(connection, "state") is sys.modules["whole_plugin"]._state
    await connection.close()


async def test_closing_takes_back_modules_path_variables_and_services(loader: InProcessLoader, tmp_path: Path) -> None:
    before, path = set(sys.modules), list(sys.path)
    connection = await loader.connect(native(tmp_path, "whole_plugin:plugin", "whole"), {"WHOLE_KEY": "1"})
    state = await call(connection, "state")
    assert state["running"] is True
    greet = component(connection, "greet")
    plugin = weakref.ref(connection.live)
    await connection.close()
    await connection.close()
    assert state["running"] is False
    # The thread that stopped the service may hold its function for a moment longer.
    await until(lambda: (gc.collect(), plugin())[1] is None)
    assert "whole_plugin" not in sys.modules
    left = {name for name in set(sys.modules) - before if not name.startswith("dynamic_plugins.")}  # ours may stay
    assert left == set()
    assert sys.path == path
    assert "WHOLE_KEY" not in os.environ
    with pytest.raises(WorkerDiedError):
        await connection.call(greet, {"name": "Ada"})


async def test_what_changed_on_disk_is_there_after_loading_again(loader: InProcessLoader, tmp_path: Path) -> None:
    installation = replace(native(tmp_path, "edited:plugin"), search_path=(str(tmp_path),))
    for word in ("one", "another"):
        text = (
            f"from dynamic_plugins.plugin import *\nplugin = Plugin('e', actions=[Action('go', '', lambda: {word!r})])"
        )
        (tmp_path / "edited.py").write_text(text)
        connection = await loader.connect(installation, {})
        assert await call(connection, "go") == word
        await connection.close()


async def test_an_error_is_the_plugins_own(loader: InProcessLoader, tmp_path: Path) -> None:
    connection = await loader.connect(native(tmp_path, "whole_plugin:plugin", "whole"), {})
    with pytest.raises(ActionError, match="LookupError: nothing there"):
        await call(connection, "fail")
    await connection.close()


async def test_what_it_says_of_itself_and_its_errors_are_without_its_secrets(
    loader: InProcessLoader, tmp_path: Path
) -> None:
    token = "not-a-word-that-anybody-would-guess"
    (tmp_path / "teller.py").write_text(
        "import os\nfrom dynamic_plugins.plugin import *\n"
        "def fail() -> None:\n    raise LookupError(os.environ['TELLER_TOKEN'])\n"
        "told = 'Fails with ' + os.environ['TELLER_TOKEN']\n"
        "plugin = Plugin('t', actions=[Action('fail', told, fail)])\n"
    )
    installation = replace(native(tmp_path, "teller:plugin"), search_path=(str(tmp_path),))
    connection = await loader.connect(installation, {"TELLER_TOKEN": token})
    assert component(connection, "fail").description == "Fails with ***"
    with pytest.raises(ActionError, match=r"LookupError: \*\*\*"):
        await call(connection, "fail")
    await connection.close()


@pytest.mark.parametrize(
    ("entry_point", "kind"),
    [
        ("raises_on_import:plugin", LoadError),
        ("leaves_on_import:plugin", LoadError),
        ("bad_names:plugin", ContractError),
        ("has_nothing:plugin", LoadError),
    ],
)
async def test_what_does_not_load_leaves_nothing(
    loader: InProcessLoader, tmp_path: Path, entry_point: str, kind: type[LoadError]
) -> None:
    before, path = set(sys.modules), list(sys.path)
    with pytest.raises(kind):
        await loader.connect(native(tmp_path, entry_point), {"SOME_VALUE": "x"})
    left = {name for name in set(sys.modules) - before if not name.startswith("dynamic_plugins.")}  # ours may stay
    assert left == set()
    assert sys.path == path
    assert "SOME_VALUE" not in os.environ


async def test_a_call_that_hangs_times_out(tmp_path: Path) -> None:
    quick = InProcessLoader(call_timeout=0.2, data_dir=tmp_path, environ=os.environ)
    connection = await quick.connect(native(tmp_path, "whole_plugin:plugin", "whole"), {})
    with pytest.raises(PluginTimeoutError):
        await call(connection, "wait_for_ever")
    await connection.close()


async def test_an_mcp_server_cannot_be_loaded_into_this_process(loader: InProcessLoader, tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="no live objects"):
        await loader.connect(raw(tmp_path, "plain"), {})
