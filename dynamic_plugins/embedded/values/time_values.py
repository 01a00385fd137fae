"""Times of day and days that people write."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.values.number_words import number_words
from dynamic_plugins.embedded.values.typed_values import Value

if TYPE_CHECKING:
    from collections.abc import Iterator

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
_BRITISH = re.compile(
    rf"(?:^|\b(?:at|to|till|until|by|from|about|around|for)\s+|,\s*)half\s+{_HOUR}\b(?!\s*(?:dozen|of))", re.I
)
_DUTCH = re.compile(
    r"\bhalf (een|twee|drie|vier|vijf|zes|zeven|acht|negen|tien|elf|twaalf)\b|\b(?:om|rond|tot) half (\d{1,2})\b", re.I
)
_SPOKEN = re.compile(
    r"\b(?:at\s+)?(\w+)\s+(five|ten|fifteen|twenty|twenty-five|thirty|thirty-five|forty|forty-five|fifty)\b"
    r"(?=\s*(?:[ap]\.?m\b|in the (?:morning|afternoon|evening)|at night|here|there|tonight|(?:their|his|her|our"
    r"|my) time"
    r"|eastern|central|pacific|utc|gmt|zulu))",
    re.I,
)
_FOUR_DIGITS = re.compile(
    r"(?<!\bin )(?<!\bsince )(?<!\byear )(?<![\d.,:/#-])([01]\d|2[0-3])([0-5]\d)(?=\s*(?:h(?:rs|ours)?\b|z\b|zulu\b"
    r"|utc\b|gmt\b|uhr\b"
    r"|local\b|there\b|here\b|(?:their|his|her|our|my) (?:time|end)\b|eastern\b|pacific\b))",
    re.I,
)
_BARE = re.compile(
    rf"\b{phrases('zones', 'clock')}\s+(?:([01]\d|2[0-3])([0-5]\d)|{_HOUR})(?![\d%€$£])(?![.,:]\d)"
    r"(?!\s*(?:[%€$£]|(?:days?|hours?|min\w*|k[mg]|mph|people)\b))",
    re.I,
)
BESIDE = 22
"""So many characters from a time of day a word may stand that says its half of the day."""
HALF_DAY = "half"
"""The unit of a time of day that may be in either half of the day: "half past four"."""
_EARLY = re.compile(
    r"morning|\bam\b|a\.m\.|morgens|früh|vormittags?|de la mañana|du matin|da manhã|di mattina|rano|ochtend", re.I
)
_LATE = re.compile(
    r"evening|afternoon|at night|tonight|abends|nachmittags?|de la (?:tarde|noche)|du soir|de l'après-midi|\bpm\b", re.I
)


def times(text: str) -> Iterator[Value]:
    """Give the times of day in *text* as HH:MM, 24 hours."""
    late = _LATE.search(text) is not None
    unit = "" if late or _EARLY.search(text) else HALF_DAY
    for m in _CLOCK.finditer(text):
        if m[7]:
            clock: str | None = _clock(int(m[7]), int(m[8] or 0), "")
        elif word := m[9]:
            clock = "00:00" if word.lower() in ("midnight", "mitternacht", "medianoche", "minuit") else "12:00"
        else:
            half = (m[3] or m[6] or "").lower().replace(".", "")
            is_late = _is_late(text, m) or (bool(m[6]) and not unit and late)
            if half not in ("am", "pm") and not (m[1] or m[4]).startswith("0") and is_late:
                half = "pm"
            clock = _clock(int(m[1] or m[4]), int(m[2] or m[5] or 0), half)
        if clock:
            yield Value("time", clock, m.start(), m.end())
    for m in _PAST.finditer(text):
        minutes = {"half": 30, "quarter": 15}.get(m[1].lower()) or _amount(m[1])
        total = _amount(m[3]) * 60 + (minutes if m[2].lower() in ("past", "after") else -minutes)
        yield Value("time", _shown(total, late), m.start(), m.end(), unit)
    for m in _OCLOCK.finditer(text):
        yield Value("time", _shown(_amount(m[1]) * 60, late), m.start(), m.end())
    for m in _GERMAN.finditer(text):
        if (hour := number_words().get(m[2].lower())) or m[2].isdigit():
            shift = {"halb": -30, "viertel nach": 15, "viertel vor": -15, "dreiviertel": -15}[m[1].lower()]
            yield Value("time", _shown((hour or int(m[2])) * 60 + shift, late), m.start(), m.end(), unit)
    for m in _SPANISH.finditer(text):
        hour = number_words().get(m[1].lower()) or (int(m[1]) if m[1].isdigit() else 0)
        if 0 < hour < 25 and (m[2] or re.match(r"\s*de la|\s*en punto|\s*,|\s*heures", text[m.end() :])):
            shift = {"y media": 30, "y cuarto": 15, "menos cuarto": -15}.get((m[2] or "").lower(), 0)
            yield Value("time", _shown(hour * 60 + shift, late), m.start(), m.end())
    yield from _times_in_words(text, late, unit)


def _is_late(text: str, clock: re.Match[str]) -> bool:
    """Whether what stands right beside a time of day says that it is in the second half of the day."""
    around = text[clock.end() : clock.end() + BESIDE], text[max(0, clock.start() - BESIDE) : clock.start()]
    return any(_LATE.search(part) and not _EARLY.search(part) for part in around)


def _times_in_words(text: str, late: bool, unit: str) -> Iterator[Value]:
    words = number_words()
    for m in _SPOKEN.finditer(text):
        if 0 < (hour := words.get(m[1].lower(), 0)) < 24:
            minutes = sum(words[part] for part in m[2].lower().split("-"))
            yield Value("time", _shown(hour * 60 + minutes, late), m.start(), m.end(), unit if hour < 13 else "")
    for m in _DUTCH.finditer(text):
        hour = (
            int(m[2]) if m[2] else words.get(m[1].lower()) or {"een": 1, "elf": 11, "twaalf": 12}.get(m[1].lower(), 0)
        )
        yield Value("time", _shown(hour * 60 - 30, late), m.start(), m.end(), unit)
    for m in _BRITISH.finditer(text):
        yield Value("time", _shown(_amount(m[1]) * 60 + 30, late), m.start(1) - len("half "), m.end(), unit)
    for m in _FOUR_DIGITS.finditer(text):
        yield Value("time", f"{m[1]}:{m[2]}", m.start(), m.end())


def bare_hours(text: str) -> Iterator[Value]:
    """Give the hours in *text* that only what stands before them shows to be times of day: "at 3", "a las 15"."""
    late = _LATE.search(text) is not None
    for m in _BARE.finditer(text):
        hour = int(m[1]) if m[1] else _amount(m[3])
        unit = HALF_DAY if hour <= 12 and not m[1] and not late and not _EARLY.search(text) else ""
        if hour < 25:
            yield Value("time", _shown(hour * 60 + int(m[2] or 0), late), m.start(1 if m[1] else 3), m.end(), unit)


def nearest_half(value: Value, last: Any) -> str:
    """Return the time of day that *value* is; of two halves of the day the one that is nearer to the time *last*."""
    shown = str(value.value)
    if value.unit != HALF_DAY or not isinstance(last, str) or (before := re.fullmatch(r"(\d\d):(\d\d)", last)) is None:
        return shown
    hour, minute = map(int, shown.split(":"))
    then = int(before[1]) * 60 + int(before[2])
    other = f"{(hour + 12) % 24:02}:{minute:02}"
    return min((shown, other), key=lambda each: abs(int(each[:2]) * 60 + minute - then))


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


def month_number(word: str) -> int | None:
    """Return which month *word* is, from 1 to 12; None where it is none."""
    return _MONTHS.get(word.lower())


_NAMED = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATES = re.compile(
    rf"\b(\d{{4}})-(\d\d)-(\d\d)\b|\b(\d{{1,2}})(?:st|nd|rd|th|\.)?\s*(?:of |de )?({_NAMED})\b\.?,?(?:\s+(\d{{4}}))?|"
    rf"\b({_NAMED})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?\b(?!:)(?:,?\s+(\d{{4}}))?|(?<![\d.])(\d{{1,2}})\.(\d{{1,2}})\.(\d{{4}})",
    re.I,
)
_MONTH_AND_YEAR = rf"(?:(?P<month>{_NAMED})\.?,?\s+(?:of |de |del )?)?(?P<year>(?:19|20)\d\d)"
_SINCE = [
    re.compile(
        r"\b(?:since|after|from|not(?:hing)? (?:older|earlier|before) than|no(?:thing)? older than|newer than|as of"
        r"|starting(?: in| from)?|nothing before|seit|ab|nach|nicht älter als|nichts vor|desde|a partir de|depuis"
        r"|à partir de|dal|dopo il|od|po|sinds|vanaf|de)"
        rf"\s+(?:the year |dem jahr |el año |in )?{_MONTH_AND_YEAR}(?![\d-])"
        r"(?!\s+(?:to|until|till|bis|hasta|au)\s+(?:19|20)\d\d)",
        re.I,
    ),
    re.compile(
        rf"\b{_MONTH_AND_YEAR}\s*(?:and (?:newer|later|after)|or (?:newer|later)|onwards?|on\b|\+|und (?:neuer|später)"
        r"|(?:up )?(?:until|till|to) (?:now|today|date)|bis heute|hasta (?:hoy|ahora)|en adelante|jusqu'à aujourd'hui"
        r"|até (?:agora|hoje)|pra cá|para cá|in poi|do dziś|tot nu)",
        re.I,
    ),
]


def since(text: str) -> Value | None:
    """Return the first day of the month or the year from which on something is wanted: "nothing older than May 2023".

    The Spanish and Portuguese "de 2024" says so only where "up to here" stands behind it.
    """
    for pattern in _SINCE:
        for m in pattern.finditer(text):
            bare = re.match(r"de\s", m.group(), re.I) and not re.match(r"\s*(?:pra|para) cá", text[m.end() :])
            if not bare:
                month = _MONTHS[m["month"].lower()] if m["month"] else 1
                return Value(
                    "date", f"{m['year']}-{month:02}-01", m.start("month" if m["month"] else "year"), m.end("year")
                )
    return None


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
