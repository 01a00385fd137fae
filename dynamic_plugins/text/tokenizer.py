"""Text as words: those written together apart, in one spelling, and for a search without what says nothing."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from dynamic_plugins.text.wordlists import wordlist

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 40
"""Longer runs of letters and digits are data, not words."""
MAX_CLAUSES = 8
"""How many parts of a request are looked at by themselves."""

# Chinese, Japanese and Korean do not mark words off: neighbouring characters are taken two by two.
_UNSPACED_RUN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_ACCENTED = re.compile("(?<=[A-Za-z])[\u0300-\u036f]+")
# Letters that Unicode does not take apart, and their plain ones.
_WITH_STROKES = str.maketrans(
    {
        "\u0142": "l",
        "\u0141": "L",
        "\u00f8": "o",
        "\u00d8": "O",
        "\u0111": "d",
        "\u0131": "i",
        "\u00e6": "ae",
        "\u0153": "oe",
    }
)
# "PDFs" is one word, though its last two letters look like the beginning of another.
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z](?!\b|s\b))")
_LETTERS = r"[^\W_]+(?:['\u2019][^\W_]+)*"
_WORD = re.compile(_LETTERS)
_DRAWN_TO_IT = re.compile(r"'(?:s|d|m|ll|re|ve)$")
_WORD_OR_MARK = re.compile(rf"{_LETTERS}|[^\w\s]")
_CLAUSE_END = re.compile(r"(?<=[.!?;])\s+|\n+|,\s*|\b(?:and then|then|and|also|to)\b", re.IGNORECASE)

_ADDRESS = re.compile(r"https?://([\w.-]+)\S*", re.IGNORECASE)
_PATH = re.compile(r"(?<![\w:/.])(?:~|\.{0,2})(?:/[\w.-]+)+/?")
_FILE = re.compile(r"\b[\w-]+\.(\w{2,5})\b")
_NO_HOST_WORDS = frozenset({"www", "com", "org", "net", "io", "dev", "co"})
_EXTENSIONS = {
    "csv": "csv table",
    "doc": "word document",
    "docx": "word document",
    "gif": "image",
    "html": "html",
    "jpeg": "image",
    "jpg": "image",
    "js": "javascript code",
    "json": "json",
    "md": "markdown",
    "mov": "video",
    "mp3": "audio",
    "mp4": "video",
    "pdf": "pdf",
    "png": "image",
    "ppt": "powerpoint presentation",
    "pptx": "powerpoint presentation",
    "py": "python code",
    "sql": "sql database",
    "svg": "svg image",
    "ts": "typescript code",
    "txt": "text",
    "wav": "audio",
    "xls": "excel spreadsheet",
    "xlsx": "excel spreadsheet",
    "xml": "xml",
    "yaml": "yaml",
    "zip": "archive",
}


def readable(text: str) -> str:
    """Return *text* with its words apart: ``getStockPrice`` is ``get Stock Price``, Chinese is pairs of characters."""
    return _HUMPS.sub(" ", _composed(text)).replace("_", " ")


@lru_cache(maxsize=20_000)
def plain(word: str) -> str:
    """Return one word in lower case, without accents, an English possessive or a verb that is drawn to it (``I'd``)."""
    word = _DRAWN_TO_IT.sub("", word.lower().replace("\u2019", "'")).replace("'", "").replace("ß", "ss")
    if word.isascii():
        return word
    return _without_accents(word)


def tokens(text: str) -> list[str]:
    """Return the words of *text*, each :func:`plain`, in order, as often as they occur."""
    return [plain(word) for word in _WORD.findall(readable(text))]


def placed_tokens(text: str) -> Iterator[tuple[str, int, int]]:
    """Give the words of *text* as they are written apart, each :func:`plain`, with where it begins and ends."""
    return ((plain(found.group()), found.start(), found.end()) for found in _WORD.finditer(text))


def words_and_marks(text: str) -> list[str]:
    """Return the words of *text* as they are written and each mark between them, in order."""
    return _WORD_OR_MARK.findall(text)


def written_words(text: str) -> list[str]:
    """Return the words of a text as they are written, in order: ``getStockPrice`` is one; see :func:`all_words`."""
    return _WORD.findall(_composed(text))


def all_words(text: str) -> list[str]:
    """Return the :func:`tokens` of a text that are words: longer runs are data."""
    return [word for word in tokens(text) if len(word) <= LONGEST]


def words(text: str) -> list[str]:
    """Return the telling words of a request in lower case, each once, in order."""
    stop = wordlist("stop") | wordlist("elsewhere")
    return list(dict.fromkeys(word for word in all_words(text) if word not in stop))


def without_addresses(request: str) -> str:
    """Return a request with its web addresses and file names told in words.

    ``/data/report.docx`` asks for something that handles files and Word documents; what its folders are called tells
    nothing, and neither does most of an address.
    """
    text = _ADDRESS.sub(_address_words, request)
    text = _PATH.sub(_path_words, text)
    return _FILE.sub(_file_words, text)


def clauses(request: str) -> list[str]:
    """Return the parts of a request that may each ask for another plugin: "get the news, then make a chart"."""
    parts = [part for part in _CLAUSE_END.split(request) if len(words(part)) > 1]
    return parts[:MAX_CLAUSES] if len(parts) > 1 else []


def _composed(text: str) -> str:
    """Return *text* with one spelling for each character, without accents, and with Chinese in pairs."""
    if text.isascii():
        return text
    return _UNSPACED_RUN.sub(_pairs, _without_accents(text))


def _without_accents(text: str) -> str:
    """Return *text* with one spelling for each character and Latin letters without accents.

    In other scripts a mark makes another letter: without it ``ド`` would be ``ト``.
    """
    text = text.translate(_WITH_STROKES)
    return unicodedata.normalize("NFKC", _ACCENTED.sub("", unicodedata.normalize("NFKD", text)))


def _pairs(run: re.Match[str]) -> str:
    text = run[0]
    return " " + " ".join(text[at : at + 2] for at in range(max(1, len(text) - 1))) + " "


def _address_words(found: re.Match[str]) -> str:
    host = " ".join(part for part in found[1].lower().split(".") if part not in _NO_HOST_WORDS)
    return f" {host} url web page "


def _path_words(found: re.Match[str]) -> str:
    name = found[0].rstrip("/").rpartition("/")[2]
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    return f" file {_EXTENSIONS.get(extension, extension)} " if extension else " directory files "


def _file_words(found: re.Match[str]) -> str:
    kind = _EXTENSIONS.get(found[1].lower())
    return f"{found[0].rpartition('.')[0]} {kind} file" if kind else found[0]
