"""Texts among a tool's arguments, by the words that the trained model takes for them, beside what the rules took."""

from __future__ import annotations

import math
import re
from heapq import nlargest
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.language.action_words import fillers
from dynamic_plugins.embedded.language.free_text import unquoted
from dynamic_plugins.embedded.learned.encoder_heads import ends_of
from dynamic_plugins.embedded.slots.span_features import TEXTUAL, Features, Ruled, Slot, Words, words_of_text
from dynamic_plugins.embedded.slots.text_spans import MOST_WORDS, Run, runs
from dynamic_plugins.text.tokenizer import readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dynamic_plugins.embedded.context.message import Filled, Message
    from dynamic_plugins.embedded.context.request import Offered
    from dynamic_plugins.embedded.values.parameters import Parameter

LIKELY, SURE = 0.5, 0.8
"""From so likely on a run of words is taken, and counts as said rather than guessed."""
LIKELIER = 0.25
"""From so likely on it takes the place of what the rules only guessed, where that is less likely."""
CARRIES = 0.75
"""So likely must it be to take the place of what an earlier turn gives."""
GIVES_NONE = 0.7
"""So likely it must be that nothing was said for what the rules only guessed to be dropped."""
SECOND = 0.12
"""So likely, beside the likeliest, other words are worth weighing too."""
MOST_SLOTS = 6
MOST_OF_A_NAME = 4
"""So many words has a place, an id or a path at most, where the rules know none."""
_KEPT = 4
MOST_ADJECTIVES = 2
"""So many words stand between a number and what it counts."""
_MOST_DESCRIBED = 120
_RULED_BY_FORM = frozenset({"path", "city", "id", "branch", "glob"})
"""What is told by its form: the model is asked only where the rules found nothing."""


def slots_of(parameters: Sequence[Parameter], above: tuple[str, ...] = ()) -> list[Slot]:
    """Return the texts that *parameters* take, those inside of objects too."""
    found: list[Slot] = []
    for p in parameters:
        path = (*above, p.name)
        if p.role == "list" and p.items.fields:
            found += slots_of(p.items.fields, path)
        elif p.role == "list" and p.items.role in TEXTUAL:
            found.append(Slot(path, p.name, p.items.role, True, p.required))
        elif p.role == "object":
            found += slots_of(p.fields, path)
        elif p.role in TEXTUAL:
            found.append(Slot(path, p.name, p.role, False, p.required))
    return found


_HEADINGS = frozenset({"title", "subject", "heading"})
"""Names of parameters whose value is one line."""


def asked_by(tool: Offered, slot: Slot) -> str:
    """Return what *tool* asks for with *slot*, in words: the parameter, the action, and how it is described."""
    described, schema = "", tool.parameters
    for name in slot.path:
        while schema.get("type") == "array":
            schema = schema.get("items") or {}
        schema = (schema.get("properties") or {}).get(name) or {}
        described = schema.get("description") or described
    words = " ".join(_in_words(name) for name in slot.path)
    asked = f"{words} of {_in_words(tool.name.rpartition('__')[2])}"
    return f"{asked}: {described[:_MOST_DESCRIBED]}" if described else asked


def _in_words(name: str) -> str:
    return readable(name).replace("-", " ").lower()


def ruled_of(slot: Slot, text: str, filled: Filled) -> Ruled:
    """Return what the rules took for the value of *slot*."""
    values = [str(value) for value in values_at(filled.arguments, slot.path) if isinstance(value, str)]
    spans = {m.span() for value in values if value.strip() for m in re.finditer(re.escape(value.strip()), text, re.I)}
    if len(values) > 1 and spans:
        spans.add((min(start for start, _ in spans), max(end for _, end in spans)))
    top = slot.path[0]
    how = next((how for how in ("said", "guessed", "carried") if top in getattr(filled, how)), "other")
    return Ruled(frozenset(spans), how, bool(values))


def values_at(arguments: Any, path: Sequence[str]) -> list[Any]:
    """Return the values that *path* leads to, those of each object of a list."""
    found = [arguments]
    for name in path:
        inner = [each[name] for each in found if isinstance(each, dict) and name in each]
        found = [value for each in inner for value in (each if isinstance(each, list) else [each])]
    return found


def correct(
    tool: Offered, parameters: Sequence[Parameter], message: Message, filled: Filled, *, likeliest: bool = True
) -> bool:
    """Set the texts among *filled*'s arguments right, where the model is surer of other words than the rules.

    Without *likeliest* the second likeliest words are taken; the answer is whether there are any.
    """
    slots, words = slots_of(parameters), words_of_text(message.text)
    if not slots or len(slots) > MOST_SLOTS or not 0 < words.size <= MOST_WORDS:
        return False
    names = [slot.name for slot in slots]
    action = tool.name.rpartition("__")[2]
    ruled = [ruled_of(slot, message.text, filled) for slot in slots]
    found = [
        runs(
            Features(words, slot, names, action, rule),
            _KEPT,
            ends_of(message.text, asked_by(tool, slot)),
            in_a_line=slot.role == "name" or slot.name in _HEADINGS,
        )
        for slot, rule in zip(slots, ruled, strict=True)
    ]
    numbers = _numbers(parameters, filled)
    counts = {value.start: value.end for value in message.values.of("number") if value.value in numbers}
    if (apart := _apart(found, likeliest=likeliest)) is None:
        return False
    chosen = [
        _from_count(bare, words, counts) if slot.role == "name" else bare
        for bare, slot in zip((_without_count(run, words, counts) for run in apart), slots, strict=True)
    ]
    told = {slot: (run, message.text[words.starts[run.start] : words.ends[run.end - 1]] if run.end else "", rule)
            for slot, run, rule in zip(slots, chosen, ruled, strict=True)}  # fmt: skip
    for p in parameters:
        mine = {slot: each for slot, each in told.items() if slot.path[0] == p.name}
        if len(mine) == 1 and len(next(iter(mine)).path) == 1:
            slot, (run, value, rule) = next(iter(mine.items()))
            _set(filled, slot, run, value, rule)
        elif mine and p.role == "list":
            _set_object(filled, p, mine)
    _give_back_numbers(parameters, message, filled, slots)
    _give_back_parts(filled, slots)
    for run, _, _ in told.values():
        if run.end:
            filled.used.append((words.starts[run.start], words.ends[run.end - 1]))
    filled.likely = [
        run.probability if run != bare and bare.end else _likelihood(slot, runs_of, words, filled)
        for slot, runs_of, run, bare in zip(slots, found, chosen, apart, strict=True)
    ]
    return True


def _likelihood(slot: Slot, found: Sequence[Run], words: Words, filled: Filled) -> float:
    """Return how likely the model finds what *slot* got in the end, or that it got nothing."""
    values = [value for value in values_at(filled.arguments, slot.path) if isinstance(value, str)]
    if not values:
        return next((run.probability for run in found if not run.end), 0.0)
    told = " ".join(_bare_words(" ".join(values)))
    texts = ((run, words.text[words.starts[run.start] : words.ends[run.end - 1]]) for run in found if run.end)
    return sum(run.probability for run, text in texts if " ".join(_bare_words(text)) == told)


def _bare_words(text: str) -> list[str]:
    return [word for word in re.findall(r"\w+", text.casefold()) if word not in ("and", "und", "y", "et", "e")]


def _numbers(parameters: Sequence[Parameter], filled: Filled) -> list[Any]:
    return [filled.arguments[p.name] for p in parameters if p.role == "number" and p.name in filled.arguments]


def _without_count(run: Run, words: Words, counts: Mapping[int, int]) -> Run:
    """Return *run* without a number at its beginning that is another argument: the "deux" of "deux baguettes"."""
    counted = run.end - run.start > 1 and words.starts[run.start] in counts
    return run._replace(start=run.start + 1) if counted else run


def _from_count(run: Run, words: Words, counts: Mapping[int, int]) -> Run:
    """Return *run* with the words between it and its number: of "4 clear umbrellas" the item is no umbrellas alone."""
    for before in range(1, MOST_ADJECTIVES + 2):
        at = run.start - before
        if not run.end or at < 0:
            break
        if (end := counts.get(words.starts[at])) is not None:
            between = [k for k in range(at, run.start) if words.starts[k] >= end]
            plain = all(words.plain[k].isalpha() and words.plain[k] not in fillers() for k in between)
            return run._replace(start=between[0]) if between and plain else run
    return run


def _give_back_numbers(
    parameters: Sequence[Parameter], message: Message, filled: Filled, slots: Sequence[Slot]
) -> None:
    """Take back the numbers that stand in the middle of a text: the 375 of a title is the number of no issue."""
    values = [value for slot in slots for value in values_at(filled.arguments, slot.path) if isinstance(value, str)]
    texts = [found.span() for value in values if value for found in re.finditer(re.escape(value), message.text)]
    for p in parameters:
        value = filled.arguments.get(p.name)
        if p.role != "number" or p.name not in filled.said:
            continue
        spots = [number.start for number in message.values.of("number") if number.value == value]
        if spots and all(any(start < spot < end for start, end in texts) for spot in spots):
            del filled.arguments[p.name]
            filled.said.discard(p.name)


def _give_back_parts(filled: Filled, slots: Sequence[Slot]) -> None:
    """Take back a guess at a text that need not be given, where it is words of another text: "ask Carla for the murky
    videos" has no title "murky".
    """
    texts = {slot.name: filled.arguments.get(slot.name) for slot in slots if len(slot.path) == 1 and not slot.many}
    for slot in slots:
        mine = texts.get(slot.name)
        if slot.required or slot.name not in filled.guessed or not isinstance(mine, str):
            continue
        others = (text for name, text in texts.items() if name != slot.name and isinstance(text, str))
        if any(mine != text and mine in text for text in others):
            del filled.arguments[slot.name]
            filled.guessed.discard(slot.name)


def _apart(found: Sequence[Sequence[Run]], *, likeliest: bool = True) -> list[Run] | None:
    """Return a run for each slot, together the likeliest of those that do not share words; else the second likeliest,
    None where that is far less likely.
    """

    def shares(choice: tuple[Run, ...]) -> bool:
        held = sorted((run.start, run.end) for run in choice if run.end)
        return any(one[1] > other[0] for one, other in pairwise(held))

    def likely(choice: Iterable[Run]) -> float:
        return math.prod(max(run.probability, 1e-9) for run in choice)

    with_none = [[*runs_of, Run(0, 0, 1e-6)] for runs_of in found]
    choices: list[tuple[Run, ...]] = [choice for choice in product(*with_none) if not shares(choice)]
    if likeliest:
        return list(max(choices, key=likely))
    best, *others = nlargest(2, choices, key=likely)
    return list(others[0]) if others and likely(others[0]) >= SECOND * likely(best) else None


def _set(filled: Filled, slot: Slot, run: Run, value: str, rule: Ruled) -> None:
    name = slot.path[0]
    if not run.end:
        if rule.given and rule.how == "guessed" and run.probability >= GIVES_NONE:
            del filled.arguments[name]
            filled.guessed.discard(name)
        return
    if slot.role in _RULED_BY_FORM and (rule.given or run.probability < SURE or run.end - run.start > MOST_OF_A_NAME):
        return
    same = rule.given and _is_same(filled.arguments.get(name), value)
    if rule.given and not rule.spans and _is_part(value, filled.arguments.get(name)):
        return  # "Hatch" for the "Deputy Hatch" that is known
    least = {"carried": CARRIES, "said": CARRIES, "guessed": LIKELIER}.get(rule.how, LIKELY)
    if run.probability < least and not same:
        return
    if same and rule.how == "said":
        return
    if not same:
        filled.arguments[name] = _parts(value) if slot.many else unquoted(value).rstrip() or value
    for how in (filled.said, filled.guessed, filled.carried):
        how.discard(name)
    (filled.said if run.probability >= SURE else filled.guessed).add(name)


def _set_object(filled: Filled, p: Parameter, told: Mapping[Slot, tuple[Run, str, Ruled]]) -> None:
    """Set the texts of the one object that a list holds; several are left to the rules."""
    present = filled.arguments.get(p.name)
    if isinstance(present, list) and len(present) > 1:
        return
    one: dict[str, Any] = dict(present[0]) if isinstance(present, list) and present else {}
    carried = p.name in filled.carried
    for slot, (run, value, rule) in told.items():
        if len(slot.path) != 2:
            return
        field = slot.path[1]
        if not rule.spans and one.get(field) and value and _is_part(value, one[field]):
            continue
        if run.end and run.probability >= (CARRIES if carried and field in one else LIKELY):
            one[field] = _facts(value) if slot.many else unquoted(value)
        elif slot.many and field not in one:
            one[field] = []
    if any(slot.required and not slot.many and not one.get(slot.path[1]) for slot in told):
        return
    if not any(one.get(slot.path[1]) for slot in told) or (present and one == present[0]):
        return
    filled.arguments[p.name] = [one]
    least = min((run.probability for run, _, _ in told.values() if run.end), default=0.0)
    for how in (filled.said, filled.guessed, filled.carried):
        how.discard(p.name)
    (filled.said if least >= SURE else filled.guessed).add(p.name)


def _is_same(argument: Any, value: str) -> bool:
    given = argument if isinstance(argument, list) else [argument]
    return [str(each).rstrip(".").lower() for each in given] == [value.rstrip(".").lower()]


def _is_part(value: str, argument: Any) -> bool:
    return any(value.lower() in str(each).lower() for each in (argument if isinstance(argument, list) else [argument]))


def _parts(text: str) -> list[str]:
    """Return the things that *text* lists: "lemons, limes and tonic"."""
    parts = re.split(r"\s*[,;]\s*(?:and |und |y |et |e |en )?|\s+(?:and|und|y|et|&)\s+", text)
    return [unquoted(part) for part in parts if part.strip()]


def _facts(text: str) -> list[str]:
    """Return what *text* says, in the parts that are marked off by semicolons or are quoted one by one."""
    if quoted := re.findall(r"[\"“„«]([^\"“”„«»]+)[\"”“»]", text):
        return quoted
    return [unquoted(part) for part in re.split(r"\s*;\s+", text) if part.strip()]
