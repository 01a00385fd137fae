"""The answer to each kind of question about plugins and about the program itself, made from what is known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.replies import answers, courtesy, explanations
from dynamic_plugins.embedded.replies.action_nature import first_sentence, nature
from dynamic_plugins.embedded.replies.plugin_facts import FITTING
from dynamic_plugins.embedded.replies.result_text import listed

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_plugins.embedded.replies.action_nature import Ability
    from dynamic_plugins.embedded.replies.plugin_facts import Facts
    from dynamic_plugins.embedded.replies.question_kinds import Kind

NOTHING_DOES_THAT = "Nothing that is installed does that, as far as I can tell."


@dataclass(frozen=True)
class Asked:
    """A question: what was said, the plugins it speaks of, and what is known."""

    said: str
    subjects: tuple[str, ...]
    facts: Facts
    turn: int

    @property
    def subject(self) -> str | None:
        return self.subjects[0] if self.subjects else None


def able_here(asked: Asked) -> bool:
    """Whether a plugin that is installed could do what is asked for."""
    if asked.subject is not None:
        return asked.subject in asked.facts.plugins
    return any(score >= FITTING for score, _ in asked.facts.fitting(asked.said))


def missing_plugin(asked: Asked) -> str:
    """Return which plugin would do what is ordered, where that is installed and off; else nothing."""
    fitting = [one.plugin for score, one in asked.facts.fitting(asked.said) if score >= FITTING]
    for name in [*asked.subjects, *fitting[:1]]:
        if name in asked.facts.plugins and not asked.facts.is_on(name):
            return _could(name, asked.facts)
    return ""


# ---------------------------------------------------------------- plugins


def _status(asked: Asked) -> str:
    if not asked.subjects:
        return asked.facts.overview()
    told = [asked.facts.status_of(name) for name in asked.subjects]
    if len(told) == 1 and (name := asked.subject) in asked.facts.plugins and not asked.facts.is_on(name or ""):
        told.append(_next(name or "", asked.facts))
    return " ".join(told)


def _next(name: str, facts: Facts) -> str:
    """Return what starts the installed plugin *name*."""
    if facts.plugins[name].missing:
        return f"Type: dynamic-plugins configure {name}"
    return f'Say "switch {name} on" to start it.'


def _about(asked: Asked) -> str:
    if not asked.subjects:
        return _feature(asked)
    return "\n".join(_one(name, asked.facts) for name in asked.subjects)


def _one(name: str, facts: Facts) -> str:
    described = facts.described(name)
    said = f"{name}: {described}" if described else f"The registry does not say what {name} is for."
    found = [one.action for one in facts.abilities(name)]
    shown = (
        f" Its actions: {listed(found) if len(found) <= 6 else ', '.join(found[:6]) + f' and {len(found) - 6} more'}."
    )
    stands = f"It is {facts.standing(name)}." if name in facts.plugins else f'Say "install {name}" to have it.'
    return f"{said}{shown if found else ''} {stands}"


def _abilities(asked: Asked) -> str:
    facts = asked.facts
    if asked.subjects:
        return "\n\n".join(f"{name} is {facts.standing(name)}. {facts.actions_text(name)}" for name in asked.subjects)
    on = [name for name in facts.plugins if facts.is_on(name)]
    off = [name for name in facts.plugins if not facts.is_on(name)]
    lines = [f"- {name}: {facts.described(name) or 'on'}" for name in on]
    said = (
        ["With what is on, I can use:", *lines] if on else ["No plugin is on, so there is nothing yet that I can use."]
    )
    if off:
        said.append(f"Installed and off: {listed(off)}.")
    return "\n".join([*said, explanations.WHAT_I_DO])


def _feature(asked: Asked) -> str:
    """Tell the action that a question is about, by its description."""
    facts = asked.facts
    fitting = facts.fitting(asked.said, asked.subjects or None)
    best = _mentioned(asked) or [one for score, one in fitting if score >= FITTING and one.action][:1]
    if best:
        one = best[0]
        described = first_sentence(one.description) or "it has no description"
        verb = {"changes": "It changes something; more", "reads": "By its name it only reads; more", "": "More"}
        stands = "" if facts.is_on(one.plugin) else f" {one.plugin} is {facts.standing(one.plugin)}."
        return f"{one.action} of {one.plugin}: {described}. {verb[nature(one)]} than that is not known of it.{stands}"
    if asked.subject is None:
        return courtesy.unknown(asked.said, asked.turn)
    known = "\n".join(_one(name, facts) for name in asked.subjects)
    return f"{known} More than that I do not know of it."


def _mentioned(asked: Asked) -> list[Ability]:
    """Return the action that the message names."""
    words = _plain(asked.said)
    every = [one for name in asked.facts.plugins for one in asked.facts.abilities(name)]
    found = [one for one in every if one.action and _plain(one.action) in words]
    return sorted(found, key=lambda one: -len(one.action))[:1]


def _plain(text: str) -> str:
    """Return the words of *text* in lower case, between single spaces."""
    words = re.findall(r"[^\W_]+", text.lower())
    return f" {' '.join(words)} "


def _safety(asked: Asked) -> str:
    if not asked.subjects:
        return explanations.SAFETY
    return "\n\n".join(asked.facts.safety(name) for name in asked.subjects[:2])


def _origin(asked: Asked) -> str:
    if not asked.subjects:
        versions = [f"{name} {plugin.version}".rstrip() for name, plugin in asked.facts.plugins.items()]
        return f"Installed: {listed(versions)}." if versions else asked.facts.overview()
    told = [f"{asked.facts.status_of(name)} {asked.facts.source(name)}" for name in asked.subjects]
    mine = [name for name in asked.subjects if name in asked.facts.plugins]
    newer = [f"A newer version, if there is one, comes with: dynamic-plugins update {mine[0]}"] if mine else []
    return " ".join([*told, *newer])


def _settings(asked: Asked) -> str:
    if asked.subjects:
        return "\n\n".join(asked.facts.settings(name) for name in asked.subjects)
    lacking = [asked.facts.status_of(name) for name, plugin in asked.facts.plugins.items() if plugin.missing]
    return " ".join(lacking) or 'Nothing is missing. For one plugin, ask: "what is NAME set to?"'


def _history(asked: Asked) -> str:
    facts = asked.facts
    done = facts.history()
    if asked.subjects:
        mine = [each for each in done if any(name in each for name in asked.subjects)]
        standing = " ".join(facts.status_of(name) for name in asked.subjects)
        told = f"In this conversation I {listed(mine)}." if mine else "In this conversation I did nothing with it."
        return f"{standing} {told} What happened before, or by whose hand, I cannot see."
    if not done:
        return f"In this conversation nothing has been done yet. {facts.overview()}"
    return f"In this conversation I {listed(done[-8:])}."


def _trouble(asked: Asked) -> str:
    failed = [call for call in asked.facts.calls() if answers.error_of(call) is not None]
    if failed and (error := answers.error_of(failed[-1])) is not None:
        return (
            f"{answers.action_of(failed[-1])} failed last. {answers.error_text(error, answers.plugin_of(failed[-1]))}"
        )
    if not asked.subjects:
        return f"Nothing has failed in this conversation. {explanations.DOCTOR}"
    told = " ".join(asked.facts.status_of(name) for name in asked.subjects)
    return f"{told} I know of no failure in this conversation. {explanations.DOCTOR}"


def _cost(asked: Asked) -> str:
    if not asked.subjects:
        return explanations.COST
    parts = []
    for name in asked.subjects:
        entry = asked.facts.entries.get(name)
        secrets = [each.name for each in (entry.variables if entry else ()) if each.secret]
        parts.append(f"What {name} costs, the registry does not say.")
        if secrets:
            parts.append(
                f"It needs {listed(secrets)}, so an account with its service; its prices are to be found there."
            )
    return " ".join(parts)


def _compare(asked: Asked) -> str:
    names = asked.subjects
    if not names:
        return courtesy.unknown(asked.said, asked.turn)
    said = "\n".join(_one(name, asked.facts) for name in names)
    return f"{said}\nWhich of them suits you better, I cannot judge." if len(names) > 1 else said


def _advice(asked: Asked) -> str:
    if not asked.subjects:
        return _feature(asked)
    said = "\n".join(_one(name, asked.facts) for name in asked.subjects)
    return f"{said}\nWhether to is for you to decide; I change nothing until you say so."


def _effects(asked: Asked) -> str:
    return explanations.effects(asked.said, asked.subject)


def _how(asked: Asked) -> str:
    return explanations.how(asked.said, asked.subject)


def _able(asked: Asked) -> str:
    """Tell which plugin could do what is asked for: one that is on, one that is off, one of the registry."""
    facts = asked.facts
    if (name := asked.subject) is not None:
        return _could(name, facts)
    fitting = [one for score, one in facts.fitting(asked.said) if score >= FITTING]
    if fitting:
        return _could(fitting[0].plugin, facts)
    entry = facts.in_registry(asked.said)
    found = facts.by_meaning(asked.said) or (entry.name if entry is not None else None)
    if found is not None:
        return _could(found, facts) if found in facts.plugins else f"Not with what is installed. {_could(found, facts)}"
    return NOTHING_DOES_THAT


def _could(name: str, facts: Facts) -> str:
    described = facts.described(name)
    if facts.is_on(name):
        return f"Yes, with {name}, which is on. {described}".rstrip()
    if name in facts.plugins:
        told = [f"{name} could: it is {facts.standing(name).rstrip('.')}.", described, _next(name, facts)]
        return " ".join(part for part in told if part)
    return f'There is {name}: {described} Say "install {name}" to have it.' if described else f"There is {name}."


def _unknown(asked: Asked) -> str:
    """Say honestly that there is no answer; name an installed plugin that is off where it looks like the one for it."""
    for score, one in asked.facts.fitting(asked.said)[:1]:
        if score >= 2 * FITTING and not asked.facts.is_on(one.plugin):
            return _could(one.plugin, asked.facts)
    return courtesy.unknown(asked.said, asked.turn)


def _remark(asked: Asked) -> str:
    for score, one in asked.facts.fitting(asked.said)[:1]:
        if score >= 2 * FITTING and not asked.facts.is_on(one.plugin):
            return _could(one.plugin, asked.facts)
    return courtesy.remark(asked.said, asked.turn)


def _leave(asked: Asked) -> str:
    names = [name for name in asked.subjects if name in asked.facts.plugins]
    return (
        f"All right, {listed(names)} {'stays as it is' if len(names) == 1 else 'stay as they are'}."
        if names
        else ("All right, nothing is changed.")
    )


ANSWERS: dict[Kind, Callable[[Asked], str]] = {
    "abilities": _abilities,
    "able": _able,
    "about": _about,
    "advice": _advice,
    "bye": lambda asked: courtesy.goodbye(asked.said),
    "compare": _compare,
    "concept": lambda _: explanations.CONCEPT,
    "cost": _cost,
    "effects": _effects,
    "feature": _feature,
    "greeting": lambda asked: courtesy.greeting(asked.said, asked.turn == 0),
    "history": _history,
    "how": _how,
    "leave": _leave,
    "origin": _origin,
    "remark": _remark,
    "safety": _safety,
    "self": lambda asked: courtesy.myself(asked.said, asked.turn),
    "settings": _settings,
    "status": _status,
    "thanks": lambda asked: courtesy.thanks(asked.said),
    "trouble": _trouble,
    "unknown": _unknown,
}
