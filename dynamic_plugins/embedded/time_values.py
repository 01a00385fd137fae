"""Times of day and days that people write."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.number_values import number_words
from dynamic_plugins.embedded.typed_values import Value

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
