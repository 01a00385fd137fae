"""What servers say of their actions, as a catalogue may repeat it: one plain sentence without orders to a model."""

from __future__ import annotations

import re

from dynamic_plugins.embedded.replies.action_nature import first_sentence
from dynamic_plugins.text.printable import one_line
from dynamic_plugins.tools.management import NAMES

LONGEST = 120
_MARKUP = re.compile(r"<[^>\n]{1,80}>|`|\*\*|__(?=\w)|(?<=\w)__|^#+ |!?\[([^\]]*)\]\([^)]*\)")
_PICTURES = re.compile("\\s*[\u2190-\u2bff\U0001f000-\U0001faff\ufe0f]")
# A description says what an action does. One that tells its reader what to do, or which other tools to use, stands in
# the prompts of everybody who searches: those words are the model's person's to say.
_ORDERS = re.compile(
    r"\b(ignore|disregard|forget)\b.{0,30}\b(previous|prior|above|earlier|all|instructions?|prompts?)\b"
    r"|\byou (must|should|shall|need to|have to|are|can|may|will)\b|\b(must|always|never) (be )?(call|use|invoke|run)"
    r"|\b(always|never|do not|don't|please)\b.{0,20}\b(call|use|invoke|run|tell|mention|ask|reveal|say|show)\b"
    r"|\b(before|after|instead of|prior to) (using|calling|any other)\b|\b(important|critical|warning|mandatory)\s*:"
    r"|\b(system prompt|the (assistant|model|agent|ai) (must|should|has)|without (asking|telling|confirmation))\b"
    r"|\b(tell|ask|inform|convince) the (user|person|human)\b",
    re.IGNORECASE,
)


def plain_description(text: str) -> str:
    """Return the first sentence of *text*, printable, without markup and at most :data:`LONGEST` characters.

    Nothing where that sentence gives orders, or where all of *text* names one of the six tools that manage plugins.
    """
    plain = _PICTURES.sub("", _MARKUP.sub(lambda found: found[1] or "", text))
    sentence = one_line(first_sentence(plain)).strip(" -:;,")[:LONGEST]
    if gives_orders(sentence) or any(name in text for name in NAMES):
        return ""
    return sentence[:1].upper() + sentence[1:]


def gives_orders(sentence: str) -> bool:
    """Return whether *sentence* speaks to its reader."""
    return _ORDERS.search(sentence) is not None
