"""Plugins for simonw/llm: a toolbox for its command line and its Python API.

``llm -T DynamicPlugins "what time is it in Tokyo?"``
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from dynamic_plugins.approval import approve_listed
from dynamic_plugins.core.attachments import taking
from dynamic_plugins.integrations.framework_approval import described
from dynamic_plugins.tools.tool_formats import in_format

try:
    import click
    import llm
except ImportError as missing:
    raise ImportError("this needs llm: pip install 'agent-dynamic-plugins[llm]'") from missing

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence

    from dynamic_plugins import DynamicPlugins as Library
    from dynamic_plugins.approval import ApprovalRequest, Approve, AskValues
    from dynamic_plugins.registry.entry import Variable

CLOSE_SECONDS = 10.0

T = TypeVar("T")


@llm.hookimpl
def register_tools(register: Callable[[type[llm.Toolbox]], None]) -> None:
    """Offer the toolbox to ``llm -T``."""
    register(DynamicPlugins)


@llm.hookimpl
def register_fragment_loaders(register: Callable[[str, Callable[[str], llm.Fragment]], None]) -> None:
    """Offer how plugins stand now as a fragment: ``llm --sf dynamic-plugins: -T DynamicPlugins …``."""
    register("dynamic-plugins", _context)


def _context(home: str) -> llm.Fragment:
    """Return how to use plugins and what is installed in *home* (empty: where plugins are usually kept)."""
    from dynamic_plugins import DynamicPlugins as Library

    said = asyncio.run(Library(home or None).context())
    return llm.Fragment(said, f"dynamic-plugins:{home}")  # type: ignore[no-untyped-call]


class DynamicPlugins(llm.Toolbox):  # type: ignore[no-untyped-call]  # its __init_subclass__ has no types
    """Finds, installs and uses plugins in the middle of a conversation: DynamicPlugins(home="…", yes=true)

    *home* is where plugins are kept; *yes* agrees to every install beforehand. Otherwise *approve* is asked, or the
    person at the terminal; where there is neither, such a call answers ``needs_confirmation``.

    llm reads the tools once for each prompt. An action of a plugin that was switched on since then is called through
    ``call_plugin_action``; from the next prompt on it is a tool of its own.
    """

    # llm lists a class's public methods as tools before it has an instance; its own tuple has a fixed length.
    _blocked = (*llm.Toolbox._blocked, "context", "close")  # type: ignore[assignment]

    def __init__(
        self,
        home: str | None = None,
        yes: bool = False,
        registries: Sequence[str] = (),
        approve: Callable[[ApprovalRequest], bool] | None = None,
    ) -> None:
        at_terminal = sys.stdin is not None and sys.stdin.isatty()
        self._home, self._registries = home, tuple(registries)
        self._approve = _approver(yes, approve, at_terminal)
        self._ask_values = _ask_at_terminal if at_terminal else None
        self._open: _OpenPlugins | None = None

    def tools(self) -> Iterable[llm.Tool]:
        """Return the six actions, the active plugins' own, and the way to those that come later in the conversation."""
        library = self._plugins().library
        toolbox = library.app.toolbox
        library.app.service.sync()
        offered = {tool.name: tool for tool in (*toolbox.constant(), *toolbox.offered())}
        return [self._tool(function) for function in in_format(list(offered.values()), "mcp")]

    def context(self) -> str:
        """Return how to use plugins and what is installed now, for the ``system`` of a prompt."""
        plugins = self._plugins()
        return plugins.run(plugins.library.context())

    def close(self) -> None:
        """End the plugins' processes. Not needed at the end of a program, which does it."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _plugins(self) -> _OpenPlugins:
        if self._open is None:
            self._open = _OpenPlugins(self._home, self._registries, self._approve, self._ask_values)
        return self._open

    def _tool(self, tool: dict[str, Any]) -> llm.Tool:
        name = tool["name"]

        def implementation(**arguments: Any) -> str | llm.ToolOutput:
            plugins = self._plugins()
            with taking("image") as pictures:
                text = json.dumps(plugins.run(plugins.library.call(name, arguments)), ensure_ascii=False)
            if not pictures:
                return text
            shown = [llm.Attachment(type=each.mime, content=each.data) for each in pictures]
            return llm.ToolOutput(output=text, attachments=shown)

        return llm.Tool(
            name=name, description=tool["description"], input_schema=tool["inputSchema"], implementation=implementation
        )


class _OpenPlugins:
    """Open plugins on an event loop in a thread of its own: llm calls tools from ordinary code."""

    def __init__(
        self, home: str | None, registries: Sequence[str], approve: Approve | None, ask_values: AskValues | None
    ) -> None:
        from dynamic_plugins import DynamicPlugins as Library

        self._loop = asyncio.new_event_loop()
        self._loop.set_default_executor(_Threads())
        self._thread = threading.Thread(target=self._loop.run_forever, name="dynamic-plugins", daemon=True)
        self._thread.start()
        # llm asks about tools itself (--ta); a chain that did not stop for a call before does not begin to.
        self.library: Library = Library(
            home, registries=registries, approve=approve, ask_values=ask_values, confirm_calls="never"
        )
        self.run(self.library.__aenter__())
        # At the end of the program too, while daemon threads still run.
        self.close = weakref.finalize(self, _close, self.library, self._loop, self._thread)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do *work* on the loop and return what it gives; an interrupt of the caller cancels it."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:  # Ctrl-C too: nobody waits for it any more
            future.cancel()
            raise


class _Threads(ThreadPoolExecutor):
    """The threads of a loop that still closes plugins while the program ends, when Python starts none any more."""

    def submit(self, work: Callable[..., T], /, *arguments: Any, **named: Any) -> Future[T]:
        try:
            return super().submit(work, *arguments, **named)
        except RuntimeError:  # the program ends: it is done in the loop's own thread
            done: Future[T] = Future()
            try:
                done.set_result(work(*arguments, **named))
            except Exception as error:  # whoever waits for it gets it
                done.set_exception(error)
            return done


def _close(library: Library, loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    closing = asyncio.run_coroutine_threadsafe(library.__aexit__(None, None, None), loop)
    try:
        closing.result(CLOSE_SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(CLOSE_SECONDS)
        if not thread.is_alive():
            loop.close()


def _approver(yes: bool, approve: Callable[[ApprovalRequest], bool] | None, at_terminal: bool) -> Approve | None:
    if yes:
        return approve_listed
    ask = approve or (_confirm if at_terminal else None)
    if ask is None:
        return None

    async def asked(request: ApprovalRequest) -> bool:
        return await asyncio.to_thread(ask, request)

    return asked


def _confirm(request: ApprovalRequest) -> bool:
    click.echo(described(request)["text"], err=True)
    return click.confirm("Agree?", default=False, err=True, prompt_suffix=" ")


async def _ask_at_terminal(plugin: str, variables: Sequence[Variable]) -> dict[str, str]:
    def ask(variable: Variable) -> str:
        told = f"{plugin} needs {variable.name}" + (f" ({variable.description})" if variable.description else "")
        return str(click.prompt(told, default="", show_default=False, hide_input=variable.is_secret, err=True))

    answers = {variable.name: await asyncio.to_thread(ask, variable) for variable in variables}
    return {name: value for name, value in answers.items() if value}
