"""Typed values that people write: addresses, paths, numbers, times, dates, places, code; each with where it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Literal

from dynamic_plugins.core import prompt_files
from dynamic_plugins.embedded.places import places_within
from dynamic_plugins.embedded.places import zone as zone_of

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal[
    "url", "email", "path", "file", "glob", "repo", "hash", "id", "date", "time", "number", "place", "quoted", "sql",
    "expression", "issue", "rest",
]  # fmt: skip


@dataclass(frozen=True)
class Value:
    """What stands from *start* to *end* of a message. *unit* is the word behind a number, in lower case."""

    kind: Kind
    value: str | float | int
    start: int
    end: int
    unit: str = ""
    before: str = ""
    """The word in front of a number, in lower case."""


@dataclass(frozen=True)
class Values:
    """All that was found in *text*, in the order in which it stands there."""

    text: str
    found: tuple[Value, ...] = field(default=())

    def of(self, *kinds: Kind) -> list[Value]:
        """Return the values of *kinds*."""
        return [value for value in self.found if value.kind in kinds]


_URL = re.compile(
    r"\bhttps?://[^\s<>\"'“”„»]+[^\s<>\"'“”„».,;:!?)]|"
    r"\b(?:www\.)[\w-]+(?:\.[\w-]+)+(?:/\S*)?|(?<![\w/@.])[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|example)(?:/\S*[\w/])?\b"
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]*\w")
_PATH = re.compile(r"(?<![\w/:.*])(?:~|\.{1,2})?/[\w.~@+/-]*[\w/]|\b[A-Z]:\\[^\s\"']*[\w]")
_GLOB = re.compile(r"(?<![^\s\"'`])(?=[^\s]*[A-Za-z])[\w./-]*\*[\w.*/{}-]*(?=[\s,;?!\"'`]|$)")
_RELATIVE = re.compile(r"(?<![\w/.@])[\w-]+(?:/[\w.-]+)+\.\w{1,5}\b")
_REPO = re.compile(r"(?<![\w/.:@-])([A-Za-z][\w-]*)/([A-Za-z][\w.-]*[\w])(?![\w/])")
_FILE = re.compile(r"(?<![\w/.@-])[\w-]*[A-Za-z_][\w-]*(?:\.[\w-]+)*\.[A-Za-z][A-Za-z0-9]{0,4}(?![\w/]|\.\w)")
_HASH = re.compile(r"(?<![\w-])(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{6,40}(?![\w-])|\bHEAD(?:[~^]\d*)*(?!\w)")
_UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|(?<![\w.])\d{4}\.\d{4,5}(?:v\d+)?\b")
_QUOTED = re.compile(
    r"\"([^\"]+)\"|“([^”]+)[”\"]|„([^“”\"]+)[“”\"]|«\s*([^»]+?)\s*»|‘([^’]+)’|`([^`]+)`|「([^」]+)」|『([^』]+)』|(?<!\w)'([^'\n]+?)'(?!\w)"
)
_SQL = re.compile(
    r"\b(?:select\b(?=.+?\bfrom\b|\s+[\d(*'\"])|insert\s+(?:or\s+\w+\s+)?into\b|update\s+\S+\s+set\b|delete\s+from\b|"
    r"(?:create|alter|drop)\s+(?:table|index|view)\s+\S+(?=.*[(]|.*\badd\b|\s*;?\s*$)|pragma\s+\w+|with\s+\w+\s+as\s*\()",
    re.I | re.S,
)
_ISSUE = re.compile(r"#(\d+)\b|\b(?:pr|issue|pull request|number|nr\.?|ticket)\s+#?(\d+)\b", re.I)
_NUMBER = re.compile(
    r"(?<![\w.#:/-])-?\d+(?:[.,]\d+)?(?=[\s,;:?!)%€$x]|(?!st\b|nd\b|rd\b|th\b)[A-Za-z]{1,6}\b|\.(?!\d)|$)(?!:\d|/\d|-\d)"
)


_TIMES = re.compile(r"(?<![\w.])[x×]\s?(\d{1,3})(?![\w.])", re.I)


def extract(text: str, today: date | None = None) -> Values:
    """Return the typed values in *text*. *today* is what relative days are counted from.

    What belongs to a longer value is none by itself: the number in a path, the file name in an address.
    """
    taken = bytearray(len(text))
    found: list[Value] = []
    # Quoted text is kept beside what it holds: "readme.md" is a file as well.
    found += [Value("quoted", next(g for g in m.groups() if g), m.start(), m.end()) for m in _QUOTED.finditer(text)]
    for value in _ordered(text, today):
        if not any(taken[value.start : value.end]):
            taken[value.start : value.end] = b"\1" * (value.end - value.start)
            found.append(value)
    found.sort(key=lambda value: (value.start, -value.end))
    return Values(text, tuple(found))


def _ordered(text: str, today: date | None) -> Iterator[Value]:
    if (sql := _SQL.search(text)) is not None:
        end = _end_of_code(text, sql.start())
        yield Value("sql", text[sql.start() : end].strip(), sql.start(), end)
    for kind, pattern in _PLAIN[:3]:
        yield from (Value(kind, m.group(), m.start(), m.end()) for m in pattern.finditer(text))
    yield from _expressions(text)
    for kind, pattern in _PLAIN[3:]:
        yield from (Value(kind, m.group(), m.start(), m.end()) for m in pattern.finditer(text))
    yield from times(text)
    yield from dates(text, today)
    yield from (Value("issue", int(m[1] or m[2]), m.start(), m.end()) for m in _ISSUE.finditer(text))
    yield from numbers(text)
    yield from places(text)


_PLAIN: list[tuple[Kind, re.Pattern[str]]] = [
    ("url", _URL),
    ("email", _EMAIL),
    ("id", _UUID),
    ("path", _PATH),
    ("glob", _GLOB),
    ("path", _RELATIVE),
    ("repo", _REPO),
    ("file", _FILE),
    ("hash", _HASH),
]


def _end_of_code(text: str, start: int) -> int:
    """Code goes to the end of the message, but not into the sentence that follows a semicolon or a quotation mark."""
    if start and text[start - 1] in "\"“„`'":
        close = {"“": "”", "„": "“"}.get(text[start - 1], text[start - 1])
        at = text.find(close, start)
        return at if at > 0 else len(text)
    for mark in re.finditer(
        r";(?=\s|$)|\n\s*\n|\s[—–]\s|\s-\s(?=[^\W\d_]+\s+[^\W\d_]+\s)|,\s+(?:this|that|which|what)\s|[.?!]\s+(?=[A-ZÄÖÜ¿¡][a-zäöü])|\s+(?:please|pls|plz|bitte)\s*[.!?]*\s*$",
        text[start:],
    ):
        return start + mark.start()
    return start + len(text[start:].rstrip().rstrip("?.") if not text.rstrip().endswith(")?") else text[start:])


# --- numbers


@cache
def number_words() -> dict[str, int]:
    """Return the value of each number word."""
    lines = prompt_files.table("embedded/action_words.toml")["numbers"]
    return {word: int(value) for value, words in lines.items() for word in words.split()}


_ARTICLES = frozenset(["a", "an", "un", "una", "une", "ein", "eine", "einen", "uno", "um", "uma"])
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def numbers(text: str) -> Iterator[Value]:
    """Give the numbers in *text*, in digits and in words, with the words around them."""
    for m in _NUMBER.finditer(text):
        raw = m.group().replace(",", ".")
        if raw.startswith("-") and re.search(r"\b(?:tail|head)\s+(?:-n\s*)?$", text[: m.start()], re.I):
            raw = raw[1:]  # an option of a command, no sign
        yield Value("number", number(raw), m.start(), m.end(), *_around(text, m.start(), m.end()))
    for m in _TIMES.finditer(text):
        yield Value("number", int(m[1]), m.start(), m.end(), "", (_around(text, m.start(), m.end()))[1])
    yield from _spoken_numbers(text)


def number(text: str) -> int | float:
    """Return the number that *text* writes; whole where it is."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _around(text: str, start: int, end: int) -> tuple[str, str]:
    behind = re.match(r"\s*-?\s*([^\W\d_]+|%)", text[end:])
    ahead = re.search(r"([^\W\d_]+)\W*$", text[:start])
    return (behind[1].lower() if behind else ""), (ahead[1].lower() if ahead else "")


def _spoken_numbers(text: str) -> Iterator[Value]:
    """Number words, alone or after one another: "four hundred fifty", and digit by digit "three zero nine"."""
    words, known = list(_WORD.finditer(text)), number_words()
    index = 0
    while index < len(words):
        run = [words[index]] if words[index].group().lower() in known else []
        while run and index + len(run) < len(words):
            after = words[index + len(run)]
            between = text[run[-1].end() : after.start()]
            if after.group().lower() not in known or between.strip(" -") or after.group().lower() in _ARTICLES:
                break
            run.append(after)
        if run and not (len(run) == 1 and (run[0].group().lower() in _ARTICLES or _stands_for_a_thing(text, run[0]))):
            start, end = run[0].start(), run[-1].end()
            value = _composed([known[m.group().lower()] for m in run])
            yield Value("number", value, start, end, *_around(text, start, end))
        index += len(run) or 1


def _stands_for_a_thing(text: str, word: re.Match[str]) -> bool:
    """ "That one", "the first one": no number."""
    if word.group().lower() not in ("one", "uno", "una", "eins"):
        return False
    ahead = re.search(r"(\w+)\W*$", text[: word.start()])
    behind = re.match(r"\s*(\w+)", text[word.end() :])
    named = ahead is not None and ahead[1].lower() not in (
        "add",
        "put",
        "buy",
        "and",
        "for",
        "need",
        "want",
        "of",
        "get",
        "just",
    )
    return named or behind is None


def _composed(parts: list[int]) -> int:
    if len(parts) > 1 and all(part < 10 for part in parts):
        return int("".join(map(str, parts)))
    total = current = 0
    for part in parts:
        if part in (100, 1000, 12) and current:
            current *= part
            if part == 1000:
                total, current = total + current, 0
        else:
            current += part
    return total + current


# --- expressions

_OPERATORS = [
    (r"(?:the\s+)?square root (?:of|from)\s+", "sqrt "),
    (r"(?:die\s+)?wurzel (?:aus|von)\s+|raíz cuadrada de\s+|racine carrée de\s+", "sqrt "),
    (r"\bto the power of\b|\bhoch\b|\belevado a\b|\bpuissance\b", "**"),
    (r"\bdivided by\b|\bgeteilt durch\b|\bdurch\b|\bdividido (?:por|entre)\b|\bentre\b|\bdivisé par\b|\bover\b", "/"),
    (r"\bmultiplied by\b|\btimes\b|\bmal\b|\bfois\b|\bpor\b|×|(?<=\d)\s*x\s*(?=\d)", "*"),
    (r"\bplus\b|\bmás\b", "+"),
    (r"\bminus\b|\bless\b|\bmenos\b|\bmoins\b|−", "-"),
    (r"\bsquared\b", "**2"),
]
_FUNCTIONS = r"(?:sqrt|sin|cos|tan|log|log2|log10|ln|exp|abs|factorial|floor|ceil|round)\s*\("
_SYMBOLIC = re.compile(
    rf"(?<![\w/.:#@-])(?:{_FUNCTIONS}|[(\d-])(?:{_FUNCTIONS}|[\d.()+*/^%×!-]|\s(?=\s*[\d(+*/^×-]))*(?![\w/:]|-\w)"
)
_CALCULATES = re.compile(rf"\d\s*[)]*\s*(?:\*\*|[*/+^%×-])\s*[(]*-?(?:\d|{_FUNCTIONS})|{_FUNCTIONS}\s*\d")
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d{1,2}(?!\d))")
_SAID = re.compile(r"(?:sqrt )?\(?\s*\d+(?:\.\d+)?\s*\)?(?:\s*(?:\*\*2|(?:\*\*|[-+*/])\s*(?:sqrt )?\d+(?:\.\d+)?))*")


def _expressions(text: str) -> Iterator[Value]:
    for m in _SYMBOLIC.finditer(_DECIMAL_COMMA.sub(".", text)):
        said = _balanced(m.group().strip().rstrip("+*/-.% "))
        if _CALCULATES.search(said) and not _is_no_sum(said, text):
            start = m.start() + m.group().index(said)
            yield Value("expression", said, start, start + len(said))
    if (spoken := spoken_expression(text)) is not None:
        yield spoken


def _balanced(said: str) -> str:
    while said.count("(") > said.count(")") and said.startswith("("):
        said = said[1:]
    while said.count(")") > said.count("(") and said.endswith(")"):
        said = said[:-1]
    return said


def _is_no_sum(said: str, text: str = "") -> bool:
    """Dates, ranges and telephone numbers are written with the same signs."""
    if re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}(?:/\d{2,4})?|\+?\d[\d-]{6,}", said):
        return True
    return re.fullmatch(r"\d+-\d+", said) is not None and len(text.split()) > 3


def spoken_expression(text: str) -> Value | None:
    """Return the expression that *text* puts in words: "15 percent of 80", "450 divided by 12"."""
    low = text.lower()
    for value in reversed(list(_spoken_numbers(low))):
        low = low[: value.start] + str(value.value) + low[value.end :]
    low = re.sub(r"(?<=\d),(?=\d)", ".", low)
    low = re.sub(
        r"(\d+(?:\.\d+)?)\s*(?:%|percent|prozent|por ciento|pour ?cent)\s+(?:of|von|de)\s+(\d+(?:\.\d+)?)",
        r"\1 / 100 * \2",
        low,
    )
    for pattern, sign in _OPERATORS:
        low = re.sub(pattern, f" {sign} ", low)
    best = ""
    for m in _SAID.finditer(re.sub(r"\s+", " ", low)):
        said = m.group().strip()
        if re.search(r"\d\s*(?:\*\*|[-+*/])|sqrt", said) and len(said) > len(best):
            best = said
    if not best or re.search(r"\d\s*(?:\*\*|[*/+^])\s*\d", text) or _is_no_sum(best.replace(" ", "")):
        return None
    best = re.sub(r"sqrt (\d+(?:\.\d+)?)", r"sqrt(\1)", best)
    written = re.sub(r"\s*(\*\*2|\*\*|[-+*/])\s*", lambda m: m[1] if m[1] == "**2" else f" {m[1]} ", best).strip()
    if re.match(r"-?\s*\d+(?:\.\d+)? - \d+$", written) and "minus" not in text.lower() and "less" not in text.lower():
        return None
    start = _first_digit(text)
    return Value("expression", written, start, len(text) if start == 0 else _last_number_end(text))


def _first_digit(text: str) -> int:
    return min((value.start for value in numbers(text)), default=0)


def _last_number_end(text: str) -> int:
    return max((value.end for value in numbers(text)), default=len(text))


# --- times of day

_CLOCK = re.compile(
    r"(?<![\d:.])(\d{1,2})[:h](\d{2})(?::\d\d)?(?!\d)\s*(am|pm|a\.m\.|p\.m\.)?|"
    r"(?<![\d:.])(\d{1,2})(?:\.(\d{2}))?\s*(am|pm|a\.m\.|p\.m\.|uhr|o'clock|h)(?!\w)|(?<![\d:.])(\d{1,2})(?:時|点|點|시)(?:(\d{1,2})分)?|\b(noon|midday|midnight|mittags?|mitternacht|mediodía|medianoche|minuit|midi)\b",
    re.I,
)
_HOUR = r"(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\d{1,2})"
_PAST = re.compile(rf"\b(half|quarter|twenty-five|twenty|ten|five)\s+(past|to|after|before)\s+{_HOUR}\b", re.I)
_OCLOCK = re.compile(rf"\b{_HOUR}\s+(?:o'clock|in the (?:morning|afternoon|evening))", re.I)
_GERMAN = re.compile(r"\b(halb|viertel nach|viertel vor|dreiviertel)\s+(\w+)", re.I)
_SPANISH = re.compile(r"\b(?:las?|il est)\s+(\w+)(?:\s+(y media|y cuarto|menos cuarto))?(?=\W|$)", re.I)
_LATE = re.compile(
    r"evening|afternoon|at night|tonight|abends|nachmittags?|de la (?:tarde|noche)|du soir|de l'après-midi|\bpm\b", re.I
)


def times(text: str) -> Iterator[Value]:
    """Give the times of day in *text* as HH:MM, 24 hours."""
    late = _LATE.search(text) is not None
    for m in _CLOCK.finditer(text):
        if m[7]:
            clock: str | None = _clock(int(m[7]), int(m[8] or 0), "")
        elif word := m[9]:
            clock = "00:00" if word.lower() in ("midnight", "mitternacht", "medianoche", "minuit") else "12:00"
        else:
            clock = _clock(int(m[1] or m[4]), int(m[2] or m[5] or 0), (m[3] or m[6] or "").lower().replace(".", ""))
        if clock:
            yield Value("time", clock, m.start(), m.end())
    for m in _PAST.finditer(text):
        minutes = {"half": 30, "quarter": 15}.get(m[1].lower()) or _amount(m[1])
        total = _amount(m[3]) * 60 + (minutes if m[2].lower() in ("past", "after") else -minutes)
        yield Value("time", _shown(total, late), m.start(), m.end())
    for m in _OCLOCK.finditer(text):
        yield Value("time", _shown(_amount(m[1]) * 60, late), m.start(), m.end())
    for m in _GERMAN.finditer(text):
        if (hour := number_words().get(m[2].lower())) or m[2].isdigit():
            shift = {"halb": -30, "viertel nach": 15, "viertel vor": -15, "dreiviertel": -15}[m[1].lower()]
            yield Value("time", _shown((hour or int(m[2])) * 60 + shift, late), m.start(), m.end())
    for m in _SPANISH.finditer(text):
        hour = number_words().get(m[1].lower()) or (int(m[1]) if m[1].isdigit() else 0)
        if 0 < hour < 25 and (m[2] or re.match(r"\s*de la|\s*en punto|\s*,|\s*heures", text[m.end() :])):
            shift = {"y media": 30, "y cuarto": 15, "menos cuarto": -15}.get((m[2] or "").lower(), 0)
            yield Value("time", _shown(hour * 60 + shift, late), m.start(), m.end())


def _amount(word: str) -> int:
    return int(word) if word.isdigit() else 25 if word.lower() == "twenty-five" else number_words()[word.lower()]


def _shown(minutes: int, late: bool) -> str:
    hour, minute = divmod(minutes, 60)
    hour += 12 if late and hour < 12 else 0
    return f"{hour % 24:02}:{minute:02}"


def _clock(hour: int, minute: int, half: str) -> str | None:
    hour += 12 if half == "pm" and hour < 12 else 0
    hour = 0 if half == "am" and hour == 12 else hour
    return f"{hour % 24:02}:{minute:02}" if hour < 25 and minute < 60 else None


# --- dates

_MONTHS = {
    month: number
    for number, names in enumerate(
        [
            "jan january januar enero janvier ene",
            "feb february februar febrero février",
            "mar march märz marzo mars",
            "apr april abril avril",
            "may mai mayo",
            "jun june juni junio juin",
            "jul july juli julio juillet",
            "aug august agosto août",
            "sep sept september septiembre septembre",
            "oct october oktober octubre octobre",
            "nov november noviembre novembre",
            "dec december dezember diciembre décembre",
        ],
        start=1,
    )
    for month in names.split()
}
_NAMED = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATES = re.compile(
    rf"\b(\d{{4}})-(\d\d)-(\d\d)\b|\b(\d{{1,2}})(?:st|nd|rd|th|\.)?\s*(?:of |de )?({_NAMED})\b\.?,?(?:\s+(\d{{4}}))?|"
    rf"\b({_NAMED})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?\b(?!:)(?:,?\s+(\d{{4}}))?|(?<![\d.])(\d{{1,2}})\.(\d{{1,2}})\.(\d{{4}})",
    re.I,
)
_YEAR = re.compile(r"\b(?:from|in|of|since|after|year|von|de|desde)\s+((?:19|20)\d\d)\b", re.I)
_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_DAY_WORDS = {"day after tomorrow": 2, "übermorgen": 2, "yesterday": -1, "gestern": -1, "ayer": -1, "hier soir": -1}


def dates(text: str, today: date | None = None) -> Iterator[Value]:
    """Give the days in *text* as YYYY-MM-DD; those without a year are of a year that is said elsewhere, or this one."""
    today = today or date.today()
    year = int(found[1]) if (found := re.search(r"\b((?:19|20)\d\d)\b", text)) else today.year
    for m in _DATES.finditer(text):
        if m[1]:
            parts = int(m[1]), int(m[2]), int(m[3])
        elif m[5]:
            parts = int(m[6] or year), _MONTHS[m[5].lower()], int(m[4])
        elif m[7]:
            parts = int(m[9] or year), _MONTHS[m[7].lower()], int(m[8])
        else:
            parts = int(m[12]), int(m[11]), int(m[10])
        try:
            yield Value("date", date(*parts).isoformat(), m.start(), m.end())
        except ValueError:
            continue
    for m in re.finditer(rf"\b(?:next|on|this)\s+({'|'.join(_WEEKDAYS)})\b", text, re.I):
        ahead = (_WEEKDAYS.index(m[1].lower()) - today.weekday() - 1) % 7 + 1
        yield Value("date", (today + timedelta(days=ahead)).isoformat(), m.start(), m.end(), unit="relative")
    for word, days in _DAY_WORDS.items():
        for m in re.finditer(rf"\b{word}\b", text, re.I):
            yield Value("date", (today + timedelta(days=days)).isoformat(), m.start(), m.end(), unit="relative")


# --- places

_NAME = re.compile(r"[^\W\d_][\w'’/+-]*(?:\.(?=\s[A-Z]))?")
_SHORT = frozenset(["nyc", "la", "sf", "uk", "usa", "us", "utc", "gmt", "cet", "est", "pst", "uae"])
_NO_PLACES = frozenset(
    [
        "us",
        "la",
        "me",
        "et",
        "est",
        "eat",
        "sat",
        "mst",
        "met",
        "wet",
        "cat",
        "art",
        "mit",
        "west",
        "east",
        "north",
        "south",
        "central",
        "israel",
        "man",
        "reading",
        "nice",
        "most",
        "mobile",
        "bar",
        "split",
        "male",
        "lima",
        "van",
        "easter",
        "knox",
        "center",
        "monday",
        "navy",
        "turkey",
        "iran",
        "zulu",
        "universal",
        "factory",
        "poland",
        "greenwich",
        "egypt",
        "cuba",
        "rome",
        "page",
        "jan",
        "may",
        "march",
        "troll",
        "cairo",
        "date",
        "time",
    ]
) - frozenset(["israel", "lima", "poland", "turkey", "iran", "cuba", "egypt", "rome", "cairo"])


def places(text: str) -> Iterator[Value]:
    """Give the places in *text* that lie in a known time zone; the zone is their *unit*."""
    if not text.isascii():
        yield from (Value("place", name, at, at + len(name), unit=zone) for name, zone, at in places_within(text))
    words = list(_NAME.finditer(text))
    index = 0
    while index < len(words):
        step = 1
        for count in (3, 2, 1):
            if index + count > len(words):
                continue
            start, end = words[index].start(), words[index + count - 1].end()
            place = text[start:end]
            if _may_be_a_place(place, text[:start]) and (zone := zone_of(place)):
                yield Value("place", place, start, end, unit=zone)
                step = count
                break
        index += step


_AFTER_A_CLOCK = re.compile(r"\d\s?(?:am|pm|a\.m\.|p\.m\.|h|uhr)?\s$", re.I)


def _may_be_a_place(place: str, ahead: str) -> bool:
    low = place.lower()
    if place.isupper() and 1 < len(place) < 5 and _AFTER_A_CLOCK.search(ahead):
        return True
    if low in _SHORT:
        return (
            place.isupper()
            or low == "nyc"
            or (low not in _NO_PLACES and low != "la")
            or ahead.endswith(("in ", "for "))
        )
    return len(place) > 3 and low not in _NO_PLACES
