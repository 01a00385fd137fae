"""The table that a message wants made: what it is to be called, its columns, and the type of each."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from dynamic_plugins.embedded.context.table_names import AND, NAME, is_name
from dynamic_plugins.embedded.language.turns_of_phrase import phrases
from dynamic_plugins.embedded.values.number_words import number_words
from dynamic_plugins.text.tokenizer import plain

_OF_FLAG = " 0/1"
_FLAG = f"INTEGER{_OF_FLAG}"
_TYPES = (
    (_FLAG, "yes ?/ ?no|ja ?/ ?nein|s[ií] ?/ ?no|oui ?/ ?non|sim ?/ ?não|tak ?/ ?nie|ja ?/ ?nee|bool(?:ean)?"
        "|evet ?/ ?hayır"),
    ("INTEGER", "integer|int|whole numbers?|ganz(?:e )?zahl(?:en)?|entero|entier|intero|inteiro"),
    ("REAL", "real|decimal|float|double|kommazahl|numeric|number|numbers|zahl|número|nombre|numero|getal|liczba|sayı"),
    ("TEXT", "text|string|varchar|char|texto|texte|testo|tekst|metin|date|datum|fecha|data|datetime|timestamp"),
)  # fmt: skip
_LIKELY = (
    ("INTEGER", "id|nr|no|qty|quantity|count|number|age|year|years|nights|pieces|anzahl|jahr|alter|menge|stück|cantidad"
        "|edad|año|quantité|âge|année|quantità|età|anno|quantidade|idade|ano|aantal|leeftijd|jaar|ilość|wiek|rok|adet"),
    ("REAL", "amount|price|sum|total|cost|fee|betrag|preis|summe|kosten|importe|precio|monto|montant|prix|importo"
        "|prezzo|valor|preço|bedrag|prijs|kwota|cena|tutar|fiyat|jumlah|harga|kg|kilo|kilos|km|mm|cm|ton|tons|eur|euro"
        "|euros|usd|litres?|liters?|hours|stunden|weight|gewicht|peso|poids"),
)  # fmt: skip
_FEWEST = 2
"""A list of fewer columns is none for sure."""


class NewTable(NamedTuple):
    """What a table is to be called, and its columns with their types."""

    name: str
    columns: dict[str, str]
    flags: frozenset[str] = frozenset()
    """The columns that hold yes or no."""

    @property
    def code(self) -> str:
        """The statement that makes it."""
        return f"CREATE TABLE {self.name} ({', '.join(f'{name} {kind}' for name, kind in self.columns.items())})"


def new_table(said: str) -> NewTable | None:
    """Return the table that *said* wants made; None where it names none, or lists no columns that are clear."""
    for found in _wanted().finditer(said):
        if not is_name(found["name"]) or found["name"].lower() in number_words():
            continue
        end = re.compile(r"[.!?;\n]|\Z").search(said, found.end())
        listed = said[found.end() : end.start()] if end else ""
        columns = _columns(listed if listed.count("(") >= listed.count(")") else listed[: listed.rfind(")")])
        if len(columns) >= _FEWEST and not _refused().search(said[: found.start("table")]):
            flags = frozenset(name for name, kind in columns.items() if kind == _FLAG)
            return NewTable(found["name"], {n: kind.removesuffix(_OF_FLAG) for n, kind in columns.items()}, flags)
    return None


def likely_type(column: str) -> str:
    """Return the type that *column* has by its name: TEXT where that says nothing else."""
    words = plain(column).split("_")
    return next((kind for kind, names in _LIKELY if any(re.fullmatch(names, word) for word in words)), "TEXT")


def _columns(listed: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in re.split(rf"\s*,\s*(?:(?:{AND})\s+)?|\s+(?:{AND}|&)\s+", _polite().sub("", listed).strip()):
        read = _column(part.strip())
        if read is None or read[0] in found:
            return {}
        found[read[0]] = read[1]
    return found


def _column(part: str) -> tuple[str, str] | None:
    """ "Id integer", "paid yes/no", "phone number (text)": at most two words, and a type if one is said."""
    for kind, names in _TYPES:
        told = re.fullmatch(rf"({NAME})\s*(?:\s|\(|:|as\b|als\b)\s*({names})\)?", part, re.I)
        if told:
            return told[1], kind
    words = part.split()
    sure = 0 < len(words) <= 2 and all(re.fullmatch(NAME, word) for word in words)
    if not sure or (len(words) > 1 and not all(is_name(word) for word in words)):
        return None
    name = "_".join(words)
    return name, likely_type(name)


@cache
def _wanted() -> re.Pattern[str]:
    called = phrases("sql", "called")
    article = r"(?:the|an?|my|our|these|those|den|die|der|las?|los|les?|os?|as?|i|gli|lo|de)"
    within = rf"\s+(?:in|im|en|dans|no|na|nel|w|di)\s+(?:{article}\s+)?(?:database|db|datenbank|base(?: de datos)?)"
    having = r"(?:it\s+)?(?:with|has|having|holding|mit|con|avec|com|z|met|ile|isinya|berisi|dengan)"
    columns = phrases("sql", "columns")
    told = (
        rf"\s*(?:[.:(]|,?\s+{having}\b)\s*(?:{article}\s+)?(?:(?:two|three|four|five|\d)\s+)?"
        rf"(?:{columns}\b\s*)?(?:[:=]\s*|(?:are|is|sind)\s+)?|\s*,?\s+{columns}\s*[:=]?\s*"
    )
    return re.compile(
        rf"(?<!\w)(?:{phrases('sql', 'create')}(?:[^\w.:!?]+[\w']+){{0,4}}?[^\w.:!?]+|{phrases('sql', 'a_new')}\s+)"
        rf"(?P<table>{phrases('sql', 'table')})\s+(?:(?:hê|baru|nueva|nova|nuova|nouvelle)\s+)?(?:{called}\s+)?"
        rf"[\"'`]?(?P<name>{NAME})[\"'`]?(?:{within}\b)?(?:{told})",
        re.I,
    )


@cache
def _refused() -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{phrases('sql', 'no')}|don'?t|never|kein\w*)(?:\s+[\w']+){{0,4}}\s*\Z", re.I)


@cache
def _polite() -> re.Pattern[str]:
    return re.compile(r"\s*,?\s*(?<!\w)(?:please|pls|bitte|por favor|svp|s'il (?:te|vous) plaît|asseblief|alsjeblieft"
        r"|per favore|thanks?|thank you|danke|proszę|lütfen)\s*\Z", re.I)  # fmt: skip
