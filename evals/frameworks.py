"""Whether the pages on agent frameworks hold: each in an environment of its own, its snippet run word for word.

usage: python -m evals.frameworks [NAME…] [--environments FOLDER] [--fresh]

NAME is a page below docs/integrations, such as ``strands``; without one all are tried. What the page says to install
is installed with uv, and stays in FOLDER for the next time; --fresh installs the newest anew. The snippet is run in an
empty home, with a person who types y, and has to install mcp-server-time, switch it on and tell the time in Tokyo with
it. It speaks to the built-in model, or where a framework's own prompts are beyond that one, to a stand-in for a large
model that does what a script says; either way no request leaves the machine but those for packages. The table is for
docs/integrations/frameworks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_cache_path

from dynamic_plugins.testing.endpoint import embedded_model
from evals.anthropic_stand_in import AnthropicStandIn
from tests.scripted_model import ScriptedModel
from tests.test_docs import blocks_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "docs" / "integrations"
US = "agent-dynamic-plugins"
PLUGIN, PLACE = "mcp-server-time", "Asia/Tokyo"
SECONDS = 300
ANSWERS = "y\n" * 9
_INSTALL = re.compile(r"`pip install ([^`]+)`")

Call = tuple[str, dict[str, Any]]
SAY_WHAT_CAME = "say what came"

INSTALL: Call = ("install_plugin", {"plugin_name": PLUGIN})
# The library's own schemas are OpenAI's strict ones: everything is required, and an open object is text.
# smolagents takes every argument for required.
INSTALL_LATEST: Call = ("install_plugin", {"plugin_name": PLUGIN, "version": "latest"})
INSTALL_STRICT: Call = ("install_plugin", {"plugin_name": PLUGIN, "version": None})
ACTIVATE: Call = ("activate_plugin", {"plugin_name": PLUGIN})
TIME = f"{PLUGIN}__get_current_time"
ASK_TIME: Call = ("call_plugin_action", {"action": TIME, "arguments": {"timezone": PLACE}})
ASK_TIME_STRICT: Call = ("call_plugin_action", {"action": TIME, "arguments": json.dumps({"timezone": PLACE})})


@dataclass(frozen=True)
class Framework:
    """A framework, its page, the package whose version counts, and the steps of a scripted model, if it has one."""

    title: str
    page: str
    package: str
    steps: tuple[str | list[Call], ...] = ()
    api: str = "openai"
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        return (PAGES / f"{self.page}.md").read_text(encoding="utf-8")

    @property
    def snippet(self) -> str:
        """The page's first program."""
        return next(block.text for block in blocks_of(PAGES / f"{self.page}.md") if block.language == "python")

    @property
    def requirements(self) -> list[str]:
        """What the page says to install; this checkout stands for what is published of us."""
        found = _INSTALL.search(self.text)
        assert found is not None, f"{self.page} does not say what to install"
        return [re.sub(rf"^{US}", str(ROOT), each) for each in shlex.split(found[1])]


SAID = "It is installed and on."
FRAMEWORKS = (
    Framework("Claude Agent SDK", "claude-agent-sdk", "claude-agent-sdk",
              ([INSTALL_STRICT], [ACTIVATE], SAID, [ASK_TIME_STRICT], SAY_WHAT_CAME), "anthropic"),
    Framework("CrewAI", "crewai", "crewai", ([INSTALL, ACTIVATE], SAID, [ASK_TIME], SAY_WHAT_CAME),
              environment=(("CREWAI_DISABLE_TELEMETRY", "true"), ("CREWAI_TRACING_ENABLED", "false"))),
    Framework("elizaOS (Python)", "elizaos", "elizaos"),
    Framework("Google ADK", "google-adk", "google-adk"),
    Framework("LangChain", "langchain", "langchain"),
    Framework("LlamaIndex", "llamaindex", "llama-index-core"),
    Framework("Microsoft Agent Framework", "microsoft-agent-framework", "agent-framework-core"),
    Framework("OpenAI Agents SDK", "openai-agents", "openai-agents"),
    Framework("pydantic-ai", "pydantic-ai", "pydantic-ai-slim"),
    Framework("smolagents", "smolagents", "smolagents",
              ([INSTALL_LATEST], [ACTIVATE], [("final_answer", {"answer": SAID})], [ASK_TIME], SAY_WHAT_CAME)),
    Framework("Strands", "strands", "strands-agents"),
)  # fmt: skip


@dataclass(frozen=True)
class Held:
    """How the conversation of a page went; *why* is empty where it was held."""

    framework: Framework
    version: str
    mcp: str
    seconds: float
    why: str

    def row(self) -> str:
        """Return the table's row."""
        lines = sum(1 for line in self.framework.snippet.splitlines() if line.strip())
        way = "`dynamic-plugins mcp`" if '"dynamic-plugins"' in self.framework.snippet else "in process"
        model = "scripted" if self.framework.steps else "built-in"
        if self.framework.page == "elizaos":
            model = "in the page"
        link = f"[{self.framework.title}]({self.framework.page}.md)"
        held = f"no: {self.why}" if self.why else "yes"
        return f"| {link} | {self.version} | {self.mcp or '-'} | {held} | {way}, {lines} lines | {model} |"


HEAD = """\
| framework | version | `mcp` beside it | conversation held | what it took | model |
| --- | --- | --- | --- | --- | --- |"""


def environment_of(framework: Framework, folder: Path, *, fresh: bool) -> Path:
    """Return the interpreter of an environment with what *framework*'s page installs, made where there is none."""
    place = folder / framework.page
    python, stamp = place / "bin" / "python", place / "installed.json"
    wanted = json.dumps(framework.requirements)
    if fresh or not stamp.is_file() or stamp.read_text() != wanted:
        shutil.rmtree(place, ignore_errors=True)
        uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(place)], check=True)
        # Ours is run as it is in this checkout, not as it was when the environment was made.
        ours = [each for each in framework.requirements if each.startswith(str(ROOT))]
        rest = [each for each in framework.requirements if each not in ours]
        editable = [word for each in ours for word in ("--editable", each)]
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), *rest, *editable], check=True)
        stamp.write_text(wanted)
    return python


def version_of(package: str, python: Path) -> str:
    """Return which version of *package* the environment of *python* has; empty where it has none."""
    code = (
        "import sys\nfrom importlib.metadata import PackageNotFoundError, version\n"
        "try:\n    print(version(sys.argv[1]))\nexcept PackageNotFoundError:\n    pass"
    )
    done = subprocess.run([str(python), "-c", code, package], capture_output=True, text=True, check=True)
    return done.stdout.strip()


class ModelWithUsage(ScriptedModel):
    """A scripted model that counts tokens, which some frameworks insist on."""

    def answer(self, body: bytes) -> dict[str, Any]:
        return super().answer(body) | {"usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}


def scripted(steps: Sequence[str | list[Call]], prefix: str = "") -> Any:
    """Return a script that does *steps* one after another; *prefix* is what a client puts before the tools' names."""
    left = iter(steps)

    def script(said: Any) -> str | list[Call]:
        if isinstance(
            said, dict
        ):  # Anthropic's: the whole request; a client asks for other things beside, without tools
            if not said.get("tools"):
                return "ok"
            said = said["messages"]
        step = next(left, "There is nothing left to do.")
        if step == SAY_WHAT_CAME:
            return json.dumps(said[-1], ensure_ascii=False)
        return step if isinstance(step, str) else [(f"{prefix}{name}", arguments) for name, arguments in step]

    return script


@contextmanager
def model_for(framework: Framework, folder: Path) -> Iterator[dict[str, str]]:
    """Serve the model of *framework*'s conversation, and give the variables that point a program there."""
    if framework.api == "anthropic":
        with AnthropicStandIn(scripted(framework.steps, "mcp__plugins__")).serving() as claude:
            yield {"ANTHROPIC_BASE_URL": claude.url, "ANTHROPIC_API_KEY": "none"}
        return
    if framework.steps:
        with ModelWithUsage(_final_answers(framework)).serving() as server:
            yield _openai(server.base_url)
        return
    with embedded_model(folder / "model", [], None) as settings:
        yield _openai(str(settings.base_url))


def _final_answers(framework: Framework) -> Any:
    """Return the script of *framework*; in smolagents an answer is a call of a tool, too."""
    script = scripted(framework.steps)
    if framework.page != "smolagents":
        return script

    def answering(messages: Any) -> str | list[Call]:
        step = script(messages)
        return [("final_answer", {"answer": step})] if isinstance(step, str) else step

    return answering


def _openai(address: str) -> dict[str, str]:
    # LlamaIndex reads the older name.
    return {"OPENAI_BASE_URL": address, "OPENAI_API_BASE": address, "OPENAI_API_KEY": "none"}


def hold(framework: Framework, python: Path) -> Held:
    """Run the page's program, and look at what it said and at what is installed and on after it."""
    version, mcp = version_of(framework.package, python), version_of("mcp", python)
    with tempfile.TemporaryDirectory(prefix="frameworks-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        program = folder / "page.py"
        program.write_text(framework.snippet, encoding="utf-8")
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {"HOME": str(folder), "PATH": path, **dict(framework.environment)}
        began = time.monotonic()
        with model_for(framework, folder) as variables:
            said, why = _run([str(python), str(program)], folder, environment | variables)
        seconds = time.monotonic() - began
        if not why and PLACE not in said:
            why = "it did not tell the time"
        if not why and not _is_on(folder, environment):
            why = f"{PLUGIN} is not on"
        if why:
            print(said[-4000:], file=sys.stderr)
    return Held(framework, version, mcp, seconds, why)


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[str, str]:
    """Return what *command* said, and why it failed, if it did."""
    try:
        done = subprocess.run(
            command,
            input=ANSWERS,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env=environment,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        out = late.stdout or b""
        return out.decode(errors="replace") if isinstance(out, bytes) else out, f"not within {SECONDS} s"
    return done.stdout, f"exit code {done.returncode}" if done.returncode else ""


def _is_on(folder: Path, environment: dict[str, str]) -> bool:
    said, _ = _run([sys.executable, "-m", "dynamic_plugins", "--json", "status"], folder, environment)
    found = re.search(r"\{.*\}", said, re.DOTALL)
    plugins = json.loads(found[0])["plugins"] if found else []
    return any(each["name"] == PLUGIN and each["status"] in {"active", "loaded"} for each in plugins)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *(each.page for each in FRAMEWORKS)], metavar="NAME")
    parser.add_argument("--environments", type=Path, default=user_cache_path("dynamic-plugins") / "frameworks")
    parser.add_argument("--fresh", action="store_true", help="install the newest versions anew")
    arguments = parser.parse_args()
    held = []
    for framework in FRAMEWORKS:
        if arguments.names and framework.page not in arguments.names:
            continue
        try:
            python = environment_of(framework, arguments.environments, fresh=arguments.fresh)
        except subprocess.CalledProcessError as error:
            held.append(Held(framework, "-", "", 0.0, f"not installed: {error}"))
            continue
        held.append(hold(framework, python))
        print(f"{framework.title}: {held[-1].why or 'held'}, {held[-1].seconds:.1f} s", file=sys.stderr)
    print(HEAD, *(each.row() for each in held), sep="\n")
    return 1 if any(each.why for each in held) else 0


if __name__ == "__main__":
    sys.exit(main())
