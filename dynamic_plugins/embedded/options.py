"""What could be done about a message, each with what speaks for it: the options that the arbiter chooses from."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.actions.plain_call import denies_a_value, is_plain, says_more, texts_in
from dynamic_plugins.embedded.arbiter import Option
from dynamic_plugins.embedded.managing.decide import ASKS_FOR, Answer, Call, plain_name, question
from dynamic_plugins.embedded.managing.not_now import orders_nothing_now, why_nothing_now
from dynamic_plugins.embedded.managing.order_doubts import DOUBT, STANDING
from dynamic_plugins.embedded.managing.use_phrase import begins_with_action

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.actions.call_proposals import Proposal
    from dynamic_plugins.embedded.managing.dialogue import Understood
    from dynamic_plugins.embedded.mixed_order import MixedOrder
    from dynamic_plugins.embedded.replies.about import About

MOST_USES = 5
"""So many proposals of actions are weighed."""
LACKING, MAY_BE_ASKED = 0.6, 0.5
"""A question for what the likeliest call lacks is at least so much as likely right as that call is the one, where the
message orders something so likely, in a verb of it: in dialogues people mostly say all at once."""
SURELY_USED = 0.8
"""So likely must what a message wants of what is active be for it to be more than what it wants of plugins."""
_WORD = re.compile(r"[^\W_]+")
_SURELY = frozenset({"whole", "exact", "alias", "part", "ambiguous"})
_GROUPS = {
    "abilities": "self", "able": "able", "about": "about", "advice": "advice", "compare": "about", "concept": "self",
    "cost": "about", "effects": "advice", "feature": "about", "history": "self", "how": "self", "leave": "talk",
    "origin": "about", "remark": "talk", "safety": "about", "self": "self", "settings": "about", "status": "self",
    "trouble": "about", "unknown": "unknown", "bye": "talk", "greeting": "talk", "thanks": "talk",
}  # fmt: skip


@dataclass(frozen=True)
class Situation:
    """A message, how it was understood, and what was asked just before."""

    understood: Understood
    told: About | None
    asked_before: bool
    has_tools: bool

    def features(self) -> dict[str, float]:
        """Return what does not depend on an option."""
        reading, said = self.understood.reading, self.understood.said
        words = _WORD.findall(said)
        found = {f"act_{label}": share for label, share in reading.act.all.items()}
        found |= {f"mood_{label}": share for label, share in reading.mood.all.items()}
        found |= {
            "bias": 1.0,
            "ordered": reading.ordered,
            "question": float(said.rstrip().endswith(("?", "\uff1f"))),
            "words": min(len(words), 30) / 10,
            "short": float(len(words) <= 3),
            "asked_before": float(self.asked_before),
            "tools": float(self.has_tools),
            "told": self.told.probability if self.told is not None else 0.0,
            "elsewhere": float(self.told is not None and self.told.elsewhere),
        }
        if self.told is not None:
            found[f"kind_{_GROUPS.get(self.told.kind, 'other')}"] = self.told.probability
        for state in ("on", "off", "new"):
            mine = [one for one in reading.plugins if one.state == state and one.link.kind in _SURELY]
            found[f"names_{state}"] = float(any(one.link.named for one in mine))
            found[f"meant_{state}"] = max((one.meant for one in mine), default=0.0)
        return found

    def beside(self, own: dict[str, float]) -> dict[str, float]:
        """Return the features of an option: those of the situation and its *own*."""
        return {name: value for name, value in (self.features() | own).items() if value}


def manage_option(here: Situation, managed: Answer, *, first: bool = True) -> Option:
    """Return the option of doing what the message wants of plugins; not *first*, what it may want as well."""
    calls = managed.calls or managed.proposed
    asked = Answer(text=question(calls), proposed=calls) if managed.calls else managed
    done = Answer(calls, managed.text if managed.calls else "") if calls else managed
    own = {
        "first": float(first),
        "certain": float(bool(managed.calls)),
        "weak": float(managed.weak),
        "choices": float(managed.choices is not None),
        "doubtful": float(managed.doubtful),
        "noted": float(not calls and managed.choices is None),
        "several": float(len(calls) > 1),
        "likely": managed.probability,
        "odds": _odds(managed.probability) / 4,
        **{f"tool_{call.tool.partition('_')[0]}": 1.0 for call in calls},
        **{f"e_{name}": value for name, value in managed.evidence.items()},
    }
    features = here.beside(own)
    return Option(
        "manage",
        done,
        asked,
        features,
        changing=bool(calls),
        doubtful=managed.doubtful,
        outweighed=_may_be_outweighed(managed),
        likely=managed.probability,
    )


def _may_be_outweighed(managed: Answer) -> bool:
    """Whether nothing but an aside speaks against *managed*, which is what was said, in full, and removes nothing."""
    told = managed.evidence
    against = {name.removeprefix(DOUBT) for name in told if name.startswith(DOUBT)}
    is_sure = told.get("sure") and not told.get("changed") and told.get("settings") == told.get("settings_sure")
    removes = any(call.arguments.get("uninstall") for call in managed.proposed)
    return bool(against and is_sure) and not against & STANDING and not removes


def mixed_option(here: Situation, mixed: MixedOrder) -> Option:
    """Return the option of doing what the parts of the message want, some of plugins and some of what is active."""
    own = {
        "mixed": 1.0,
        "likely": mixed.used,
        "mixed_managed": mixed.managed,
        "mixed_certain": float(mixed.certain),
        "mixed_left_out": float(mixed.left_out),
        "changing": float(mixed.changing),
        "several": float(len(mixed.calls) > 2),
        **{f"tool_{call.tool.partition('_')[0]}": 1.0 for call in mixed.calls if call.plugin},
    }
    asked = Answer(text=question(mixed.calls), proposed=mixed.calls)
    return Option(
        "mixed",
        Answer(mixed.calls),
        asked,
        here.beside(own),
        changing=True,
        doubtful=mixed.doubtful or orders_nothing_now(here.understood.said),
        likely=min(mixed.used, mixed.managed),
        whole=mixed.used >= SURELY_USED,
        sure=mixed.certain and mixed.sure,
    )


def use_options(here: Situation, proposals: Sequence[Proposal]) -> list[Option]:
    """Return the options of calling active plugins' actions, or of asking for what one lacks."""
    weighed = list(proposals[:MOST_USES])
    # Several calls at once rank behind each of them alone; the likeliest are weighed all the same.
    weighed += [each for each in proposals[MOST_USES:] if len(each.calls) > 1][:1]
    return [_use(here, each, rank) for rank, each in enumerate(weighed)]


def _use(here: Situation, proposal: Proposal, rank: int) -> Option:
    calls = tuple(Call(name, arguments) for name, arguments in proposal.calls)
    reading, plugin = here.understood.reading, proposal.calls[0][0].rpartition("__")[0]
    named = {one.link.names[0] for one in reading.plugins if one.link.named and one.link.kind in _SURELY}
    own = {
        "likely": proposal.probability,
        "odds": _odds(proposal.probability) / 4,
        "changing": float(proposal.changing),
        "missing": float(bool(proposal.missing)),
        "several": float(len(calls) > 1),
        f"rank{rank}": 1.0,
        "spelled": float(begins_with_action(here.understood.said, proposal.calls[0][0])),
        "named": float(any(plain_name(plugin) in plain_name(name) for name in named)),
        "other_named": float(bool(named) and not any(plain_name(plugin) in plain_name(name) for name in named)),
    }
    own |= {f"c_{name}": value for name, value in proposal.features.items()}
    why = why_nothing_now(here.understood.said, texts_in(proposal)) if proposal.changing else ""
    if why:
        own[f"e_{DOUBT}{why}"] = 1.0
    if proposal.changing:
        own |= {"changing_ordered": reading.ordered, "changing_asks": float("?" in here.understood.said)}
    if proposal.missing:
        text = ask_for(proposal)
        asked = Answer(text=text)
        tool = proposal.calls[0][0]
        worded = bool(proposal.features.get("r_verb_any"))
        first = worded and not proposal.features.get("place") and reading.ordered >= MAY_BE_ASKED
        least = LACKING * proposal.features.get("among", 0.0) if first else 0.0
        return Option("use", asked, asked, here.beside(own), likely=proposal.probability, asks_for=tool, least=least)
    return Option(
        "use",
        Answer(calls),
        Answer(text=question(calls), proposed=calls),
        here.beside(own),
        changing=proposal.changing,
        doubtful=bool(why)
        or (proposal.changing and (proposal.substituted or denies_a_value(here.understood.said, proposal))),
        likely=proposal.probability,
        spelled=bool(own["spelled"]) and not says_more(here.understood.said, proposal),
        plain=proposal.changing and is_plain(here.understood.said, proposal),
    )


def search_option(here: Situation, search: Call, *, explicit: bool) -> Option:
    """Return the option of searching the registry."""
    return Option(
        "search",
        Answer((search,)),
        Answer(text=question((search,)), proposed=(search,)),
        here.beside({"explicit": float(explicit)}),
    )


def words_option(here: Situation, answer: Answer) -> Option:
    """Return the option of saying *answer* and doing nothing."""
    return Option("words", answer, answer, here.beside({}))


def use_search_option(here: Situation, looked: Answer) -> Option:
    """Return the option of searching among the active plugins' actions, as likely as the message uses one."""
    likely = here.understood.reading.act.all.get("use", 0.0)
    return Option("use", looked, looked, here.beside({"looked": 1.0}), likely=likely, share=likely)


def ask_for(proposal: Proposal) -> str:
    """Ask for the first parameter that *proposal* lacks."""
    tool, missing = proposal.calls[0][0], proposal.missing[0].replace("_", " ")
    plugin, _, action = tool.rpartition("__")
    return f"{ASKS_FOR} {missing} be for {action or tool}{f' of {plugin}' if plugin else ''}?"


def _odds(probability: float) -> float:
    held = min(max(probability, 0.01), 0.99)
    return math.log(held / (1 - held))
