"""What speaks against an order: that it is refused, told, wondered about, put off, or under a condition."""

from __future__ import annotations

import re

from dynamic_plugins.embedded.phrases import Hit, Text, cues, word_set

NEAR = 7
"""A refusal this many words before a verb refuses it."""


def conditions(before: Text) -> set[str]:
    return {"condition"} if cues("cues", "conditions").match(before) else set()


def doubts(before: Text, inside: Text, after: Text, hit: Hit) -> set[str]:
    doubts = set()
    near = since_pause(before)
    near = near.part(max(0, len(near) - NEAR), len(near))
    foreign = hit.label.language not in {"en", "es", "it", "pt", "ru", "pl"}
    refused = _refused(near, english=hit.label.language == "en")
    if _refused_before_an_aside(before):
        doubts.add("refused")
    elif refused and _twice(near):
        doubts.add("asked")  # "I don't want it not running" wants it running
    elif refused or (foreign and any(_refused_after(part) for part in (inside, after))):
        doubts.add("refused")
    if cues("cues", "nothing").begins(inside if inside.words else after):
        doubts.add("refused")
    if _wondered(before):
        doubts.add("wondered")
    if is_told(before, hit) or ("refused" not in doubts and near.words and near.words[-1] in _CANNOT | _UNABLE):
        doubts.add("told")
    if _later(after) or cues("cues", "conditions").match(after):
        doubts.add("later")
    return doubts


def _later(after: Text) -> bool:
    """Whether *after* puts it off; "until tomorrow" does not."""
    until = word_set("cues", "until")
    return any(
        not until & set(after.words[max(0, hit.start - 2) : hit.start]) for hit in cues("cues", "later").find(after)
    )


def _wondered(before: Text) -> bool:
    """Whether *before* wonders; "might I ask you to" does not, for all its "might"."""
    asked = {
        i for hit in cues("cues", "asks").find(before) if hit.end == len(before) for i in range(hit.start, hit.end)
    }
    return any(not set(range(hit.start, hit.end)) <= asked for hit in cues("cues", "wonders").find(before))


def _refused_after(part: Text) -> bool:
    """Whether a refusal follows the verb; "pas la 1.1" only refuses a version."""
    versions = [index for index, word in enumerate(part.words) if re.fullmatch(r"v?\d+(?:\.\d+)+", word)]
    return any(not any(hit.end <= at <= hit.end + 2 for at in versions) for hit in cues("cues", "not_after").find(part))


def _refused_before_an_aside(before: Text) -> bool:
    """Whether a refusal is followed by an aside: "do not, under any circumstances, unload it"."""
    ends = {hit.end for hit in cues("cues", "not_first").find(before) if before.words[hit.start] not in _LISTING}
    commas = [index for index, word in enumerate(before.words) if word == ","]
    return len(commas) > 1 and commas[-1] == len(before) - 1 and bool(ends & set(commas))


def _twice(near: Text) -> bool:
    """Whether it is refused twice in two places, which refuses nothing."""
    hits = [hit for hit in cues("cues", "not_first").find(near) if near.words[hit.start] not in _LISTING]
    ends = [hit.end for hit in hits]
    return len(hits) > 1 and any(hit.start > min(ends) for hit in hits)


_LISTING = frozenset({"nor", "neither", "no", "non", "n'", "ne"})


def _refused(near: Text, *, english: bool = True) -> bool:
    """Whether *near* refuses; "why not" and "don't forget to" do not."""
    harmless = {i for hit in cues("cues", "not_meant").find(near) for i in range(hit.start, hit.end)}
    for hit in cues("cues", "not_first").find(near):
        if set(range(hit.start, hit.end)) <= harmless:
            continue
        if english and near.words[hit.start] == "no" and hit.literal == 1 and hit.start == 0 and len(near) > 2:
            continue  # "no please turn it off"
        if _complains(near, hit) or near.words[hit.start] in _UNABLE:
            continue
        return True
    return False


def _complains(near: Text, hit: Hit) -> bool:
    """Whether a negation is told of somebody else: "it won't shut up" forbids nothing."""
    before, word = near.words[: hit.start], near.words[hit.start]
    return bool(before) and (before[-1] in _OTHERS) and word in _CANNOT and hit.end == len(near)


_UNABLE = frozenset({"can't", "cant", "cannot", "couldn't"})
"""Who cannot forbids nothing."""


_OTHERS = frozenset({"it", "he", "she", "they", "which", "that", "who"})


_CANNOT = frozenset({"won't", "doesn't", "never", "can't", "cannot", "wouldn't", "didn't", "don't"})


_PAUSES = frozenset({",", ":", "(", ")", "but", "aber", "mais", "pero", "mas", "ma", "maar", "но", *"\uff0c\u3001"})


def since_pause(before: Text) -> Text:
    for index in range(len(before) - 1, -1, -1):
        if before.words[index] in _PAUSES:
            return before.part(index + 1, len(before))
    return before


def is_told(before: Text, hit: Hit) -> bool:
    """Whether the verb is told of somebody, not ordered: a subject stands right before it and no order does."""
    near = since_pause(before)
    if not near.words or hit.label.passive:
        return hit.label.passive and cues("cues", "passive_told").match(near)
    if hit.label.tail:
        first = near.words[0]
        return first in word_set("cues", "tells") and not cues("cues", "asks").begins(near) and not _wished(near)
    ask = max((hit.end - hit.start for hit in cues("cues", "asks").find(near) if hit.end == len(near)), default=0)
    told = max((hit.end - hit.start for hit in cues("cues", "told").find(near) if hit.end == len(near)), default=0)
    if ask or told:
        return told > ask
    last = near.words[-1]
    if hit.label.wish and last in word_set("cues", "wishers"):
        return False
    return last in word_set("cues", "tells") and last not in {"you", "u"}


def _wished(near: Text) -> bool:
    return any(word in word_set("cues", "wishes") for word in near.words[:3])
