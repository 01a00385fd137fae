"""The library's face: the six actions and the active plugins' own, for whatever loop calls tools."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from dynamic_plugins.app import App
from dynamic_plugins.core.attachments import taking
from dynamic_plugins.core.permissions import Permissions, parse_permissions
from dynamic_plugins.errors import BadArgumentsError, PluginError
from dynamic_plugins.events import Listener, ignore
from dynamic_plugins.settings import Settings
from dynamic_plugins.tools.system_prompt import system_text
from dynamic_plugins.tools.tool_formats import in_format

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from dynamic_plugins.approval import Approve, AskSignIn, AskValues
    from dynamic_plugins.core.attachments import Attachment
    from dynamic_plugins.core.status import DynamicPluginInfo
    from dynamic_plugins.settings import ConfirmCalls
    from dynamic_plugins.tools.tool_formats import ToolFormat


class DynamicPlugins:
    """Plugins for an agent of your own::

        async with DynamicPlugins(approve=ask_me) as plugins:
            answer = await client.chat.completions.create(..., tools=plugins.tools("openai"))
            result = await plugins.call(call.function.name, call.function.arguments)

    *home* is where plugins and state are kept (default: the user's data folder, shared with the command line);
    *profile* is one of that home: only its plugins are seen (``UnknownProfileError`` where there is none).
    *registries* are files or addresses used in place of the configured ones. *approve* asks a person before something
    is installed or first started; without it such a call answers ``needs_confirmation``. It is asked as well before a
    plugin's action is called, as *confirm_calls* says: ``always``, ``changing`` (all but those that only read; the
    default where there is an *approve*) or ``never``; ``DYNAMIC_PLUGINS_CONFIRM_CALLS`` goes first. What a plugin may
    not reach for a call, such as a path or a host, is asked about where calls are, with the verb ``reach``.
    *ask_values* asks a person for what a plugin must be told; secrets go to the plugin's worker and nowhere else.
    *ask_sign_in* has them open an address and sign in at a remote plugin's server. *listener* gets progress. With
    *code_mode* the model gets one tool that runs programs, in place of the plugins' own (docs/code-mode.md).
    """

    def __init__(
        self,
        home: str | Path | None = None,
        *,
        profile: str | None = None,
        registries: Sequence[str | Path] = (),
        approve: Approve | None = None,
        ask_values: AskValues | None = None,
        ask_sign_in: AskSignIn | None = None,
        listener: Listener = ignore,
        settings: Settings | None = None,
        confirm_calls: ConfirmCalls | None = None,
        code_mode: bool | None = None,
    ) -> None:
        told = settings or Settings.from_environment(home=home, registries=tuple(str(each) for each in registries))
        told = told if profile is None else replace(told, profile=profile)
        told = told if code_mode is None else replace(told, code_mode=code_mode)
        # Who gives a person to ask wants them asked; where there is none, calls are made as before.
        mode = confirm_calls or ("never" if approve is None else "changing")
        self.app = App(
            told,
            approve=approve,
            ask_values=ask_values,
            ask_sign_in=ask_sign_in,
            listener=listener,
            door="library",
            confirm_calls=mode,
            asks_about_reach=(told.confirm_calls or mode) != "never",
        )

    async def __aenter__(self) -> Self:
        await self.app.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.app.__aexit__(kind, error, trace)

    def tools(self, form: ToolFormat = "openai", *, fixed: bool = False) -> list[dict[str, Any]]:
        """Return what the model may call now, in the form an API takes; ask again before each request to it.

        *fixed* is a list that never changes, for a program that reads its tools once: the six actions,
        ``search_plugin_actions`` and ``call_plugin_action``; in code mode the six and ``run_program``.
        """
        if fixed:
            return in_format(self.app.toolbox.constant(), form)
        self.app.service.sync()
        return in_format(self.app.toolbox.offered(), form)

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any] | str | None = None,
        *,
        attachments: list[Attachment] | None = None,
    ) -> dict[str, Any]:
        """Call a tool with a dict or with the JSON text that a model wrote.

        Returns ``{"ok": true, …}`` or ``{"ok": false, "error": {"code", "message", …}}``; errors are never raised. The
        pictures, sound and files that the result brings are added to *attachments*; without it they become files.
        """
        if attachments is None:
            return await self._call(name, arguments)
        with taking("image", "audio", "resource") as taken:
            result = await self._call(name, arguments)
        attachments += taken
        return result

    async def _call(self, name: str, arguments: Mapping[str, Any] | str | None) -> dict[str, Any]:
        try:
            self.app.service.sync()
        except PluginError as error:  # the saved state cannot be read
            return {"ok": False, "error": error.to_dict()}
        return await self.app.toolbox.call(name, arguments)

    def begin_turn(self, said: str) -> None:
        """Tell the guard in front of the tools what the person says now, at the beginning of each turn.

        It is optional. With it, what a plugin's output suggests is installed, switched or configured only if the person
        asks for it, as in our own chat; without it, the guard knows only what plugins said (docs/security.md).
        """
        if self.app.toolbox.guard is not None:
            self.app.toolbox.guard.begin(said)
        if self.app.toolbox.reach is not None:
            self.app.toolbox.reach.hear(said)

    async def context(self) -> str:
        """Return what to add to the system prompt of each turn: how to use plugins, and what is installed now."""
        return await system_text(self.app.providers)

    async def evaluate(self, user: str, reply: str) -> dict[str, Any]:
        """Show a finished turn to the active plugins' evaluators; return what they said, by ``plugin/evaluator``.

        It comes from outside: tell it to a model as data. One that fails, or takes over five seconds, is left out.
        """
        return await self.app.service.evaluate({"user": user, "reply": reply})

    async def permissions(
        self, plugin: str, *, allow: Mapping[str, Any] | None = None, deny: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return what an installed plugin may reach, once *allow* is granted and *deny* taken back.

        Both are tables as plugins declare them, of which each key may be left out: ``{"network": ["api.example.org"],
        "files": [{"path": "/data", "access": "read"}], "programs": ["git"]}``. A person says that: no tool does it.
        Raises BadArgumentsError for a table that is none, or where what *deny* names would stay within reach, and what
        naming a plugin raises.
        """
        if not (allow or deny):
            return (await self.app.service.permissions(plugin)).to_dict()
        allowed, denied = (_table(plugin, table or {}) for table in (allow, deny))
        return (await self.app.service.change_permissions(plugin, allow=allowed, deny=denied)).to_dict()

    def status(self) -> list[DynamicPluginInfo]:
        """Return what is installed, by name."""
        return self.app.service.status()


def _table(plugin: str, said: Mapping[str, Any]) -> Permissions:
    try:
        return parse_permissions({"network": [], **said})
    except ValueError as error:
        raise BadArgumentsError(plugin, f"permissions: {error}") from None
