"""What is known of plugins in a conversation, as sentences: how they stand, what they can do, where they come from.

Everything here comes from the status, the offered tools, the registry's entries and the calls of the conversation; what
none of them says is said to be unknown.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from dynamic_plugins.core.permission_text import in_a_sentence
from dynamic_plugins.core.permissions import UNDECLARED
from dynamic_plugins.embedded.replies import answers
from dynamic_plugins.embedded.replies.action_nature import Ability, first_sentence, nature, stems, warns
from dynamic_plugins.embedded.replies.result_text import listed, scalar
from dynamic_plugins.text.secret_names import looks_secret
from dynamic_plugins.text.stemmer import stem
from dynamic_plugins.text.wordlists import synonyms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from dynamic_plugins.embedded.context.request import Exchange, Made
    from dynamic_plugins.registry.entry import Entry

SHOWN = 10
LIKELIEST = 3
FITTING = 3.0
"""How rare the words must be, together and in nats, that a message shares with an action that fits it."""

_ON = "active"


class Plugin(Protocol):
    """An installed plugin as the status tells it."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def missing(self) -> Sequence[str]: ...
    @property
    def error(self) -> str: ...


class Tool(Protocol):
    """A tool that may be called now."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def parameters(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Facts:
    """What is known: the installed plugins, the tools on offer, the registry's entries, the conversation so far."""

    plugins: Mapping[str, Plugin]
    tools: Sequence[Tool]
    entries: Mapping[str, Entry]
    exchanges: Sequence[Exchange]
    find: Callable[[str], Sequence[Entry]] = lambda _: ()
    """Finds plugins, installed or not, by what a message asks for; nothing where only words are compared."""

    # ---------------------------------------------------------------- how they stand

    def is_on(self, name: str) -> bool:
        """Whether the plugin *name* is installed and switched on."""
        return name in self.plugins and self.plugins[name].status == _ON

    def standing(self, name: str) -> str:
        """Return how *name* stands, as the end of "X is …"."""
        if name not in self.plugins:
            return "not installed"
        plugin = self.plugins[name]
        if plugin.error or plugin.status == "error":
            return f"installed, but failed: {plugin.error or 'it gives no reason'}"
        if self.is_on(name):
            return "on"
        return f"installed but off, and lacks {listed(plugin.missing)}" if plugin.missing else "installed but off"

    def status_of(self, name: str) -> str:
        """Return one sentence on how *name* stands, with its version."""
        version = self.plugins[name].version if name in self.plugins else ""
        return f"{name}{f' {version}' if version else ''} is {self.standing(name).rstrip('.')}."

    def overview(self) -> str:
        """Return what is installed, and which of it is on."""
        if not self.plugins:
            return 'No plugin is installed. Say what you want to be able to do, or "search for …".'
        on = [name for name in self.plugins if self.is_on(name)]
        off = [name for name in self.plugins if not self.is_on(name)]
        count = f"{len(self.plugins)} plugin{'s are' if len(self.plugins) > 1 else ' is'} installed."
        parts = [count, f"On: {listed(on)}." if on else "None is on."]
        if off:
            parts.append(f"{'Off' if on else 'Installed, and off'}: {listed(off)}.")
        parts += [self.status_of(name) for name in off if self.plugins[name].missing or self.plugins[name].error]
        return " ".join(parts)

    # ---------------------------------------------------------------- what they can do

    def abilities(self, name: str) -> list[Ability]:
        """Return the actions of *name*: those on offer, or what the registry says of them."""
        short = re.sub(r"[^A-Za-z0-9_-]+", "_", name.rsplit("/", 1)[-1]).strip("_")
        offered = [
            Ability(name, action, tool.description)
            for tool in self.tools
            for plugin, _, action in [tool.name.partition("__")]
            if action and plugin.lstrip("_") == short.lstrip("_")
        ]
        entry = self.entries.get(name)
        return offered or [Ability(name, each.name, each.description) for each in (entry.actions if entry else ())]

    @cached_property
    def _installed(self) -> list[tuple[Ability, frozenset[str], frozenset[str]]]:
        """Every action of every installed plugin, with the words of its names and those of its description."""
        rows = []
        for name in self.plugins:
            entry = self.entries.get(name)
            own = f"{name} {' '.join(entry.keywords)} {entry.description}" if entry else name
            found = self.abilities(name) or [Ability(name, "", entry.description if entry else "")]
            rows += [(one, stems(f"{own} {one.action}"), stems(one.description)) for one in found]
        return rows

    @cached_property
    def _plugins_with(self) -> Counter[str]:
        return Counter(
            word
            for name in self.plugins
            for word in {w for one, named, told in self._installed if one.plugin == name for w in named | told}
        )

    def fitting(self, said: str, among: Iterable[str] | None = None) -> list[tuple[float, Ability]]:
        """Return the installed plugins' actions that share words with *said*, the likeliest first, with a score."""
        asked = stems(said)
        close = {stem(other) for word in asked for other in synonyms().get(word, ())} - asked
        chosen = None if among is None else set(among)
        rows = []
        for one, named, told in self._installed:
            if chosen is None or one.plugin in chosen:
                score = sum(self._weight(word) for word in asked & named)
                score += 0.7 * sum(self._weight(word) for word in (asked & told) - named)
                score += 2.0 * len(asked & stems(one.action) - stems(one.plugin))
                score += 0.6 * sum(self._weight(word) for word in close & (named | told))
                if score:
                    rows.append((score + (0.1 if self.is_on(one.plugin) else 0.0), one))
        return sorted(rows, key=lambda row: -row[0])

    def _weight(self, word: str) -> float:
        """Return how telling *word* is: little where many plugins use it, or where it is short."""
        return (1.0 + math.log((len(self.plugins) + 1) / self._plugins_with[word])) * min(1.0, len(word) / 4) * 1.6

    def by_meaning(self, said: str) -> str | None:
        """Return the plugin that does what *said* asks for, if one does; of the likeliest one that is installed."""
        names = [entry.name for entry in self.find(said)[:LIKELIEST]]
        return next((name for name in names if name in self.plugins), names[0] if names else None)

    def in_registry(self, said: str) -> Entry | None:
        """Return the entry that is not installed and whose keywords or description *said* fits best, if one does."""
        asked = stems(said)
        best: tuple[float, Entry] | None = None
        for name, entry in self.entries.items():
            if name in self.plugins:
                continue
            keywords = stems(" ".join(entry.keywords))
            score = 2.0 * len(asked & keywords) + len((asked & stems(entry.description)) - keywords)
            if score >= FITTING and (best is None or score > best[0]):
                best = score, entry
        return best[1] if best else None

    # ---------------------------------------------------------------- what each is

    def described(self, name: str) -> str:
        """Return what *name* is for, in the registry's words or by its actions; empty where nobody says."""
        entry = self.entries.get(name)
        if entry is not None and entry.description.strip():
            return f"{first_sentence(entry.description)}."
        told = [first_sentence(one.description) for one in self.abilities(name)[:3] if one.description]
        return f"{'; '.join(told)}." if told else ""

    def actions_text(self, name: str) -> str:
        """Return the actions of *name*, one a line with what each does."""
        found = self.abilities(name)
        if not found:
            return f"{self.described(name)} Its actions are listed here once it was switched on.".lstrip()
        lines = [f"- {one.action}{f': {first_sentence(one.description)}' if one.description else ''}" for one in found]
        more = [f"… and {len(lines) - SHOWN} more."] if len(lines) > SHOWN else []
        return "\n".join(["It can:", *lines[:SHOWN], *more])

    def changing(self, name: str) -> list[str]:
        """Return the names of those actions of *name* that change something, as far as names and descriptions tell."""
        return [one.action for one in self.abilities(name) if nature(one) == "changes"]

    def source(self, name: str) -> str:
        """Return where *name* comes from, as the registry has it."""
        entry = self.entries.get(name)
        if entry is not None and entry.remote is not None and not entry.packages:
            return f"{name} is not installed from anywhere: it runs at {entry.remote.url}."
        if entry is None or not (entry.packages or entry.repository):
            return f"Where {name} comes from, the registry does not say."
        packages = [f"the {_REGISTRIES[package.type]} {package.name}" for package in entry.packages]
        parts = [f"{name} is installed from {listed(packages, 'or')}"] if packages else [f"{name} has"]
        if entry.repository:
            parts.append(
                f"its source is {_address(entry.repository)}" if packages else f"its source at {entry.repository}"
            )
        owner = _owner(entry.repository)
        return f"{', and '.join(parts)}.{f' It is published by {owner}.' if owner else ''}"

    def settings(self, name: str) -> str:
        """Return what *name* can be told and what is set: plain values where the conversation gave them, no secret."""
        entry = self.entries.get(name)
        variables = entry.variables if entry else ()
        missing = set(self.plugins[name].missing) if name in self.plugins else set()
        told = self._values(name)
        known = {variable.name: variable.secret or looks_secret(variable.name) for variable in variables}
        known |= {each: looks_secret(each) for each in [*missing, *told] if each not in known}
        if not known:
            return f"I know of no setting of {name}."
        required = {variable.name for variable in variables if variable.required} | missing
        lines = [
            f"- {each}: {self._value(name, each, secret, missing, required, told)}" for each, secret in known.items()
        ]
        shown = [*lines[:SHOWN], *([f"… and {len(lines) - SHOWN} more."] if len(lines) > SHOWN else [])]
        return "\n".join([f"Settings of {name}:", *shown, f"To change one, type: dynamic-plugins configure {name}"])

    def _value(
        self, name: str, variable: str, secret: bool, missing: set[str], required: set[str], told: Mapping[str, str]
    ) -> str:
        if variable in missing:
            return "missing, and needed"
        if secret:
            installed = name in self.plugins
            return "set; a secret, so it is not shown" if installed and variable in required else "a secret"
        if variable in told:
            return f"{told[variable]} (set in this conversation)"
        if variable in required:
            return "set" if name in self.plugins else "needed"
        return "may be set"

    def _values(self, name: str) -> dict[str, str]:
        """Return the plain values that the conversation set for *name*, the newest of each."""
        values: dict[str, str] = {}
        for call in self.calls():
            if call.name == "configure_plugin" and answers.plugin_of(call) == name and answers.error_of(call) is None:
                given = call.arguments.get("configuration")
                pairs = given.items() if isinstance(given, dict) else _pairs(given)
                values |= {str(k): scalar(v) for k, v in pairs if not looks_secret(str(k)) and "[secret:" not in str(v)}
        return values

    def safety(self, name: str) -> str:
        """Return what there is to judge *name* by: its source, where it runs, what it may and can change."""
        entry = self.entries.get(name)
        parts = [self.source(name)]
        remote = getattr(entry, "remote", None)
        parts.append(
            "It runs on its provider's server, which gets what is sent to it."
            if remote
            else "By default it runs on this machine, in a process of its own, with its own settings and no others."
        )
        if entry is not None and entry.permissions != UNDECLARED:
            parts.append(f"It asks for these permissions: {in_a_sentence(entry.permissions)}.")
        else:
            parts.append("The registry states no permissions for it.")
        if found := self.abilities(name):
            changing = self.changing(name)
            more = f" and {len(changing) - SHOWN} more" if len(changing) > SHOWN else ""
            told = ", ".join(changing[:SHOWN]) + more if more else listed(changing)
            parts.append(
                f"It can change things with: {told}." if changing else "None of its actions seems to change anything."
            )
            parts += [f"{one.action}: {first_sentence(one.description)}." for one in found if warns(one)]
        secrets = [v.name for v in (entry.variables if entry else ()) if v.secret or looks_secret(v.name)]
        if secrets:
            parts.append(f"It is given {listed(secrets[:4])}, which I never see.")
        return " ".join([*parts, "Whether to trust it I cannot judge for you."])

    # ---------------------------------------------------------------- the conversation

    def calls(self) -> Iterator[Made]:
        """Give the calls of the conversation, oldest first."""
        for exchange in self.exchanges:
            yield from exchange.calls

    def last_plugin(self) -> str | None:
        """Return the plugin that the conversation last had to do with."""
        for exchange in reversed(self.exchanges):
            for call in reversed(exchange.calls):
                if (name := self._full_name(answers.plugin_of(call))) is not None:
                    return name
            for name in self.plugins:
                if exchange.reply and name in exchange.reply:
                    return name
        return None

    def _full_name(self, said: str) -> str | None:
        if said in self.plugins or said in self.entries:
            return said
        return next((name for name in self.plugins if said and name.rsplit("/", 1)[-1] == said), None)

    def history(self) -> list[str]:
        """Return what was done in the conversation, oldest first, each as a few words."""
        done = []
        for call in self.calls():
            if call.name == answers.SEARCH or call.name == "list_available_plugins":
                continue
            verb = _DID.get(call.name)
            words = f"{verb} {answers.plugin_of(call)}" if verb else f"called {answers.action_of(call)}"
            error = answers.error_of(call)
            if error is not None and error.get("code") == "needs_confirmation":
                words = f"asked about {answers.action_of(call)}"  # a question is no failure
            elif error is not None:
                words = f"{words} (it failed)"
            done.append(words)
        return list(dict.fromkeys(done))


_DID = {
    "install_plugin": "installed",
    "configure_plugin": "configured",
    "activate_plugin": "switched on",
    "deactivate_plugin": "switched off",
    "unload_plugin": "unloaded",
}
_REGISTRIES = {"pypi": "PyPI package", "npm": "npm package", "git": "git repository", "path": "folder"}


def _pairs(given: Any) -> list[tuple[Any, Any]]:
    return [(each.get("name"), each.get("value")) for each in given or () if isinstance(each, dict)]


def _owner(repository: str) -> str:
    found = re.search(r"(?:github:|github\.com[/:]|gitlab\.com[/:])([\w.-]+)/", repository)
    return found[1] if found else ""


def _address(repository: str) -> str:
    return repository.replace("github:", "https://github.com/", 1) if repository.startswith("github:") else repository
