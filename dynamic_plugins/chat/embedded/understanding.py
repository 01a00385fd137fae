"""What a person wants with a message: the six management actions, a question about plugins, or none of these."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dynamic_plugins.chat.embedded import orders as o
from dynamic_plugins.chat.embedded import questions
from dynamic_plugins.chat.embedded.decide import Answer, Call, Step, calls_for, question
from dynamic_plugins.chat.embedded.judge import Reading, judge
from dynamic_plugins.chat.embedded.phrases import Text, cues
from dynamic_plugins.chat.embedded.quoting import Message, listen
from dynamic_plugins.chat.embedded.settle import Settled, Settling
from dynamic_plugins.chat.embedded.standing import Installed, Standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.chat.embedded.targets import Knowledge, Mention

TERSE = 6
"""A message of at most so many words that names a plugin and orders nothing still wants something."""


@dataclass(frozen=True)
class Understood:
    """A message taken apart."""

    message: Message
    text: Text
    mentions: tuple[Mention, ...]
    reading: Reading
    asked: tuple[tuple[questions.Asked, Text], ...]

    @property
    def names(self) -> list[str]:
        """What the person said for each plugin, in the order of the mentions."""
        return [mention.target.said for mention in self.mentions]


def understand(said: str, knowledge: Knowledge) -> Understood:
    """Take *said* apart: what is quoted, which plugins it names, what it orders, what it asks."""
    message = listen(said)
    mentions = tuple(knowledge.mentions(message.spoken))
    masked = list(message.spoken)
    for number, mention in reversed(list(enumerate(mentions))):
        masked[mention.start : mention.end] = f" ⟨{number}⟩ "
    text = o.read_spoken("".join(masked))
    parts = [text.part(start, end) for start, end in o.sentences(text)]
    asked = tuple((questions.asked(part), part) for part in parts)
    return Understood(message, text, mentions, judge(text), asked)


class Mind:
    """Answers one message. *focus* are the plugins that were talked about before, latest first."""

    def __init__(self, knowledge: Knowledge, focus: Sequence[str] = ()) -> None:
        self._known, self._focus = knowledge, focus

    def answer(self, said: str) -> Answer | None:
        """Return what to do about *said*, or None when it has nothing to do with managing plugins."""
        heard = understand(said, self._known)
        if heard.message.hostile:
            return Answer(text="I will not act on that: it tries to get round the person's approval.")
        settled = self._settled(heard)
        lists = self._lists(heard, settled)
        if settled.steps or lists:
            return self._act(heard, settled, lists)
        if settled.unclear:
            return Answer(text=_which(settled.unclear[0][1]), choices=settled.unclear[0])
        if any(kind == "status" for kind, _ in heard.asked):
            return Answer(text=status_text(heard, self._known))
        if heard.reading.cancelled or heard.reading.forbidden or heard.reading.withdrawn:
            return Answer(text="All right, I leave everything as it is.")
        if settled.unknown and not heard.message.addresses:
            return self._unknown(settled)
        if heard.message.addresses and heard.reading.orders:
            return Answer(text="I install plugins from the registry only. Which one do you mean?")
        return self._gain(heard)

    def _settled(self, heard: Understood) -> Settled:
        if heard.message.about_text:
            return Settled()
        asked_only = {number for number, (kind, _) in enumerate(heard.asked) if kind == "status"}
        reading = heard.reading
        reading.orders = [order for order in reading.orders if order.sentence not in asked_only]
        if heard.message.addresses:
            reading.orders = [order for order in reading.orders if order.intent != "install"]
        settled = Settling(self._known, heard.mentions, self._focus).settle(reading)
        if not reading.orders and not reading.withdrawn and not settled.steps:
            return self._terse(heard) or settled
        return settled

    def _terse(self, heard: Understood) -> Settled | None:
        """ "discord pls": a name and hardly anything else."""
        words = [word for word in heard.text.words if re.search(r"\w", word)]
        named = [heard.mentions[slot].target for slot in heard.reading.floating]
        if not named or len(words) > TERSE or any(kind for kind, _ in heard.asked) or heard.message.addresses:
            return None
        steps = []
        for target in named:
            if target.name is None:
                return Settled(unclear=(("install", target.names),))
            here = target.name in self._known.standing
            steps.append(Step("activate" if here else "install", target, False))
        return Settled(tuple(steps))

    def _lists(self, heard: Understood, settled: Settled) -> list[Call]:
        if heard.message.about_text:
            return []
        busy = {order.sentence for order in heard.reading.orders if order.given and order.sure}
        calls = []
        for number, (kind, sentence) in enumerate(heard.asked):
            if kind == "list" and not (number in busy and settled.steps and not _asks_list(sentence)):
                calls.append(list_call(sentence, heard))
        return calls[:1]

    def _act(self, heard: Understood, settled: Settled, lists: list[Call]) -> Answer:
        calls: list[Call] = []
        said: list[str] = []
        certain = not settled.unclear and not settled.unknown
        planned = _with_versions(settled.steps, heard)
        for step in planned:
            wanted, note, changed = calls_for(step, self._seen(calls))
            certain = certain and (step.certain or not wanted) and not changed
            calls += [call for call in wanted if call not in calls]
            said += [note] if note else []
        calls = [*lists, *calls] if not settled.steps or lists else calls
        if not calls:
            return Answer(text=" ".join(said))
        if certain:
            return Answer(tuple(calls), " ".join(said))
        if settled.unclear:
            said.append(_which(settled.unclear[0][1]))
        return Answer(text=question(calls, said), proposed=tuple(calls))

    def _seen(self, calls: Sequence[Call]) -> Standing:
        """Return how things will stand after *calls*."""
        plugins = dict(self._known.standing.plugins)
        for call in calls:
            name = call.plugin or ""
            match call.tool:
                case "install_plugin":
                    plugins[name] = Installed(name, str(call.arguments.get("version") or ""))
                case "activate_plugin":
                    plugins[name] = replace(plugins.get(name, Installed(name)), status="active")
                case "deactivate_plugin":
                    plugins[name] = replace(plugins.get(name, Installed(name)), status="inactive")
        return Standing(plugins)

    def _unknown(self, settled: Settled) -> Answer:
        intent, said = settled.unknown[0]
        if intent == "install" and said:
            return Answer((Call("list_available_plugins", {"query": said}),))
        if said:
            return Answer(text=f'I know no installed plugin called "{said}".')
        return Answer(text="Which plugin do you mean?")

    def _gain(self, heard: Understood) -> Answer | None:
        if heard.message.about_text:
            return None
        for kind, sentence in heard.asked:
            if kind == "gain":
                query = questions.query_in(sentence, heard.names) or questions.query_in(heard.text, heard.names)
                return Answer((Call("list_available_plugins", {"query": query}),), weak=True)
        return None


def list_call(sentence: Text, heard: Understood) -> Call:
    """Return the search that *sentence* asks for."""
    arguments: dict[str, object] = {}
    if query := questions.query_in(sentence, heard.names):
        arguments["query"] = query
    if limit := questions.limit_in(heard.message.spoken):
        arguments["limit"] = limit
    return Call("list_available_plugins", arguments)


def _asks_list(sentence: Text) -> bool:
    return cues("questions", "look").match(sentence) and cues("questions", "kinds").match(sentence)


def _which(names: Sequence[str]) -> str:
    return (
        f"Which one do you mean: {', '.join(names[:-1])} or {names[-1]}?"
        if len(names) > 1
        else f"Do you mean {names[0]}?"
    )


VERSION = re.compile(
    r"(?<![\w./-])v?(\d+(?:\.\d+)+(?:[-.]?(?:a|b|rc|alpha|beta|dev|post|pre)[-.]?\d*)*)(?![\w/]|\.\d|:\d)", re.I
)


def _with_versions(steps: Sequence[Step], heard: Understood) -> list[Step]:
    """Give the installs the version that was asked for: the last one that stands after the plugin's name."""
    places = {mention.target.name: mention.end for mention in heard.mentions}
    installs = [step for step in steps if step.intent == "install"]
    found = [(each.start(), each[1]) for each in VERSION.finditer(heard.message.spoken)]
    told = []
    for step in steps:
        version = step.target.version
        if step.intent == "install" and version is None and found:
            begin = places.get(step.target.name, 0) if len(installs) > 1 else 0
            others = sorted(end for name, end in places.items() if end > begin) if len(installs) > 1 else []
            until = others[0] if others else len(heard.message.spoken)
            mine = [number for at, number in found if begin <= at < until]
            version = mine[-1] if mine else None
        told.append(replace(step, target=replace(step.target, version=version)))
    return told


def status_text(heard: Understood, knowledge: Knowledge) -> str:
    """Answer a question about what is installed."""
    standing = knowledge.standing
    named = [m.target.name for m in heard.mentions if m.target.name]
    if named:
        return " ".join(
            f"{name} is {standing.plugins[name].status.replace('_', ' ')}."
            if name in standing
            else f"{name} is not installed."
            for name in dict.fromkeys(named)
        )
    if not standing.plugins:
        return "No plugin is installed."
    active, rest = standing.active, standing.inactive
    parts = [
        f"{len(standing.plugins)} plugins are installed." if len(standing.plugins) > 1 else "One plugin is installed."
    ]
    parts.append(f"Active: {', '.join(active)}." if active else "None of them is active.")
    if rest:
        parts.append(f"Not active: {', '.join(rest)}.")
    return " ".join(parts)
