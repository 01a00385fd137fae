"""What the intent model sees of a message: words and letters around each plugin, and how that plugin stands.

Every feature is a short text; the model hashes it. A plugin's own name never reaches it: the place where the plugin in
question is called is ``PLUGX``, that of any other ``OTHER``, so that what is learnt of one plugin holds for all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from dynamic_plugins.text.tokenizer import words_and_marks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dynamic_plugins.resolver.linker import Link

State = Literal["on", "off", "new"]
"""A plugin is active, installed and not active, or not installed."""

MOST_CHARACTERS = 600
"""What of a message is read; more was pasted."""
MOST_OTHER_WORDS = 40

_DIGITS = re.compile(r"\d+")
_ENDS = frozenset(".!?;,\n:")
_SENTENCE_ENDS = frozenset(".!?")
_SURE = frozenset({"whole", "part", "exact", "ambiguous", "alias"})
_ME, _ANOTHER = "\x01", "\x02"


def plugin_features(text: str, links: Sequence[Link], at: int, states: Sequence[State]) -> list[str]:
    """Return the features of ``links[at]`` in *text*; *states* are those of the links' plugins."""
    link, state = links[at], states[at]
    words = _masked(text, links, at)
    me = words.index("PLUGX") if link.named and "PLUGX" in words else None
    begin, end = _sentence(words, me)
    near = words[begin:end]
    found = [f"bias|{state}", *link_features(links, at, states), f"len={min(8, len(words) // 4)}"]
    found += (f"w={gram}" for size in (1, 2, 3) for gram in _grams(near, size))
    found += (f"w={gram}|{state}" for size in (1, 2) for gram in _grams(near, size))
    # Of the other sentences only the words: a long message is no less an order for its stories.
    found += (f"o={word}" for word in (*words[:begin], *words[end:])[:MOST_OTHER_WORDS])
    if "?" in near:
        found.append(f"q|{state}")
    if near:
        found += [f"last={near[-1]}", f"first={' '.join(near[:2])}", f"at={begin == 0}|{end == len(words)}"]
    if me is not None:
        found += _around(words, me, state)
    if link.context:
        found += _context_features(link, state, near)
    line = f" {' '.join(near)} "
    found += (f"g{size}={line[k : k + size]}" for size in (3, 4, 5) for k in range(len(line) - size + 1))
    return found


def _context_features(link: Link, state: State, near: Sequence[str]) -> Iterator[str]:
    """Give how the turn before spoke of the plugin, by itself and with the words that may lean on that."""
    how = f"{link.context}|{link.named}"
    yield from _how_spoken_of(link, state)
    yield f"x={how}|{state}|{min(4, len(near) // 3)}"
    if not link.named:
        for gram in (*_grams(near, 1), *_grams(near, 2)):
            yield f"x={gram}|{link.context}"
            yield f"x={gram}|{state}"


def _how_spoken_of(link: Link, state: State) -> Iterator[str]:
    """Give how the turn before spoke of the plugin."""
    how = f"{link.context}|{link.named}"
    yield f"x={how}"
    yield f"x={how}|{state}"


def beside_plugin(links: Sequence[Link], at: int, states: Sequence[State]) -> list[str]:
    """Return the features of ``links[at]`` that are none of the message's words."""
    link, state = links[at], states[at]
    context = _how_spoken_of(link, state) if link.context else ()
    return [*link_features(links, at, states), f"bias|{state}", f"named={link.named}|{state}", *context]


def beside_message(links: Sequence[Link], states: Sequence[State]) -> list[str]:
    """Return the features of a message that are none of its words."""
    found = ["bias", f"on={'on' in states}"]
    found += sorted({f"has={link.kind}|{state}" for link, state in zip(links, states, strict=True) if link.named})
    found += sorted({f"x={link.context}|{state}" for link, state in zip(links, states, strict=True) if link.context})
    return found


def message_features(text: str, links: Sequence[Link], states: Sequence[State]) -> list[str]:
    """Return the features of the whole of *text*."""
    words = _masked(text, links, None)
    found = [*beside_message(links, states), f"len={min(8, len(words) // 4)}"]
    found += (f"w={gram}" for size in (1, 2, 3) for gram in _grams(words, size))
    found += (f"w={gram}|{'on' in states}" for gram in _grams(words, 1))
    if words:
        found += [f"last={words[-1]}", f"first={' '.join(words[:2])}", f"first3={' '.join(words[:3])}"]
    line = f" {' '.join(words)} "
    found += (f"g{size}={line[k : k + size]}" for size in (3, 4, 5) for k in range(len(line) - size + 1))
    return found


def _sentence(words: Sequence[str], me: int | None) -> tuple[int, int]:
    """Return where the sentence around the word at *me* begins and ends; all of a message that names no place."""
    if me is None:
        return 0, len(words)
    begin = next((k + 1 for k in range(me - 1, -1, -1) if words[k] in _SENTENCE_ENDS), 0)
    end = next((k + 1 for k in range(me + 1, len(words)) if words[k] in _SENTENCE_ENDS), len(words))
    return begin, end


def link_features(links: Sequence[Link], at: int, states: Sequence[State]) -> Iterator[str]:
    """Give how sure it is that ``links[at]`` is meant, by its kind and what else is."""
    link, state = links[at], states[at]
    yield f"kind={link.kind}"
    yield f"kind={link.kind}|{state}"
    yield f"cover={round(link.cover * 4)}|{link.kind}"
    yield f"sure={round(link.confidence * 10)}|{state}"
    yield f"several={min(3, len(link.names))}|{state}"
    mine = [one for one, how in zip(links, states, strict=True) if how != "new"]
    yield f"mine={min(5, len(mine))}|{link.kind}"
    if state != "new":
        better = sum(one.named and _rank(one) > _rank(link) for one in mine)
        level = sum(one.named and _rank(one) == _rank(link) for one in mine)
        yield f"better={min(3, better)}|{link.kind}"
        yield f"level={min(3, level)}|{link.kind}"
        yield f"alone={len(mine) == 1}|{link.kind}"
    known = sum(one.kind in ("exact", "ambiguous") for one, how in zip(links, states, strict=True) if how == "new")
    yield f"others={min(3, known)}|{link.kind}|{state}"


def _rank(link: Link) -> tuple[bool, float]:
    return link.kind in _SURE, link.cover


def _masked(text: str, links: Sequence[Link], at: int | None) -> list[str]:
    """Return the words of *text* with the plugins' names masked."""
    me = links[at] if at is not None and links[at].named else None
    places = [(link.start, link.end, _ANOTHER) for link in links if link.named and link.kind in _SURE]
    if me is not None:
        places = [each for each in places if each[1] <= me.start or each[0] >= me.end]
        places.append((me.start, me.end, _ME))
    out, reached = [], 0
    for start, end, mark in sorted(places):
        if start < reached:
            continue
        out.append(f"{text[reached:start]} {mark} ")
        reached = end
    out.append(text[reached:])
    plain = _DIGITS.sub("0", "".join(out)[:MOST_CHARACTERS].lower())
    plain = plain.replace(_ME, " PLUGX ").replace(_ANOTHER, " OTHER ")
    return words_and_marks(plain)


def _grams(words: Sequence[str], size: int) -> Iterator[str]:
    for k in range(len(words) - size + 1):
        yield " ".join(words[k : k + size])


def _around(words: Sequence[str], at: int, state: State) -> Iterator[str]:
    """Give what stands beside the plugin: each word by its distance, the phrases about it, its clause."""
    for step in range(-4, 5):
        if step and 0 <= at + step < len(words):
            side = "-" if step < 0 else "+"
            word = words[at + step]
            yield f"p{step}={word}"
            yield f"p{side}={word}"
            yield f"p{side}={word}|{state}"
    for begin in range(max(0, at - 3), at + 1):
        for end in range(at + 1, min(len(words), at + 4) + 1):
            if end - begin <= 5:
                yield f"ctx={' '.join(words[begin:end])}"
    begin = next((k + 1 for k in range(at - 1, -1, -1) if words[k] in _ENDS), 0)
    end = next((k for k in range(at + 1, len(words)) if words[k] in _ENDS), len(words))
    clause = words[begin:end]
    for size in (1, 2):
        for gram in _grams(clause, size):
            yield f"c={gram}|{state}"
    yield f"end={words[end] if end < len(words) else '$'}"
