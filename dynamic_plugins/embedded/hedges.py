"""Words that make an order doubtful: negations, conditionals, and verbs of somebody else's saying, in some languages.

They are closed classes of grammar. Beside one of them an order is asked about, however sure the trained model is: a
question too many is better than the contrary of what was said.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.resolver.linker import Link

BEGINS = 3
"""Another sentence than the order's takes it back with one of its first words: "Never do this", "Oder nein, …"."""

_NEGATION = re.compile(
    r"\b(?:not|never|no|nope|neither|nor|dont|cannot|\w+n['\u2019]t|nicht|nie|nein|keine?[mnrs]?|ne|n['\u2019]\w+|pas|jamais"
    r"|nunca|jam[áa]s|n[ãa]o|non|niet|geen|nooit|inte|nej|aldrig|ikke|nei|nigdy|не|нет|никогда|değil|hay[ıi]r"
    r"|ei|äl[äk]\w*|όχι|δεν|μην?|لا|لن|لم|ליי?א|אל|tidak|nggak|jangan|kh[ôo]ng|đừng|hapana|nahi|नहीं|nem|nincs)\b"
    r"|不|别|別|没|勿|ない|ません|지\s?마|말고|않",
    re.I,
)
_TURKISH_NEGATION = re.compile(
    r"\A(?=.*(?:(?-i:[ığş])|eklenti|['\u2019][yn]?[ıiuü]\b)).*\w{2}m[ae](?:y[ıi]n(?:[ıi]z)?)?\W*\Z", re.I | re.S
)
"""There the verb, which stands last, is negated by its ending. Without case the dotless i would be any i."""
_CONDITIONAL = re.compile(
    r"\b(?:was|were) (?:going|about) to\b|\b(?:am|was|were|been) thinking (?:about|of)\b"
    r"|\bwanted to ask\b|\bif (?:you|i) were\b|\bin my (?:place|shoes)\b"
    r"|\b(?:let me|let['\u2019]s|i(?:['\u2019]ll| will| need to| have to| must)?) (?:think|sleep|mull)"
    r"(?: it)? (?:about|on|over)\b"
    r"|\b(?<!if you )(?:would|might)\s+(?:be|have)\b|\b(?:w[äa]re|w[üu]rde|ser[íi]a|serait|sarebbe|byłoby|было бы)\b",
    re.I,
)
_SAYING = re.compile(
    r"\b(?:said|says|wrote|writes|told|tells|asked|sagte?|schrieb|geschrieben|meinte|dijo|dice|escribi[óo]|dit|[ée]crit|disse|diz"
    r"|ha detto|powiedział[ao]?|сказал[аи]?|dedi|söyledi)\b|说|言った",
    re.I,
)
_STOOD_SOMEWHERE = re.compile(
    r"\b(?:that|this|it)(?:['\u2019]s| is| was| came| stood| stands)\b[^.!?\n]{0,20}\b(?:in|from|on)"
    r"\s+(?:my|the|an?|his|her|our|their)\s+(?:\w+\s+)?(?:inbox|e-?mails?|message|note|letter|chat|log|page|screenshot|article|book|song|sign)\b",
    re.I,
)
"""Another sentence says where the order was read: it is nobody's here."""
_TOLD_OF = re.compile(
    r"\b(?:i|we|it|he|she|they|that|this|which|who|there)\s+(?:(?:just|really|still|even|also|simply)\s+)?"
    r"(?:\w+n['\u2019]t|(?:do|does|did|is|was) not|never|no)\b|\b(?:we|i|they|he|she) keeps?\b",
    re.I,
)
"""A negation of what somebody does or something is: it negates no order."""
_REASON = re.compile(
    r"\b(?:(?:not|no longer|never|hardly) (?:using|needing|needed|used)|(?:don['\u2019]?t|do not|never|won['\u2019]?t)"
    r" (?:need|use|trust|like)|i\W{0,3}(?:ha)?ve no use|(?:brauch|nutz|benutz|benötig)e?\b[^,.;]*\bnicht"
    r"|no (?:l[oa]s?|la|me)? ?(?:uso|necesito|sirve|hace falta)|(?:n['\u2019]en ai|ai) (?:pas|plus) besoin"
    r"|(?:ne )?l['\u2019]utilise (?:pas|plus)"
    r"|non (?:l[oa]|mi) (?:uso|serve)|n[ãa]o (?:uso|preciso)|nie (?:używam|potrzebuj\w+)|(?:behöver|använder|bruker"
    r"|trenger|behøver)\b[^,.;]*\b(?:inte|ikke)|(?:gebruik|heb)\b[^,.;]*\bniet(?: nodig)?)\b"
    r"(?!\s+(?:to|zu|any|dass)\b)",
    re.I,
)
"""Why somebody wants it off: whoever does not need a thing denies no order."""
_COURTESY = re.compile(
    r"\b(?:if (?:it|that)(?:['\u2019]s| is|s)?(?:n['\u2019]?t| not) (?:too much|asking too much)?(?: of a)?"
    r" ?(?:trouble|bother|hassle|work)?"
    r"|if (?:it|that)(?:['\u2019]s| is) (?:ok(?:ay)?|all right|possible|safe(?: to do so)?|no trouble)(?: with you)?"
    r"|if you (?:do not|don['\u2019]?t|wouldn['\u2019]?t) mind|if you (?:can|could|would|please|like)|if possible"
    r"|if i may"
    r"|no (?:rush|hurry|worries|problem|pressure|trouble)(?: at all)?|not a problem|(?:don['\u2019]?t|do not) worry"
    r"|(?:when|whenever) you (?:have|get|find) (?:a|the) (?:moment|minute|second|sec|chance|time)"
    r"|wenn (?:es|das) keine umstände macht|wenn (?:du|sie) (?:magst|mögen|kannst|können|so nett)|falls möglich"
    r"|wenn möglich|keine? (?:eile|stress|problem)|si no es (?:mucha )?molestia|si (?:puedes|puede|es posible)"
    r"|sin prisa|si (?:tu peux|vous pouvez|possible|ça ne te dérange pas|cela ne vous dérange pas)"
    r"|se (?:puoi|può|possibile|puder))\b",
    re.I,
)
"""Fixed phrases of politeness: their ifs and nots are none."""
_INTRODUCTION = re.compile(r"(?:\w+\W+){2,}\w+\s?[:：]\s")
"""What stands behind such a colon is a text that is spoken of; behind "please:" it is an order."""
_PASSED_ON = re.compile(r"[^:.!?\n]*(?<!\d):\s+[^\W\d_]{2,}")
"""What stands behind a colon after the plugin's name is a text for somebody: "send a discord message: turn it off"."""
_SENTENCE_END = re.compile(r"[.!?\n。！？]+(?=\s|$)|[。！？]")


# Somebody who wants an assistant to forget its rules, or a text that poses as one.
_TRICKS = re.compile(
    r"\b(?:ignore|disregard|forget)\b.{0,40}\b(?:instructions?|rules?|prompts?)\b"
    r"|\b(?:maintenance|developer|debug|admin) mode\b|\b(?:system prompt|policy changed|do not tell)\b",
    re.I,
)
# The heading of a text that is not the person's order: "todo list of my brother", on a line of its own.
_HEADING = re.compile(
    r"\A[^\n.!?]*\b(?:list|notes?|tasks?|agenda|minutes|e-?mail|message|post|comment)\b[^\n.!?]*\n", re.I
)
# What is named is the subject of the words behind it: "turn off discord rhymes with nothing".
_IS_SUBJECT = re.compile(
    r"\s+(?!(?:this|always|thanks|guys|days|plugins?|as|us|its|works|please)\b)[a-z]{3,}s\s+(?:with|like|as|to|a|an|the|for|of)\b"
)


_NAMES_A_THING = re.compile(
    r"\b(?:called|named|titled|entitled|labelled|namens|genannt|mit dem (?:namen|titel)"
    r"|llamad[oa]|titulad[oa]|appel[ée]e?|intitul[ée]e?|chiamat[oa]|intitolat[oa]|chamad[oa])\s+[\"'\u201c\u201e\u00ab]?\s*\Z",
    re.I,
)
"""What stands behind is the name of a note or a file, though a plugin is called so: "delete the note called todo"."""


def names_a_thing(spoken: str, link: Link) -> bool:
    """Whether the name that *link* is taken from is said to be that of something else."""
    return link.named and bool(_NAMES_A_THING.search(spoken[: link.start]))


def hedged(spoken: str, links: Sequence[Link]) -> bool:
    """Whether an order about the plugins of *links* is denied, spoken of as what would be, or somebody else's."""
    if _TRICKS.search(spoken) or _HEADING.match(spoken):
        return True
    behind = [link.end for link in links if link.named]
    if any(_IS_SUBJECT.match(spoken, end) or _PASSED_ON.match(spoken, end) for end in behind):
        return True
    for begin, end in sentences(spoken):
        sentence = _TOLD_OF.sub(" ", spoken[begin:end])
        if any(begin <= link.start < end or not link.named for link in links):
            if any(words.search(sentence) for words in (_NEGATION, _TURKISH_NEGATION, _CONDITIONAL, _SAYING)):
                return True
            if any(link.named and _INTRODUCTION.search(spoken[begin : link.start]) for link in links):
                return True
        elif _NEGATION.search(" ".join(sentence.split()[:BEGINS])) or _STOOD_SOMEWHERE.search(sentence):
            return True
    return False


def without_asides(spoken: str, letters: str, links: Sequence[Link]) -> str:
    """Return *spoken* with blanks for the clauses that take nothing back, where others are left.

    One says that a thing is not needed, or how far an order goes for which *letters* stand: "install it, but don't
    start it", "switch it off, it can stay on the machine". *links* are the plugins that are called by a name; a limit
    names none.
    """
    spoken = _COURTESY.sub(lambda found: " " * len(found.group()), spoken)
    ends = [0, *(found.end() for found in _ASIDE_BEGINS.finditer(spoken)), len(spoken)]
    limit = _LIMITS.get("I" if letters == "I" else "D" if set(letters) <= set("DU") else "")

    def aside(begin: int, end: int) -> bool:
        part = spoken[begin:end]
        named = any(link.named and begin <= link.start < end for link in links)
        return bool(_REASON.search(part) or (limit is not None and not named and limit.match(part)))

    parts = [(begin, end, aside(begin, end)) for begin, end in pairwise(ends)]
    if not any(spoken[begin:end].strip() and not out for begin, end, out in parts):
        return spoken
    return "".join(" " * (end - begin) if out else spoken[begin:end] for begin, end, out in parts)


def told_of_none(spoken: str) -> str:
    """Return *spoken* without the negations of what somebody does or something is."""
    return _TOLD_OF.sub(lambda found: " " * len(found.group()), spoken)


def negated(clause: str) -> bool:
    """Whether a clause denies what it speaks of; a negation of what somebody does or something is denies no order."""
    return any(words.search(_TOLD_OF.sub(" ", clause)) for words in (_NEGATION, _TURKISH_NEGATION))


def sentences(spoken: str) -> list[tuple[int, int]]:
    """Return where the sentences and lines of *spoken* begin and end."""
    ends = [*(found.end() for found in _SENTENCE_END.finditer(spoken)), len(spoken)]
    return [(begin, end) for begin, end in zip([0, *ends], ends, strict=False) if spoken[begin:end].strip()]


CLAUSE_END = re.compile(
    r"\s*[.!?;\n。！？]+\s+|\s*,\s+(?:and |then |und |y |et |e )?"
    r"|\s+(?:and then|and also|and|then|n|&|plus|und|dann|y|luego|et|puis|poi|oraz|potem)\s+",
    re.I,
)


_CONTRAST = r"(?:but|though|only|aber|doch|pero|mas|mais|ma|men|maar|ale)"
_ASIDE_BEGINS = re.compile(rf"{CLAUSE_END.pattern}|\s+(?={_CONTRAST}\s)", re.I)
_NOT = (
    r"(?:do not|don['\u2019]?t|dont|without|not|never|nicht|ohne|no|sin|sans|ne|n[ãa]o|non|senza|inte|ikke|niet|nie|bez"
    r"|todavía no|por ahora no)"
)
_STAYS = (
    r"(?:keep|leave|(?:it|that|this) (?:can |may |should |must |shall )?(?:stays?|remains?)|bleibt|behalt\w*|lass"
    r"|d[eé]ja(?:lo|la)?|garde|fica|deixa|resta|zostaw|stay)"
)
_BEGINS = rf"\W*(?:(?:{_CONTRAST}|and|so|just|still|und|y|et|e|och)\W+)*"
_LIMITS = {
    "I": re.compile(
        rf"{_BEGINS}(?:{_NOT}\b(?:\W+\w+){{0,2}}?\W+(?:start|activat|switch|turn|launch|run|fire|enabl|power|liga|prend|enciend"
        rf"|activ|allum|einschalt|anmach|anschalt|accend|tænd|slå|włącz)\w*|{_STAYS}\b[^.!?]*\b(?:off|aus|apagad\w+|éteinte?"
        r"|desligad\w+|spent[oa]|av|uit)\b)",
        re.I,
    ),
    "D": re.compile(
        rf"{_BEGINS}(?:{_NOT}\b(?:\W+\w+){{0,2}}?\W+(?:delet|remov|uninstall|bin|eras|wip|throw|lösch|entfern|deinstall|borr"
        rf"|elimin|desinstal|quit|supprim|désinstall|apag|exclu|cancell|slet|rader|usuw|verwijder)\w*|{_STAYS}\b[^.!?]*"
        r"\b(?:installed|installiert|instalad\w+|installée?|installat\w|(?:machine|disk|disc|computer|pc|laptop))\b)",
        re.I,
    ),
}
"""How far an order goes, by what is ordered: what is installed need not be started, what is switched off stays."""


def clauses(spoken: str) -> list[str]:
    """Return the parts of *spoken* that may order something by themselves, in order."""
    return [part for part in CLAUSE_END.split(spoken) if part.strip(" .!?,;")]
