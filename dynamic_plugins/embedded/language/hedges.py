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
    r"|nunca|jam[áa]s|n[ãa]o|non|niet|geen|nooit|inte|nej|aldrig|ikke|nigdy|не|нет|никогда|değil|hay[ıi]r"
    r"|äl[äk]\w*|όχι|δεν|μην?|لا|لن|لم|לא|tidak|nggak|jangan|không|đừng|hapana|nahi|nem|nincs)\b"
    r"|\A\W*nei\b|\A\W*ei\s+\w|नहीं|मत(?!\w)"
    r"|不|别|別|没|勿|ない|ません|지\s?마|말고|않",
    re.I,
)
_NO = re.compile(r"\b(?:no|not|nor|keine?[nmrs]?|nicht|sin|sans|senza|sem|geen|without) \Z", re.I)
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
_SAYS_AN_ORDER = (
    r"(?:want|wish|like|mean|say|said|ask|tell|told|think|expect|agree|let|allow|should|supposed|to\b|sure"
    r"|need (?:you|to|any)|have (?:you|to|it|any)|requ|care|see|dare|plan|inten|propos|suggest|recommend|feel|try"
    r"|remember|recall|authori[sz]|permit|must|decide|hope|prefer|order|mind|get rid|call"
    r"|switch|turn|delet|remov|install|uninstall|activat|deactivat|add|put|take|buy|commit)"
)
"""What says or means that something shall be done, and doing it: denied, it is a denied order."""
_TOLD_OF = re.compile(
    r"\b(?:i|we|it|he|she|they|that|this|which|who|there|(?:my|our|his|her|the)\s+\w+)\s+"
    r"(?:\w+n['\u2019]?t|cannot|never|no"
    r"|(?:shall|will|would|can|could|am|are|is|was|were|have|has|had|do|does|did)\s+(?:not|never|no))\b"
    rf"(?=\s+\w)(?:\s+(?:be|been|really|even|ever|just))?(?!\s+{_SAYS_AN_ORDER})",
    re.I,
)
"""A negation of what somebody does or something is: it negates no order, but where they speak of ordering."""
_WHO = (
    r"(?:i|we|am|are|i['\u2019]?m|we['\u2019]?re|as|since|because|cause|cos|and|just|really|actually|it['\u2019]?s|is)"
)
_WHEN = (
    r"(?:it|them|that|this|any ?more|today|now|tonight|these days|at the moment|right now|much|anyway|for now|here"
    r"|on this|box|at all|again)"
)
_REASON = re.compile(
    rf"\W*(?:{_WHO}\W+){{0,4}}(?:not|never|no longer|hardly|don['\u2019]?t|do not)\W+(?:really |actually |even )?"
    rf"(?:us(?:e|ing|ed)|need(?:ed|ing)?)(?:\W+{_WHEN})*\W*"
    r"|\W*(?:(?:das|den|die|es|ihn|sie|der|davon)\W+)?(?:brauch|nutz|benutz|benötig)e?n?"
    r"(?:\W+(?:ich|wir|es|ihn|sie|das|heute|gerade|im moment|hier|eh|ja))*\W+nicht(?:\W+(?:mehr|dauernd|heute))*\W*"
    r"|\W*(?:(?:y|que|ya)\W+)*no\W+(?:l[oa]s?\W+)?(?:uso|usamos|necesito|necesitamos)"
    r"(?:\W+(?:más|hoy|ahora|por hoy|ya))*\W*"
    r"|\W*(?:je|on)\W+(?:(?:ne\W+)?l['\u2019]utilise\W+(?:pas|plus)|n['\u2019]en\W+ai?\W+(?:pas|plus)\W+besoin)\W*",
    re.I,
)
"""A clause that only says why somebody wants it off: whoever does not need a thing denies no order."""
_COURTESY = re.compile(
    r"\b(?:if (?:it|that)(?:['\u2019]s not| is not| isn['\u2019]?t)"
    r" (?:(?:asking )?too much(?: (?:trouble|bother|hassle|to ask))?|a (?:bother|trouble|problem))"
    r"|if you (?:do not|don['\u2019]?t|wouldn['\u2019]?t) mind|if possible"
    r"|no (?:rush|hurry|worries|pressure)(?: at all)?"
    r"|when(?:ever)? you (?:have|get|find) a (?:moment|minute|second|sec|chance)|wenn (?:es|das) keine umstände macht"
    r"|falls möglich|wenn möglich|keine? (?:eile|stress)|si no es (?:mucha )?molestia|si es posible|sin prisa"
    r"|si possible|se possibile)(?=\s*(?:[,.;!?)]|\Z))",
    re.I,
)
"""Fixed phrases of politeness, up to the end of a clause: their ifs and nots are none."""
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
    if poses(spoken):
        return True
    behind = [link.end for link in links if link.named]
    if any(_IS_SUBJECT.match(spoken, end) or _PASSED_ON.match(spoken, end) for end in behind):
        return True
    for begin, end in sentences(spoken):
        sentence = without_statements(spoken[begin:end])
        if any(begin <= link.start < end or not link.named for link in links):
            if any(words.search(sentence) for words in (_NEGATION, _TURKISH_NEGATION, _CONDITIONAL, _SAYING)):
                return True
            if any(link.named and _INTRODUCTION.search(spoken[begin : link.start]) for link in links):
                return True
        elif _NEGATION.search(" ".join(sentence.split()[:BEGINS])) or _STOOD_SOMEWHERE.search(sentence):
            return True
    return False


def without_asides(spoken: str, letters: str, links: Sequence[Link]) -> str:
    """Return *spoken* with blanks for politeness, and for clauses behind an order that take nothing of it back.

    Such a clause says nothing but that a thing is not needed, or how far an order goes for which *letters* stand:
    "switch it off, not using it today", "install it, but don't start it". It calls none of the plugins of *links*.
    """
    spoken = _COURTESY.sub(lambda found: " " * len(found.group()), spoken)
    called = [link.start for link in links if link.named]
    limit = _LIMITS.get("I" if letters == "I" else "D" if letters in ("D", "U", "DU", "UD") else "")
    if not called:
        return spoken
    ends = [0, *(found.end() for found in _ASIDE_BEGINS.finditer(spoken)), len(spoken)]
    kept = []
    for begin, end in pairwise(ends):
        part = spoken[begin:end]
        behind = begin > min(called) and not any(begin <= start < end for start in called)
        is_aside = behind and (_REASON.fullmatch(part) or (limit is not None and limit.fullmatch(part)))
        kept.append(" " * len(part) if is_aside else part)
    return "".join(kept)


def poses(spoken: str) -> bool:
    """Whether a text wants an assistant to forget its rules, or is the heading of one that is nobody's order."""
    return bool(_TRICKS.search(spoken) or _HEADING.match(spoken))


def tells_what_was_said(clause: str) -> bool:
    """Whether *clause* says that somebody said, wrote or asked something: what follows may be theirs."""
    return bool(_SAYING.search(clause))


def ends_in_a_no(text: str) -> bool:
    """Whether *text* ends in a no of what comes next: "add no" milk."""
    return bool(_NO.search(text))


def negated(clause: str) -> bool:
    """Whether a clause denies what it speaks of; a negation of what somebody does or something is denies no order."""
    return any(words.search(without_statements(clause)) for words in (_NEGATION, _TURKISH_NEGATION))


def without_statements(spoken: str) -> str:
    """Return *spoken* without the words that deny what somebody does or something is: "I shall not be writing"."""
    return _TOLD_OF.sub(" ", spoken)


def sentences(spoken: str) -> list[tuple[int, int]]:
    """Return where the sentences and lines of *spoken* begin and end."""
    ends = [*(found.end() for found in _SENTENCE_END.finditer(spoken)), len(spoken)]
    return [(begin, end) for begin, end in zip([0, *ends], ends, strict=False) if spoken[begin:end].strip()]


CLAUSE_END = re.compile(
    r"(?<!\s)\s*[.!?;\n。！？]+\s+|(?<!\s)\s*,\s+(?:and |then |und |y |et |e )?"
    r"|(?<!\s)\s+(?:and then|and also|and|then|n|&|plus|und|dann|y|luego|et|puis|poi|oraz|potem)\s+",
    re.I,
)


_CONTRAST = r"(?:but|though|aber|pero|mas|mais|ma|men|maar)"
_ASIDE_BEGINS = re.compile(rf"{CLAUSE_END.pattern}|(?<!\s)\s+(?={_CONTRAST}\s)", re.I)
_BEGINS = rf"\W*(?:(?:{_CONTRAST}|and|just|please)\W+)*"
_NOT = r"(?:do not|don['\u2019]?t|dont|without|never|not|nicht|ohne|todavía no|no|sin|sans|ne|n[ãa]o|non)"
_IT = r"(?:(?:it|es|ihn|sie|noch|lo|la|le|l['\u2019]|a)\W+)*"
_ENDS = (
    r"(?:\W+(?:it|that|them|yet|now|please|though|mind|ever|es|ihn|sie|noch|bitte|still|ainda|aún|pas|encore|lo|la|le))*"
    r"\W*"
)
_LIMITS = {
    "I": re.compile(
        rf"{_BEGINS}(?:{_NOT}\W+{_IT}(?:start(?:ing)?|activat(?:e|ing)|launch|run|enabl(?:e|ing)"
        r"|(?:switch|turn)(?:ing)?(?: it| that| them)? on|liga|ligue|prend[ae]s|enciendas|actives|activ[ae]|allume"
        r"|einschalten|anmachen|starten|aktivieren|accenderlo|attivarlo)(?: (?:it|that|them)(?: up| on)?)?"
        rf"|(?:keep|leave|leaving|keeping) it off|it stays off|lass es aus|d[eé]jalo apagado){_ENDS}",
        re.I,
    ),
    "D": re.compile(
        rf"{_BEGINS}(?:{_NOT}\W+(?:delete|deleting|remove|removing|uninstall|uninstalling|erase|wipe|bin|löschen"
        r"|entfernen|deinstallieren|desinstal[ae]s?|elimines|borres|désinstalle|supprime)(?: (?:it|that|them))?"
        r"|(?:keep|leave) it installed"
        r"|(?:it|that) (?:can |may |should |must )?stays? (?:installed|on (?:my|the|this) (?:machine|disk))"
        rf"|bleibt installiert|lass es installiert|d[eé]jalo instalado){_ENDS}",
        re.I,
    ),
}
"""How far an order goes, by what is ordered: what is installed need not be started, what is switched off stays."""


def clauses(spoken: str) -> list[str]:
    """Return the parts of *spoken* that may order something by themselves, in order."""
    return [part for part in CLAUSE_END.split(spoken) if part.strip(" .!?,;")]
