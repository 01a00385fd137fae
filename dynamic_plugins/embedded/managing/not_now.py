"""Words by which a message that sounds like an order is none, or none for now: what it says is then asked about.

The trained models read such messages as orders, since most messages with an order's verb are. A question too many is
better than a note that is gone: these closed classes of words win over any probability.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from dynamic_plugins.core import prompt_files

if TYPE_CHECKING:
    from collections.abc import Sequence

_VERB = (
    r"(?:delet|remov|uninstall|instal|switch|turn|shut|deactivat|activat|disabl|enabl|unload|load|commit|mov|creat|add"
    r"|order|check|push|merg|reset|configur|eras|wip|drop|updat|insert|renam|stag|clos|kill|stopp|start)"
)
_DONE = rf"(?:{_VERB}e?d(?:\s+(?:off|on|out))?|ran|wrote|written|sent|bought|paid|took|put|shut|got rid|set)"
# A capital letter, where the rest is read without case, begins a name: "Anna deleted it".
_WHO = (
    r"(?:i|he|she|we|they|you|someone|somebody|nobody|everybody|who|(?:my|our|his|her|the|a)\s+\w+"
    r"|(?-i:[A-ZÀ-ÖØ-Þ])\w+)"
)

_OTHERS = (
    r"(?:tell|ask|remind|warn) (?:\w+ to|me|us)|remind|reminder|to-?do\s*:|example\s*:|from\s*:|subject\s*:|quote\s*:"
    r"|joke|lyrics"
)
_DID = (
    r"\b(?:j['\u2019]ai|on a|il a|elle a|ho|hanno|ya|he|hemos|já|eu|ich hab\w*|wir haben)\s+(?:\w+\s+){0,3}"
    r"\w*(?:é|ée|ato|ito|uto|ado|ido|ei|iert|acht|scht|öscht|telt|altet)\b"
    r"|\b\w+t[ıi]m\b"
    r"|\bkiya tha\b"
)
_BY_FORM = (
    r"\?\s*no\b|\bno\s*[!.]*\s*\Z|/s\b|👎|mıy[ıi]m|もいい|ですか|たら|ました|いや|後で|明日|结束后|之后|以后|稍后"
    r"|等.*再|我要|吗"
)


@cache
def _not_now() -> re.Pattern[str]:
    table = prompt_files.table("embedded/not_now.toml")
    words = [
        rf"(?P<{name}>\b(?:{'|'.join(filter(None, section['words'].splitlines()))})(?!\w))"
        for name, section in table.items()
    ]
    report = rf"\b{_WHO}(?:['\u2019](?:ve|d)|\s+have|\s+had)?\s+(?:just |already |once |also |never )?{_DONE}\b"
    rest = rf"(?P<others>\b(?:{_OTHERS})(?!\w))|(?P<reported>{report})|(?P<did>{_DID})|(?P<form>{_BY_FORM})"
    return re.compile(f"{'|'.join(words)}|{rest}", re.I)


_IS_SO = re.compile(
    r"\b(?:is|are|was|were|be|been|being|stays?|goes|went|comes?)\s+(?:\w+\s+)?(?:off|on|down|up|out)\b"
    r"|\bis awful\b|\bfails?\b",
    re.I,
)
"""How something is, or was: "weather is off now" switches nothing."""
_DAY = r"(?:now|today|tonight|tomorrow|monday|tuesday|wednesday|thursday|friday|saturday|sunday)"
_POLITE = re.compile(
    r"\b(?:if you (?:do not|don['\u2019]?t|wouldn['\u2019]?t) mind|if possible|no (?:rush|hurry|worries)"
    r"|when(?:ever)? you (?:have|get|find) a (?:moment|minute|second|sec|chance)"
    rf"|i(?:['\u2019]?d| would) like (?:you )?to|(?:for|until|till) {_DAY}|s['\u2019]il (?:te|vous) pla[iî]t"
    r"|wenn möglich|falls möglich|si es posible|si possible|se possibile|while you['\u2019]?re at it)\b",
    re.I,
)


_REQUESTS = re.compile(
    r"\b(?:can|could|would|will|may i ask|mind|please|pls|plz|kannst|könnte\w*|würde\w*|bitte|puedes|podr[ií]as?|puede"
    r"|peux|pouvez|pourr\w+|puoi|potresti|pode|podes|poderia|mo[żz]esz|можешь|можете|kun je|kan du|voudr\w+|want you to"
    r"|trouble you)\b"
    r"|してもらえ|してくれ|くださ|吧|能不能|可以.*吗",
    re.I,
)
"""What makes an order of a question: "could you switch it off?"."""
_SQL = re.compile(r"\s*(?:insert|update|delete|drop|create|alter|replace)\b", re.I)


def orders_nothing_now(spoken: str, values: Sequence[str] = ()) -> bool:
    """Whether words of *spoken*, beside the texts *values* that are an action's arguments, make it no order for now."""
    return bool(why_nothing_now(spoken, values))


def why_nothing_now(spoken: str, values: Sequence[str] = ()) -> str:
    """Return what makes *spoken* no order for now: ``denied``, ``later``, ``reported`` …; empty where nothing does."""
    asks = spoken.rstrip().endswith(("?", "\uff1f"))
    if asks and not _REQUESTS.search(spoken):
        return "question"
    for value in sorted(values, key=len, reverse=True):
        if len(value) > 1 and not _SQL.match(value):  # what is said behind a statement may seem a part of it
            spoken = re.sub(re.escape(value), " ", spoken, flags=re.I)
    spoken = _POLITE.sub(" ", spoken)
    if found := _not_now().search(spoken):
        return found.lastgroup or "form"
    return "state" if _IS_SO.search(spoken) else ""
