"""Using the active plugins' own actions: which one fits what was said, and with which arguments."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from dynamic_plugins.core import prompt_files
from dynamic_plugins.embedded.decide import Answer, Call
from dynamic_plugins.embedded.finds import Finds, Sort, find, sort_of, wanted
from dynamic_plugins.embedded.grounding import flatten, ground, lacking
from dynamic_plugins.embedded.phrases import Text, cues, read, word_set
from dynamic_plugins.embedded.request import Offered
from dynamic_plugins.tools.toolbox import ALSO_SAID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.embedded.needle import Engine
    from dynamic_plugins.embedded.request import Exchange

SEARCH, CALL = "search_plugin_actions", "call_plugin_action"
SHORTLIST = 3
"""So many tools the engine chooses from; each costs it about a quarter of a second the first time."""
TRIES = 2
SHORT = 8
"""A message of more words is not just the last one with something else in it."""
STRONG, CLEAR = 3.0, 1.0
"""The evidence of one word of an action's name, and how much less than the best still competes."""
FIRST = 1.5
"""What it counts that a message begins with the action's verb."""
CERTAIN, LIKELY = 0.15, 0.35
"""The confidence wanted from the engine with such evidence, and without."""


class Use:
    """Chooses among *tools*, which do not hold the six management tools; *choice* as in the request."""

    def __init__(self, engine: Engine, tools: Sequence[Offered], choice: str | None) -> None:
        self._engine, self._choice = engine, choice
        self._searches = any(tool.name == SEARCH for tool in tools)
        own = [tool for tool in tools if tool.name not in (SEARCH, CALL)] if choice != "none" else []
        self._tools = [replace(tool, parameters=wanted(tool.parameters)) for tool in own]
        if choice not in (None, "none", "auto", "required"):
            self._tools = [tool for tool in self._tools if tool.name == choice]

    def answer(self, said: str) -> Answer | None:
        """Return the call that *said* asks for, or a question for what it lacks; None when no tool fits."""
        said = _request_of(said, self._tools)
        if self._searches and self._choice != "none":
            return Answer((Call(SEARCH, {"query": said[:200]}),), weak=True) if _asks_for_something(said) else None
        return self._choose(said, self._tools, wrap=False)

    def again(self, said: str, before: Exchange | None) -> Answer | None:
        """Return the last call of the exchange *before* with what *said* changes of it: "and in Rome?"."""
        if before is None or not before.calls or not cues("questions", "goes_on").begins(text := read(said)):
            return None
        last, finds = before.calls[-1], find(said)
        tool = next((tool for tool in self._tools if tool.name == last.name), None)
        told = {sort: values for sort in _TYPED if (values := finds.of(sort))}
        if tool is None or len(text) > SHORT or len(told) != 1:
            return None
        (sort, values), *_ = told.items()
        properties = tool.parameters.get("properties") or {}
        places = [name for name in last.arguments if sort_of(name, flatten(properties.get(name) or {})) == sort]
        # Where it takes two of a sort, nobody can tell which is meant.
        changed = [{**last.arguments, places[0]: value} for value in values] if len(places) == 1 else []
        return Answer(tuple(Call(tool.name, arguments) for arguments in changed)) if changed else None

    def next(self, exchange: Exchange) -> Answer | None:
        """Return the call to make after a search for actions; None when there is nothing left to call."""
        last = exchange.calls[-1]
        if last.name != SEARCH or not isinstance(last.result, dict):
            return None
        found = last.result.get("actions") or []
        tools = [
            Offered(str(each.get("action")), str(each.get("description") or ""), wanted(each.get("parameters") or {}))
            for each in found
            if isinstance(each, dict)
        ]
        return self._choose(exchange.said, tools, wrap=True) or Answer(text="No action of an active plugin does that.")

    def _choose(self, said: str, tools: Sequence[Offered], *, wrap: bool) -> Answer | None:
        chosen = self._chosen(said, _ranked(said, tools))
        if chosen is None:
            return None
        tool, guessed = chosen
        arguments = ground(guessed, tool.parameters, said)
        if not wrap and (each := _one_for_each(tool, arguments, said)):
            return Answer(tuple(Call(tool.name, one) for one in each))
        if missing := lacking(arguments, tool.parameters):
            return Answer(text=f"What should {' and '.join(missing)} be for {_title(tool.name)}?")
        if wrap:
            return Answer((Call(CALL, {"action": tool.name, "arguments": json.dumps(arguments, ensure_ascii=False)}),))
        return Answer((Call(tool.name, arguments),))

    def _chosen(self, said: str, ranked: Sequence[tuple[float, Offered]]) -> tuple[Offered, dict[str, Any]] | None:
        """Return the tool and the arguments the engine fills in; the engine has the last word on whether it fits."""
        if not ranked:
            return None
        best = ranked[0][0]
        plain = [
            (tool, arguments)
            for score, tool in ranked[:SHORTLIST]
            if score >= max(STRONG, best - CLEAR) and (arguments := _plainly(said, tool)) is not None
        ]
        if len(plain) == 1:
            return plain[0]
        level = [tool for score, tool in ranked[:SHORTLIST] if score == best]
        for tools in ([level] if len(level) > 1 else []) + [
            [tool] for score, tool in ranked[:TRIES] if score >= best / 2
        ]:
            for guess in self._engine.guesses(said, [_plain(tool) for tool in tools]):
                tool = next((each for each in tools if each.name == guess.tool), None)
                needed = CERTAIN if best >= STRONG else LIKELY
                if tool is not None and not guess.negated and guess.confidence >= needed:
                    return tool, guess.arguments
        return None


_TO_A_PLUGIN = (
    r"\s*(?:please\s+)?(?:use|ask|have|let|get|tell|with)\s+(?:the\s+)?{}(?:\s+plugin)?\s*,?\s+(?:to\s+)?(?=\w)"
)


def _request_of(said: str, tools: Sequence[Offered]) -> str:
    """Return *said* without the plugin that it is put to: "use hello to greet Ada" asks for "greet Ada"."""
    for plugin in dict.fromkeys(tool.name.split("__", 1)[0] for tool in tools):
        spoken = "[ _-]".join(re.escape(part) for part in re.split(r"[_-]+", plugin.removeprefix("plugin-")))
        if found := re.match(_TO_A_PLUGIN.format(spoken), said, re.I):
            return said[found.end() :]
    return said


def _one_for_each(tool: Offered, arguments: dict[str, Any], said: str) -> list[dict[str, Any]]:
    """Return the arguments of several calls where one takes one place, or one page, and several were named."""
    sorts = {name: sort_of(name, flatten(tool.parameters["properties"][name])) for name in arguments}
    if len(sorts) != 1:
        return []
    (name, sort), *_ = sorts.items()
    values = find(said).of(sort) if sort in ("zone", "url") else ()
    return [{name: value} for value in dict.fromkeys(values)] if 1 < len(values) <= MOST else []


MOST = 5


def _plainly(said: str, tool: Offered) -> dict[str, Any] | None:
    """Return the arguments where a request plainly holds all that *tool* can be told; None where it does not.

    "What time is it in Tokyo?" names the action and the place, "echo hello" the action and the text: there is nothing
    left for the engine to find out. A story that does the same ("a good time in Tokyo") is no request.
    """
    if not _is_request(said, tool):
        return None
    properties = tool.parameters.get("properties") or {}
    sorts = {name: sort_of(name, flatten(told)) for name, told in properties.items() if isinstance(told, dict)}
    if list(sorts.values()) == ["text"]:
        text = _after_the_verb(said, tool)
        return {next(iter(sorts)): text} if text else None
    if not sorts or not all(sort in _TYPED for sort in sorts.values()):
        return None
    arguments = ground({}, tool.parameters, said)
    return None if lacking(arguments, tool.parameters) else arguments


def _is_request(said: str, tool: Offered) -> bool:
    text = read(said)
    while len(text) and text.words[0] in word_set("questions", "leads_in"):
        text = text.part(1, len(text))
    return "?" in text.words or cues("questions", "opens").begins(text) or _orders(said, tool) or _pleads(text)


def _pleads(text: Text) -> bool:
    return any(word in {"please", "pls", "plz", "bitte"} for word in text.words)


def _orders(said: str, tool: Offered) -> bool:
    """Whether *said* begins with a word of the action's name: "echo", "greet"."""
    first = _stems(said)[:1]
    return bool(first) and first[0] in _stems(tool.name.split("__", 1)[-1])


_VERB = re.compile(
    r"\s*(?:please\s+|can you\s+|could you\s+)?[^\W_]+\s*:?\s*(?:that\s+|to\s+)?"
    r"(.*?)\s*(?:,?\s*(?:please|pls|plz)[.!]?)?\s*",
    re.I | re.S,
)


def _after_the_verb(said: str, tool: Offered) -> str:
    """Return what stands after the action's own verb; empty where *said* does not begin with it."""
    found = _VERB.fullmatch(said)
    return found[1] if found and _orders(said, tool) else ""


def _ranked(said: str, tools: Sequence[Offered]) -> list[tuple[float, Offered]]:
    """Return the tools that have to do with *said*, most first."""
    finds = find(said)
    scored = [
        (found + _fit(finds, tool) + FIRST * _orders(said, tool), tool)
        for tool in tools
        if (found := evidence(said, tool)) > 0 or _serves_all(finds, tool)
    ]
    return sorted((pair for pair in scored if pair[0] > 0), key=lambda pair: -pair[0])


def _fit(finds: Finds, tool: Offered) -> float:
    """Return how well what *finds* holds serves the parameters that *tool* requires."""
    fit, left = 0.0, {sort: len(finds.of(sort)) for sort in _TYPED}
    properties = tool.parameters.get("properties") or {}
    for name in tool.parameters.get("required") or ():
        sort = sort_of(name, flatten(properties.get(name) or {}))
        if sort in left:
            fit += 1.0 if left[sort] > 0 else -1.5
            left[sort] -= 1
    # What was said and serves nothing speaks against it: two places are one too many for "the time in a place".
    return fit - 0.75 * sum(max(0, left[sort]) for sort in ("zone", "clock"))


def _serves_all(finds: Finds, tool: Offered) -> bool:
    """Whether what was said is all that *tool* requires, and enough to tell: "2 pm in Rome is what in Oslo"."""
    properties = tool.parameters.get("properties") or {}
    needed = Counter(
        sort_of(name, flatten(properties.get(name) or {})) for name in tool.parameters.get("required") or ()
    )
    told = {sort: count for sort in _TYPED if (count := len(finds.of(sort)))}
    return needed == told and needed.total() >= ENOUGH_TOLD


ENOUGH_TOLD = 3
"""So many values of the right sorts tell an action without a word of its own."""


_TYPED: tuple[Sort, ...] = ("zone", "clock", "number", "url", "path", "email")


def _plain(tool: Offered) -> dict[str, Any]:
    """Return *tool* as the engine takes it: without the plugin's name, with short texts."""
    properties = tool.parameters.get("properties") or {}
    return {
        "name": tool.name,
        # What people also say helps to choose a tool; the engine would take it for the tool's arguments.
        "description": tool.description.partition(ALSO_SAID)[0][:200],
        "parameters": {
            "type": "object",
            "properties": {key: _short(value) for key, value in properties.items() if isinstance(value, dict)},
            "required": list(tool.parameters.get("required") or ()),
        },
    }


def _short(schema: dict[str, Any]) -> dict[str, Any]:
    kept = {key: schema[key] for key in ("type", "enum", "items") if key in schema}
    if isinstance(kept.get("type"), list):
        kept["type"] = next((each for each in kept["type"] if each != "null"), "string")
    for branch in schema.get("anyOf") or ():
        if isinstance(branch, dict) and branch.get("type") not in (None, "null"):
            kept = {**{key: branch[key] for key in ("type", "enum", "items") if key in branch}, **kept}
    return {"type": "string"} | kept | {"description": str(schema.get("description") or "")[:120]}


@lru_cache(maxsize=512)
def _words_of(name: str, description: str, parameters: str) -> dict[str, float]:
    own = name.split("__", 1)
    words: dict[str, float] = {}
    for text, weight in ((parameters, 0.5), (description, 1.0), (own[0], 1.5), (own[-1], 3.0)):
        for word in _stems(text):
            words[word] = max(words.get(word, 0.0), weight)
    return words


def evidence(said: str, tool: Offered) -> float:
    """Return how much *said* and what *tool* says of itself have in common: 3 for a word of its name."""
    words = _words_of(tool.name, tool.description, " ".join(tool.parameters.get("properties") or {}))
    return sum(words.get(word, 0.0) for word in set(_stems(said)))


def _stems(text: str) -> list[str]:
    split = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text)
    stop = word_set("questions", "stop")
    words = [word.lower() for word in re.findall(r"[^\W_]+", split)]
    return [_stem(_same().get(word, word)) for word in words if word not in stop]


@cache
def _same() -> dict[str, str]:
    return {word: row[0] for row in prompt_files.table("embedded/same.toml")["rows"] for word in row}


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _title(name: str) -> str:
    return name.rsplit("__", 1)[-1].replace("_", " ")


def _asks_for_something(said: str) -> bool:
    return len(re.findall(r"\w+", said)) >= 2
