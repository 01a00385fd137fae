"""``status``: what is installed and how it stands, once, or over and over while somebody watches."""

from __future__ import annotations

import asyncio
import io
import time
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from dynamic_plugins.app import App
from dynamic_plugins.cli import render
from dynamic_plugins.cli.exit_codes import DONE
from dynamic_plugins.cli.output import Output
from dynamic_plugins.core.status import status_in_words

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from rich.console import Console

    from dynamic_plugins.core.status import DynamicPluginInfo
    from dynamic_plugins.settings import Settings

LOOK_SECONDS = 0.5
Result = dict[str, Any]


async def status(arguments: argparse.Namespace, settings: Settings, out: Output) -> int:
    """``status``: show installed plugins; with ``--watch`` until somebody ends it."""
    app = App(settings, door="terminal")
    if not arguments.watch:
        infos = await _infos(app, arguments.name)
        if out.as_json:
            out.document({"ok": True, "plugins": _results(app, infos)})
        else:
            _show(app, out, infos, whole=bool(arguments.name))
        return DONE
    try:
        await _watch(app, arguments.name, out)
    except asyncio.CancelledError:  # Ctrl-C: there is no other way to end it, so it is no failure
        return DONE


async def _infos(app: App, name: str | None) -> list[DynamicPluginInfo]:
    return [await app.service.info(name)] if name else app.service.status()


def _results(app: App, infos: Sequence[DynamicPluginInfo]) -> list[Result]:
    return [info.to_dict() | _noted(app, info.name) for info in infos]


def _noted(app: App, name: str) -> Result:
    """Return what is noted of an installed plugin: its use, and what of it waits for the person."""
    more: Result = {"withheld": withheld} if (withheld := app.service.withheld(name)) else {}
    if (revocation := app.service.revocation(name)) is not None:
        more["revoked"] = revocation.to_dict() | {"source": revocation.source}
    return app.service.journal.report(name) | more


def _show(app: App, out: Output, infos: Sequence[DynamicPluginInfo], *, whole: bool) -> None:
    if not infos and (profile := app.settings.profile):
        out.say(f"The profile {profile} has no plugin. Find one with: dynamic-plugins list WHAT IT SHOULD DO")
        return
    render.status(out, infos, whole=whole)
    for info in infos:
        if waiting := app.service.withheld(info.name):
            out.say(render.withheld(info.name, waiting))
        if (revocation := app.service.revocation(info.name)) is not None:
            out.say(render.revoked(info.name, revocation.sentence))


# ------------------------------------------------------------------------------------------------------ watching


class _View(Protocol):
    """Where a change is shown."""

    def __enter__(self) -> object: ...
    def __exit__(self, *_: object) -> None: ...
    def changed(self, app: App, infos: Sequence[DynamicPluginInfo], results: list[Result]) -> None:
        """Show what there is now."""
        ...


async def _watch(app: App, name: str | None, out: Output) -> NoReturn:
    """Show how it stands, and again whenever that is another."""
    view = _view(out, whole=name is not None)
    before: list[Result] | None = None
    with view:
        while True:
            app.service.sync()  # another process may have changed it
            infos = await _infos(app, name)
            if (results := _results(app, infos)) != before:
                before = results
                view.changed(app, infos, results)
            await asyncio.sleep(LOOK_SECONDS)


def _view(out: Output, *, whole: bool) -> _View:
    if out.as_json:
        return _Documents(out)
    return _Screen(out, whole) if out.terminal and not out.dumb else _Lines(out)


class _Documents:
    """A JSON document on one line for each change: all that there is then."""

    def __init__(self, out: Output) -> None:
        self._out = out

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def changed(self, _app: App, _infos: Sequence[DynamicPluginInfo], results: list[Result]) -> None:
        self._out.line({"ok": True, "plugins": results})


class _Lines(_Documents):
    """A line for each plugin that is another than before; first one for each that there is."""

    def __init__(self, out: Output) -> None:
        super().__init__(out)
        self._before: dict[str, str] = {}

    def changed(self, app: App, infos: Sequence[DynamicPluginInfo], _results: list[Result]) -> None:
        now = {info.name: _in_a_line(app, info) for info in infos}
        if not infos:
            self._out.say(f"{_time()}  No plugin is installed.")
        for name, line in now.items():
            if line != self._before.get(name):
                self._out.say(f"{_time()}  {name}  {line}")
        for name in self._before.keys() - now.keys():
            self._out.say(f"{_time()}  {name}  uninstalled")
        self._before = now


def _in_a_line(app: App, info: DynamicPluginInfo) -> str:
    missing = [each.name for each in info.required_env_vars if not each.is_set]
    notes = [
        f"needs {', '.join(missing)}" if missing else "",
        info.error_details or "",
        f"{len(waiting)} of what it offers waits for you" if (waiting := app.service.withheld(info.name)) else "",
        "revoked" if app.service.revocation(info.name) is not None else "",
    ]
    details = "; ".join(note for note in notes if note)
    return f"{info.version}  {status_in_words(info.status)}" + (f"  ({details})" if details else "")


def _time() -> str:
    return time.strftime("%H:%M:%S")


class _Screen:
    """The same that ``status`` shows, drawn in one place of a terminal."""

    def __init__(self, out: Output, whole: bool) -> None:
        from rich.live import Live

        self._out, self._whole = out, whole
        self._live = Live(console=out.console, auto_refresh=False, vertical_overflow="ellipsis")

    def __enter__(self) -> None:
        self._live.start()

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def changed(self, app: App, infos: Sequence[DynamicPluginInfo], _results: list[Result]) -> None:
        from rich.text import Text

        drawn = _Drawn(self._out)
        _show(app, drawn, infos, whole=self._whole)
        drawn.say(f"as of {_time()}; Ctrl-C ends it")
        self._live.update(Text.from_ansi(drawn.text), refresh=True)


class _Drawn(Output):
    """Keeps what would be printed on *shown_on*."""

    def __init__(self, shown_on: Output) -> None:
        super().__init__(as_json=False)
        from rich.console import Console

        self._kept = io.StringIO()
        self._console = Console(
            file=self._kept,
            force_terminal=True,
            color_system="standard" if shown_on.console.color_system else None,
            highlight=False,
            width=shown_on.width,
            soft_wrap=True,
        )

    @property
    def text(self) -> str:
        return self._kept.getvalue()

    @property
    def console(self) -> Console:
        return self._console

    def say(self, text: str) -> None:
        from dynamic_plugins.text.printable import printable

        self._kept.write(f"{printable(text)}\n")
