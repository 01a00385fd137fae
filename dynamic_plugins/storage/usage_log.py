"""What happened to each plugin, and how its actions fared. Kept between runs; nothing of it leaves the machine."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from dynamic_plugins.core.atomic_file import read_json, write_atomically
from dynamic_plugins.core.status import now
from dynamic_plugins.errors import PermissionDeniedError, PermissionKind, StateError
from dynamic_plugins.storage.state import LOCK_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from dynamic_plugins.events import Event

EVENTS_KEPT = 20
REFUSALS_KEPT = 10
MESSAGE_LENGTH = 300


@dataclass
class Usage:
    """How one action fared: how often it was called, how often it failed, and how long it took, in seconds."""

    calls: int = 0
    errors: int = 0
    total: float = 0.0
    longest: float = 0.0

    def add(self, other: Usage) -> None:
        """Add what *other* counted."""
        self.calls += other.calls
        self.errors += other.errors
        self.total += other.total
        self.longest = max(self.longest, other.longest)

    def to_dict(self) -> dict[str, Any]:
        """Return it in milliseconds, for people."""
        mean = self.total / self.calls if self.calls else 0.0
        return {
            "calls": self.calls,
            "errors": self.errors,
            "mean_ms": round(mean * 1000, 1),
            "longest_ms": round(self.longest * 1000, 1),
        }


@dataclass(frozen=True)
class Refusal:
    """What a plugin was refused while it was called: *kind* is ``network``, ``read``, ``write`` or ``program``, and
    *what* a host, a path or a program's name as far as the plugin's own words tell it.
    """

    at: str
    kind: PermissionKind
    what: str
    action: str


@dataclass
class _Plugin:
    actions: dict[str, Usage] = field(default_factory=lambda: defaultdict(Usage))
    events: list[dict[str, str]] = field(default_factory=list)
    tasks: dict[str, float] = field(default_factory=dict)
    """When each task was begun last, in seconds since 1970."""
    refused: dict[str, Refusal] = field(default_factory=dict)
    """What it was refused last, by kind and name, the oldest first."""

    def add(self, other: _Plugin) -> None:
        for name, usage in other.actions.items():
            self.actions[name].add(usage)
        self.events = (self.events + other.events)[-EVENTS_KEPT:]
        self.tasks |= other.tasks
        for refusal in other.refused.values():
            self.refuse(refusal)

    def refuse(self, refusal: Refusal) -> None:
        """Keep *refusal* as the newest, once."""
        key = f"{refusal.kind} {refusal.what}"
        self.refused.pop(key, None)
        self.refused[key] = refusal
        while len(self.refused) > REFUSALS_KEPT:
            del self.refused[next(iter(self.refused))]


class Journal:
    """Counts in memory and adds to *path* at :meth:`flush`: a call costs no write, and several processes may count.

    *installed* gives the names of the plugins that there are; of others nothing is written, whoever counted them.
    """

    def __init__(self, path: Path, installed: Callable[[], Collection[str]] | None = None) -> None:
        self._path, self._installed = path, installed
        self._counting = threading.Lock()
        """Held while :attr:`_new` is changed or taken away: it is written from threads."""
        self._new: dict[str, _Plugin] = defaultdict(_Plugin)

    @contextmanager
    def timed(self, plugin: str, action: str) -> Iterator[None]:
        """Count the call made in this block: its time, and whether it raised."""
        begun = time.perf_counter()
        errors = 0
        try:
            yield
        except BaseException as error:  # a call that was cancelled did not succeed either
            errors = 1
            if isinstance(error, PermissionDeniedError):
                refusal = Refusal(now(), error.kind, error.what, action)
                with self._counting:
                    self._new[plugin].refuse(refusal)
            raise
        finally:
            took = time.perf_counter() - begun
            with self._counting:  # looked up only now: what was counted before may have been written meanwhile
                self._new[plugin].actions[action].add(Usage(1, errors, took, took))

    def note(self, event: Event) -> None:
        """Keep a step of a plugin's life; the progress of an install is none."""
        if event.fraction is None:
            step = {"at": now(), "event": event.stage}
            if event.message:
                step["message"] = event.message[:MESSAGE_LENGTH]
            with self._counting:
                events = self._new[event.plugin].events
                events.append(step)
                del events[:-EVENTS_KEPT]

    def begin_task(self, plugin: str, task: str, interval: float) -> float:
        """Note that *task* begins now and return 0; or return how many seconds it is not due yet.

        Every process that shares the file asks here, so a task runs once an *interval* in all of them together.
        """
        with self._changing() as plugins:
            begun = plugins.setdefault(plugin, _Plugin()).tasks
            left = self._left(begun.get(task), interval)
            if left <= 0:
                begun[task] = time.time()
        return max(0.0, left)

    def task_is_due_in(self, plugin: str, task: str, interval: float) -> float:
        """Return how many seconds are left until *task* is due, as far as it has ever begun; else *interval*."""
        begun = self._read().get(plugin, _Plugin()).tasks.get(task)
        return interval if begun is None else max(0.0, self._left(begun, interval))

    @staticmethod
    def _left(begun: float | None, interval: float) -> float:
        left = 0.0 if begun is None else begun + interval - time.time()
        return left if left <= interval else 0.0  # the clock was set back: what it showed is worth nothing

    def report(self, plugin: str) -> dict[str, Any]:
        """Return ``{"usage": {"calls", "errors", …, "actions": {…}}, "events": […]}``, this process included."""
        mine = self._read().get(plugin, _Plugin())
        with self._counting:
            mine.add(self._new.get(plugin, _Plugin()))
        everything = Usage()
        for usage in mine.actions.values():
            everything.add(usage)
        actions = {name: usage.to_dict() for name, usage in sorted(mine.actions.items())}
        return {"usage": everything.to_dict() | {"actions": actions}, "events": mine.events}

    def refusals(self, plugin: str) -> list[Refusal]:
        """Return what *plugin* was refused, the newest first, this process included."""
        mine = self._read().get(plugin, _Plugin())
        with self._counting:
            mine.add(self._new.get(plugin, _Plugin()))
        return list(reversed(mine.refused.values()))

    def forget(self, plugin: str) -> None:
        """Drop everything about *plugin*."""
        self.forget_unwritten(plugin)
        if plugin in self._read():
            with self._changing() as plugins:
                plugins.pop(plugin, None)

    def forget_unwritten(self, plugin: str) -> None:
        """Drop what this process has counted of *plugin* and not written yet."""
        with self._counting:
            self._new.pop(plugin, None)

    def flush(self) -> None:
        """Add what was counted since the last time to the file."""
        with self._counting:
            new, self._new = self._new, defaultdict(_Plugin)
        new = {name: plugin for name, plugin in new.items() if plugin.actions or plugin.events}
        if new:
            with self._changing() as plugins:
                for name, plugin in new.items():
                    plugins.setdefault(name, _Plugin()).add(plugin)

    def _read(self) -> dict[str, _Plugin]:
        try:
            data = read_json(self._path)["plugins"]
            return {name: _parsed(plugin) for name, plugin in data.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}  # counts are worth less than the program going on: a damaged journal begins anew

    @contextmanager
    def _changing(self) -> Iterator[dict[str, _Plugin]]:
        from filelock import FileLock

        self._path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self._path}.lock", timeout=LOCK_SECONDS):
            plugins = self._read()
            yield plugins
            # Asked under the lock, which whoever removes a plugin takes last: none comes back after that.
            known = self._known(plugins)
            data = {name: _plain(plugin) for name, plugin in sorted(plugins.items()) if name in known}
            write_atomically(self._path, json.dumps({"schema": 1, "plugins": data}).encode())

    def _known(self, plugins: Collection[str]) -> Collection[str]:
        try:
            return plugins if self._installed is None else self._installed()
        except StateError:
            return plugins  # a state that cannot be read is no reason to forget any


def _parsed(data: dict[str, Any]) -> _Plugin:
    plugin = _Plugin(events=list(data["events"]), tasks=_times(data.get("tasks", {})))
    for refused in data.get("refused", []):
        if refused["kind"] in get_args(PermissionKind):
            texts = {name: str(refused[name]) for name in ("at", "what", "action")}
            plugin.refuse(Refusal(kind=refused["kind"], **texts))
    for name, usage in data["actions"].items():
        plugin.actions[name].add(Usage(**usage))
    return plugin


def _times(data: dict[str, Any]) -> dict[str, float]:
    return {str(name): float(at) for name, at in data.items()}


def _plain(plugin: _Plugin) -> dict[str, Any]:
    actions = {name: vars(usage) for name, usage in plugin.actions.items()}
    refused = [vars(each) for each in plugin.refused.values()]
    return {"actions": actions, "events": plugin.events, "tasks": plugin.tasks, "refused": refused}
