"""What holds for all integrations: the library's own conversations, one home for all, and frameworks only when used."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins import DynamicPlugins
from dynamic_plugins.approval import approve_everything
from tests.integrations.conversations import EACH, Conversation, assert_held, by_library, registry

if TYPE_CHECKING:
    from pathlib import Path

FRAMEWORKS = {
    "pydantic_ai": ("pydantic_ai", "pydantic-ai"),
    "openai_agents": ("agents", "openai-agents"),
    "langchain": ("langchain", "langchain"),
    "llm": ("llm", "llm"),
    "elizaos": ("elizaos", "elizaos"),
}


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


@EACH
async def test_the_library_gives_what_every_integration_gives(conversation: Conversation) -> None:
    await assert_held(await by_library(conversation), conversation)


@pytest.mark.parametrize("integration", FRAMEWORKS)
def test_without_its_framework_an_integration_says_what_to_install(integration: str) -> None:
    module, extra = FRAMEWORKS[integration]
    said = python(f"""
import sys
sys.modules[{module!r}] = None
try:
    import dynamic_plugins.integrations.{integration}
except ImportError as error:
    print(error)
""")
    assert said.endswith(f"pip install 'agent-dynamic-plugins[{extra}]'")


def test_the_library_imports_no_framework() -> None:
    code = "import sys, dynamic_plugins.library, dynamic_plugins.integrations.framework_approval; print(*sys.modules)"
    assert not {module for module, _ in FRAMEWORKS.values()} & set(python(code).split())


@pytest.mark.skipif(
    any(find_spec(module) is None for module, _ in FRAMEWORKS.values()), reason="not all frameworks are installed"
)
async def test_what_one_framework_installs_another_uses_on_the_same_home(tmp_path: Path) -> None:
    """Four at once: installed in one, activated in another, used in a third, gone from the fourth when unloaded."""
    from dynamic_plugins.integrations.langchain import PluginTools as LangChainTools
    from dynamic_plugins.integrations.openai_agents import PluginTools as AgentsTools
    from tests import test_integration_elizaos as elizaos
    from tests import test_integration_pydantic_ai as pydantic_ai
    from tests.integrations.conversations import Call, Held

    home, yes = tmp_path / "home", approve_everything
    hello = {"plugin_name": "hello"}
    eliza = await elizaos.started(home, yes)
    async with (
        DynamicPlugins(home, registries=[registry()], approve=yes) as first,
        DynamicPlugins(home, registries=[registry()], approve=yes) as second,
        DynamicPlugins(home, registries=[registry()], approve=yes) as third,
    ):
        script = pydantic_ai.Script(Held())
        script.begin(((Call("install_plugin", hello, {}),),))
        await pydantic_ai.agent(first, script).run("install hello")

        (active,) = await eliza.say("switch hello on", [Call("activate_plugin", hello, {})])
        assert active["status"] == "active"

        langchain, agents = LangChainTools(second), AgentsTools(third)
        (greet,) = [tool for tool in langchain.now() if tool.name == "hello__greet"]
        assert json.loads(await greet.ainvoke({"name": "Ada"}))["result"] == "Hello, Ada!"
        (unload,) = [tool for tool in langchain.now() if tool.name == "unload_plugin"]
        assert "hello__greet" in {tool.name for tool in agents.now()}
        await unload.ainvoke(hello)
        assert "hello__greet" not in {tool.name for tool in agents.now()}
        await eliza.say("thank you")
        await eliza.say("bye")
        assert "HELLO__GREET" not in eliza.model.told
    await eliza.runtime.stop()
