"""What a person wants with a message: the six management actions, a question about plugins, or none of these."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dynamic_plugins.embedded import company, curious, hunch, questions, setting, telling
from dynamic_plugins.embedded import orders as o
from dynamic_plugins.embedded.decide import Answer, Call, Step, calls_for, question
from dynamic_plugins.embedded.hearing import Understood, understand
from dynamic_plugins.embedded.phrases import Text, cues, word_set
from dynamic_plugins.embedded.quoting import is_cut
from dynamic_plugins.embedded.settle import Settled, Settling
from dynamic_plugins.embedded.standing import Installed, Standing
from dynamic_plugins.embedded.versions import with_versions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.setting import Setting
    from dynamic_plugins.embedded.targets import Knowledge, Mention, Target

LOOKED_FOR = 2
"""So many words that mean something must a wish have before a search is offered."""
TERSE = 6
"""A message of at most so many words that names a plugin and orders nothing still wants something."""


class Mind:
    """Answers one message. *focus* are the plugins that were talked about before, latest first."""

    def __init__(self, knowledge: Knowledge, focus: Sequence[str] = ()) -> None:
        self._known, self._focus = knowledge, focus

    def answer(self, said: str) -> Answer | None:
        """Return what to do about *said*, or None when it has nothing to do with managing plugins."""
        heard = understand(said, self._known)
        if heard.message.hostile:
            return Answer(text=telling.HOSTILE)
        if heard.values and setting.mistaken(said):
            return Answer(text=telling.NOT_USED)
        told = self._settings(said, heard)
        settled = self._settled(heard, told)
        lists = self._lists(heard)
        if settled.steps or (told is not None and told.plugin):
            return self._act(heard, settled, told, lists)
        if told is not None:
            return Answer(text="For which plugin is that?")
        return self._say(heard, settled, lists) or (Answer(text=telling.HOSTILE) if heard.message.lure else None)

    def _settings(self, said: str, heard: Understood) -> Setting | None:
        if heard.message.about_text or (heard.message.quotes and not heard.values):
            return None
        if heard.values:
            return setting.given(said, heard.values, heard.mentions, self._known, self._focus)
        orders = [order for order in heard.reading.orders if order.given and (order.sure or order.refers)]
        if orders or heard.asks("status") or heard.reading.cancelled:
            return None
        return setting.implied(heard.message.said, heard.mentions, self._known)

    def _settled(self, heard: Understood, told: Setting | None) -> Settled:
        if heard.message.about_text and not heard.message.quotes:
            return Settled()
        asked_only = {number for number, (kind, _) in enumerate(heard.asked) if kind == "status"}
        wishes = {number for number, (kind, _) in enumerate(heard.asked) if kind == "gain"}
        looks = {number for number, (kind, _) in enumerate(heard.asked) if kind == "list"}
        orders = []
        for order in heard.reading.orders:
            if order.sentence in looks and "homonym" in order.doubts:
                continue  # "¿qué plugins hay para …?"
            if order.sentence in asked_only and not (order.formal and order.sure):
                continue
            if order.sentence in wishes and not order.sure and not self._certain_mentions(order.slots, heard):
                continue
            if order.intent == "install" and heard.message.addresses:
                continue
            if heard.message.about_text and not (order.sure and order.slots):
                continue
            if "later" in order.doubts and not order.slots and _is_joined(order, heard.reading.orders):
                continue  # "mute it for now, I'll want it later"
            if told is not None and not order.sure and self._is_how_it_is_said(order, heard, told):
                continue
            orders.append(order)
        heard.reading.orders = orders
        focus = [told.plugin, *self._focus] if told is not None and told.plugin else self._focus
        settled = Settling(self._known, heard.mentions, focus, o.content(heard.text)).settle(heard.reading)
        if not orders and not heard.reading.withdrawn and told is None:
            return self._terse(heard) or settled
        return settled

    def _certain_mentions(self, slots: Sequence[int], heard: Understood) -> bool:
        return any(self._plainly_named(heard.mentions[slot], heard) for slot in slots)

    def _plainly_named(self, mention: Mention, heard: Understood) -> bool:
        """Whether a mention cannot be an ordinary word: it is written as a name, or stands beside "plugin"."""
        said = mention.target.said
        beside = heard.message.spoken[max(0, mention.start - 8) : mention.end + 8].lower()
        return bool(re.search(r"[A-Z@/_\d-]", said)) or "plugin" in beside or "server" in beside

    def _is_how_it_is_said(self, order: o.Order, heard: Understood, told: Setting) -> bool:
        """Whether an order only says how a value is set: "put the token in the github plugin"."""
        names = [heard.mentions[slot].target.name for slot in order.slots]
        if order.intent in ("activate", "deactivate", "unload") and order.refers and not names:
            return False  # "… and then start it"
        return not names or (names[0] == told.plugin and names[0] in self._known.standing.plugins)

    def _terse(self, heard: Understood) -> Settled | None:
        """Return what a name and hardly anything else wants ("discord pls")."""
        words = [word for word in heard.text.words if re.search(r"\w", word)]
        named = [
            heard.mentions[slot].target
            for slot in heard.reading.floating
            if (not heard.mentions[slot].weak or len(words) <= 2) and self._is_one(heard.mentions[slot].target)
        ]
        if not named or len(words) > TERSE or any(kind for kind, _ in heard.asked) or heard.message.addresses:
            return None
        if heard.reading.cancelled or any(curious.asks(sentence) for _, sentence in heard.asked):
            return None
        steps = []
        for target in named:
            if target.name is None:
                return Settled(unclear=(("install", target.names),))
            here = target.name in self._known.standing
            steps.append(Step("activate" if here else "install", target, False))
        return Settled(tuple(steps))

    def _is_one(self, target: Target) -> bool:
        """Whether a plugin is meant for sure: by its own name, or one that is installed."""
        return target.sure or not target.name or target.name in self._known.standing

    def _lists(self, heard: Understood) -> list[Call]:
        if heard.message.about_text or heard.message.addresses:
            return []
        busy = {order.sentence for order in heard.reading.orders if order.given}
        busy |= {order.sentence for order in heard.reading.withdrawn if order.slots}
        calls = [
            list_call(sentence, heard)
            for number, (kind, sentence) in enumerate(heard.asked)
            if kind in ("list", "gain")
            and (kind == "list" or number in busy)
            and (number not in busy or self._shows(sentence, begins=kind == "gain"))
            and not cues("questions", "idle").match(sentence)
            and not curious.wonders(sentence)
        ]
        return calls[:1]

    @staticmethod
    def _shows(sentence: Text, *, begins: bool) -> bool:
        shows = cues("questions", "shows")
        return shows.begins(sentence) if begins else shows.match(sentence)

    def _act(self, heard: Understood, settled: Settled, told: Setting | None, lists: list[Call]) -> Answer:
        certain = not settled.unclear and not settled.unknown and (told is None or told.certain)
        steps = with_versions(settled.steps, heard.mentions, heard.message.spoken)
        calls, said, sure = self._calls(steps, told if told is not None and told.plugin else None)
        message = heard.message
        certain = certain and sure and not (message.about_text or message.lure or message.dubious)
        certain = certain and not cues("cues", "hedges").match(heard.text)
        certain = certain and not is_cut(message.said) and not heard.passed_on
        certain = certain and not company.doubtful(heard.text, heard.reading.orders)
        if not calls:
            # What was read is so already: then something else was meant.
            if not lists and (guessed := self._guess(heard)) is not None:
                return guessed
            return Answer(tuple(lists), " ".join(said), weak=not lists)
        if certain:
            return Answer((*lists, *calls), " ".join(said))
        if settled.unclear:
            said.append(telling.which(settled.unclear[0][1]))
        return Answer(text=question(calls, said), proposed=(*lists, *calls))

    def _calls(self, steps: Sequence[Step], told: Setting | None = None) -> tuple[list[Call], list[str], bool]:
        """Return the calls that *steps* come to, in the order they were said, what there is to say, and whether all of
        it is certain.
        """
        calls: list[Call] = []
        said: list[str] = []
        certain = True
        for step in sorted(steps, key=lambda step: step.at):
            if told is not None and told.at < step.at:
                calls.append(told.call)
                told = None
            wanted, note, changed = calls_for(step, self._after(calls))
            certain = certain and (step.certain or not wanted) and not changed
            calls += [call for call in wanted if call not in calls]
            said += [note] if note else []
        calls += [told.call] if told is not None else []
        return calls, said, certain

    def _after(self, calls: Sequence[Call]) -> Standing:
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

    def _say(self, heard: Understood, settled: Settled, lists: list[Call]) -> Answer | None:
        """Answer a message that changes nothing."""
        if lists:
            return Answer(tuple(lists))
        if settled.unclear:
            return Answer(text=telling.which(settled.unclear[0][1]), choices=settled.unclear[0])
        if heard.asks("status"):
            return Answer(
                text=telling.standing_text(heard.named or self._pointed_at(heard), self._known.standing), weak=True
            )
        if _lets_be(heard):
            return Answer(text=telling.UNTOUCHED)
        if (told := self._told(heard)) is not None:
            return told
        guessed = self._guess(heard)
        if guessed is not None and any((call.plugin or "") in self._known.standing for call in guessed.proposed):
            return guessed
        if (gained := self._gain(heard)) is not None:
            return gained
        if heard.message.addresses and heard.reading.orders:
            return Answer(text=telling.FROM_REGISTRY)
        if guessed is not None:
            return guessed
        if heard.mentions and (heard.reading.cancelled or heard.reading.withdrawn):
            return Answer(text=telling.UNTOUCHED)
        if cues("settings", "verbs").match(heard.text) and cues("questions", "secrets").match(heard.text):
            return Answer(text=telling.how_to_enter(heard.named[0] if heard.named else None))
        untouched = Answer(text=telling.UNTOUCHED) if heard.reading.cancelled or heard.reading.withdrawn else None
        return self._look(heard, settled) or self._unknown(settled) or untouched

    def _told(self, heard: Understood) -> Answer | None:
        """Answer what only wants to know: what an action would do, or what a plugin is and how it stands."""
        wanting = [sentence for _, sentence in heard.asked if curious.asks(sentence)]
        if not wanting or heard.message.about_text or heard.message.quotes:
            return None
        wondered = {number for number, (_, sentence) in enumerate(heard.asked) if curious.wonders(sentence)}
        effects = [
            telling.EFFECTS[order.intent]
            for order in heard.reading.orders
            if order.sentence in wondered and order.sure and order.intent in telling.EFFECTS
        ]
        named = heard.named if len(wanting) == len(heard.asked) else []
        standing = [telling.about(name, self._known.entries.get(name), self._known.standing) for name in named]
        said = dict.fromkeys([*effects[:1], *standing])
        return Answer(text="\n".join(said), weak=True) if said else None

    def _guess(self, heard: Understood) -> Answer | None:
        """Ask about what the message probably wants of the plugins that it names."""
        if heard.message.about_text:
            return None
        ordered = any(order.given and order.sure for order in heard.reading.orders)
        # "I was told to unload it. Should I?" asks for advice, not for a setting.
        advice = cues("company", "advice").match(heard.text)
        told = setting.supposed(heard.message.said, heard.mentions, self._known) if not (ordered or advice) else None
        steps = hunch.steps(heard.text, heard.mentions, heard.reading, self._known.standing) if told is None else []
        refused = {order.intent for order in heard.reading.withdrawn if "refused" in order.doubts and not order.slots}
        steps = [step for step in steps if step.intent not in refused]  # "… install nothing for now"
        calls, said, _ = self._calls(with_versions(steps, heard.mentions, heard.message.spoken), told)
        return Answer(text=question(calls, said), proposed=tuple(calls), weak=True) if calls else None

    def _look(self, heard: Understood, settled: Settled) -> Answer | None:
        """Offer to look for a plugin that does what was asked: it is nothing that can be done without one."""
        words = o.content(heard.text)
        query = questions.query_in(heard.text, heard.names)
        if heard.message.about_text or not query or cues("hints", "chat").all_of(heard.text) or len(words) < LOOKED_FOR:
            return None
        if any(intent == "install" and said for intent, said in settled.unknown) or hunch.only_tells(heard.text):
            return None
        call = Call("list_available_plugins", {"query": query})
        unknown = self._unknown(settled)
        return Answer(text=question([call], [unknown.text if unknown else telling.HONEST]), proposed=(call,), weak=True)

    def _pointed_at(self, heard: Understood) -> Sequence[str]:
        """Return what "is it active?" asks about: the plugin that was talked about last."""
        words = {word for sentence in heard.asks("status") for word in sentence.words}
        plural = words & word_set("questions", "kinds") or "they" in words
        return self._focus[:1] if words & {"it", "that", "es", "il"} and not plural else ()

    def _unknown(self, settled: Settled) -> Answer | None:
        if not settled.unknown:
            return None
        intent, said = settled.unknown[0]
        if intent == "install" and said:
            return Answer((Call("list_available_plugins", {"query": said}),), weak=True)
        return Answer(
            text=f'I know no installed plugin called "{said}".' if said else "Which plugin do you mean?", weak=True
        )

    def _gain(self, heard: Understood) -> Answer | None:
        """Answer the wish for an ability: an installed plugin that has it, or a search for one."""
        if heard.message.about_text or heard.reading.withdrawn:
            return None
        wishes = heard.asks("gain") or [each for each in heard.asks("able") if self._known.offers(each.words)]
        if not wishes:
            return None
        query = questions.query_in(wishes[0], heard.names) or questions.query_in(heard.text, heard.names)
        best = list(self._known.search(query, 3))
        mine = [name for name in best if name in self._known.standing and not self._known.standing.is_active(name)]
        if mine:
            call = Call("activate_plugin", {"plugin_name": mine[0]})
            return Answer(
                text=question([call], [f"{mine[0]} is installed and may do that."]), proposed=(call,), weak=True
            )
        return Answer((Call("list_available_plugins", {"query": query}),), weak=True)


def _lets_be(heard: Understood) -> bool:
    """Whether a message says of all it speaks of that it is to stay: "keep it after all", "leave Signal as it is"."""
    if any(order.given for order in heard.reading.orders) or heard.asks("gain") or heard.asks("list"):
        return False
    if any(word in word_set("cues", "stays_only") for word in heard.text.words):
        return False
    keeps = heard.reading.kept or cues("cues", "keeps").match(heard.text) or cues("cues", "puts_off").match(heard.text)
    return keeps and heard.reading.spared >= set(o.slots(heard.text))


def _is_joined(order: o.Order, orders: Sequence[o.Order]) -> bool:
    """Whether something else is ordered for now."""
    return any(each.given and "later" not in each.doubts for each in orders if each is not order)


def list_call(sentence: Text, heard: Understood) -> Call:
    """Return the search that *sentence* asks for."""
    arguments: dict[str, object] = {}
    if query := questions.query_in(sentence, heard.names):
        arguments["query"] = query
    if limit := questions.limit_in(heard.message.spoken):
        arguments["limit"] = limit
    return Call("list_available_plugins", arguments)
