"""Small talk: greetings, thanks, goodbyes and remarks, short and kind, in the language of the greeting where known."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# One row for a language: a word by which it is known, then how it greets, says "you are welcome" and says goodbye.
_LANGUAGES: tuple[tuple[frozenset[str], str, str, str], ...] = (
    (
        frozenset(
            {"hallo", "danke", "dank", "tschüss", "guten", "moin", "servus", "wiedersehen", "gute", "morgen", "grüezi"}
        ),
        "Hallo!",
        "Gern geschehen!",
        "Auf Wiedersehen!",
    ),
    (
        frozenset({"hola", "gracias", "adiós", "adios", "buenos", "buenas", "luego"}),
        "¡Hola!",
        "¡De nada!",
        "¡Hasta luego!",
    ),
    (frozenset({"bonjour", "merci", "salut", "bonsoir", "revoir", "bonne"}), "Bonjour !", "De rien !", "Au revoir !"),
    (frozenset({"ciao", "grazie", "buongiorno", "buonasera", "arrivederci"}), "Ciao!", "Prego!", "A presto!"),
    (frozenset({"olá", "obrigado", "obrigada", "valeu", "tchau", "bom", "boa"}), "Olá!", "De nada!", "Até logo!"),
    (
        frozenset({"merhaba", "teşekkürler", "sağol", "görüşürüz", "selam", "süper"}),
        "Merhaba!",
        "Rica ederim!",
        "Görüşürüz!",
    ),
    (frozenset({"spasibo", "спасибо", "привет"}), "Привет!", "Пожалуйста!", "До свидания!"),
    (frozenset({"你好", "谢谢", "再见"}), "你好!", "不客气!", "再见!"),
)
_ENGLISH = ("Hello!", "You're welcome!", "Goodbye!")
_WHAT_I_DO = "I find, install, switch and use plugins. What would you like to do?"

_UNKNOWN = (
    "That I cannot answer: I manage plugins and use their actions, and know little else.",
    "I have no answer to that. I can only tell what plugins and their results tell me.",
    "Honestly, I do not know. I look after plugins; for a conversation, connect a larger model with --model.",
    "That is beyond me. A plugin may know, if you say what it should be able to do.",
    "I would only be guessing, so I had better not. With plugins I can help.",
)
_REMARK = (
    "Understood. Tell me when there is something to do.",
    "I see. I have changed nothing.",
    "All right. I am here when you need something.",
    "Thanks for telling me. Nothing is changed.",
    "Noted, though I only keep it for this conversation.",
)
_WELL = ("Well, thank you.", "Fine, thank you: all quiet here.", "Very well, thanks.")
_SELF = (
    "I am the model that is built into dynamic-plugins: a small program that finds, installs and uses plugins. "
    "I am no large language model and no person."
)


def greeting(said: str, begins: bool) -> str:
    """Return a greeting; in the beginning of a conversation it says what there is to do."""
    hello = _in_language(said, 0)
    return f"{hello} {_WHAT_I_DO}" if begins else f"{hello} What shall I do?"


def thanks(said: str) -> str:
    """Return the answer to thanks."""
    return _in_language(said, 1)


def goodbye(said: str) -> str:
    """Return a goodbye."""
    return _in_language(said, 2)


def myself(said: str, turn: int) -> str:
    """Return who is answering, or how it is."""
    if re.search(r"(?i)\b(how (are|is|was|r)|how's|geht|qué tal|ça va|come stai|tudo bem|sleep|mood)\b", said):
        return _one_of(_WELL, said, turn)
    return _SELF


def unknown(said: str, turn: int) -> str:
    """Return an honest sentence for a question that plugins do not answer; it varies."""
    return _one_of(_UNKNOWN, said, turn)


def remark(said: str, turn: int) -> str:
    """Return a short answer to somebody who tells something and asks nothing."""
    if len(said.split()) < 3:
        return "All right."
    return _one_of(_REMARK, said, turn)


def not_understood(on: Sequence[str]) -> str:
    """Return the question to an order that nothing was made of; *on* are the plugins that are on."""
    listed = f" {on[0]} is on." if len(on) == 1 else f" {', '.join(on[:-1])} and {on[-1]} are on." if on else ""
    return f"What should I do? I did not understand that: say it in other words, and name what you mean.{listed}"


def is_evasive(text: str) -> bool:
    """Whether *text* is what is said to somebody for whom there is neither an answer nor anything to do."""
    return text in _UNKNOWN or text in _REMARK


def _one_of(sentences: Sequence[str], said: str, turn: int) -> str:
    return sentences[(zlib.crc32(said.encode()) + turn) % len(sentences)]


def _in_language(said: str, which: int) -> str:
    words = set(re.findall(r"[^\W\d_]+", said.lower()))
    for known, *sentences in _LANGUAGES:
        if known & words:
            return sentences[which]
    return _ENGLISH[which]
