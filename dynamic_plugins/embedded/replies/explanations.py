"""How this program goes about it: what each step of a plugin's life does, and how one asks for it."""

from __future__ import annotations

import re
from typing import Literal

Step = Literal["search", "install", "configure", "activate", "deactivate", "unload", "uninstall", "update", "model"]

WHAT_I_DO = "I can also search for plugins, install them, configure them, switch them on and off, and unload them."
CONCEPT = (
    "A plugin gives me new actions, such as reading files or sending messages. It is installed on this machine, "
    "switched "
    "on when you want to use it, and switched off again; no restart is needed. Installed means it is there; on "
    "(active) "
    "means that I can use its actions now. I use the action whose name and description fit what you say."
)
SAFETY = (
    "Before something is installed or first switched on, you are asked, and shown its name, version and source. By "
    "default each plugin runs in a process of its own on this machine and is given its own settings only; "
    "secrets go to "
    "the keyring and never through this conversation. Ask about one plugin by its name to hear what it can change."
)
COST = "I charge nothing, and installing costs nothing. What a plugin's service costs, its provider says."
DOCTOR = "To check this machine, type: dynamic-plugins doctor"

# The words by which each step is asked about, as beginnings of words, in the languages that people wrote in.
_WORDS: dict[Step, str] = {
    "uninstall": "uninstall|remov|delet|get rid|erase|deinstall|entfern|lösch|desinstal|désinstal|supprim|disinstall",
    "unload": r"unload|memory\b|entlad|descarg|décharg|scaric|descarreg",
    "deactivate": r"off\b|deactivat|disabl|\bstop|shut|ausschalt|ausmach|\baus\b|desactiv|apag|désactiv|étein|spegn"
    "|deslig|kapat",
    "model": r"\bmodels?\b|modell|modelo|modèle|openai|claude|chatgpt|ollama",
    "configure": r"configur|setting|token|\bkey|passwor|secret|schlüssel|einstell|clave|\bclé|paramèt|konfigur",
    "update": "updat|upgrad|newer|aktualis|actualiz|mettre à jour",
    "activate": r"\bon\b|activat|enabl|\bstart|einschalt|anmach|activ|enciend|allum|accend|\blig",
    "install": r"instal|\badd\b|\bget\b",
    "search": r"\bsearch|\bfind\b|look for|\bsuch|\bbusc|cherch|\bcerc",
}
_HOW: dict[Step, str] = {
    "search": 'Say what it should be able to do, as in "search for calendars", or type: dynamic-plugins list WORDS',
    "install": 'Say "install {name}". You are shown what it is and asked; then say "switch it on".',
    "configure": "Type: dynamic-plugins configure {name}. A secret is not shown as you type and never passes "
    "through this "
    "conversation; plain values can also be said here.",
    "activate": 'Say "switch {name} on".',
    "deactivate": 'Say "switch {name} off"; it stays installed.',
    "unload": 'Say "unload {name}"; its process ends and it stays installed.',
    "uninstall": "Type: dynamic-plugins uninstall {name}. That removes it and its settings from this machine.",
    "update": "Type: dynamic-plugins update {name}. To go back afterwards: dynamic-plugins rollback {name}",
    "model": "Start with --model NAME and --base-url URL of an OpenAI-compatible service, or set "
    "OPENAI_API_KEY; without "
    "them the built-in model answers.",
}
_EFFECTS: tuple[tuple[Step, str], ...] = (
    ("deactivate", "Switching {it} off takes back its actions; it stays installed, with its settings."),
    ("unload", "Unloading {it} ends its process and frees its memory too; it stays installed, with its settings."),
    (
        "uninstall",
        "Uninstalling {it} removes the plugin and its settings from this machine; to have it again, install it.",
    ),
    ("install", "Installing {it} puts it on this machine once you agree; it is not on yet."),
    ("activate", "Switching {it} on starts it, and I can use its actions from then on, when you ask for something."),
    ("configure", "Configuring {it} only stores its settings; files and data elsewhere are not touched."),
)
_ENDINGS: frozenset[Step] = frozenset({"deactivate", "unload", "uninstall"})
_ELSEWHERE = "What it has stored elsewhere, as with its service or in your files, I do not touch."


def steps_in(said: str) -> list[Step]:
    """Return the steps of a plugin's life that *said* has words for."""
    found: list[Step] = [step for step, words in _WORDS.items() if re.search(words, said, re.IGNORECASE)]
    # "uninstall", "deactivate" and "desinstalar" hold the words of their opposites.
    plain = re.sub(r"(?i)\b(un|de|des|dés|dis|de-|re)(install|instal|activ|aktiv)\w*", " ", said)
    if "install" in found and not re.search(_WORDS["install"], plain, re.IGNORECASE):
        found.remove("install")
    if "activate" in found and not re.search(_WORDS["activate"], plain, re.IGNORECASE):
        found.remove("activate")
    return found


def effects(said: str, name: str | None) -> str:
    """Return what the steps that *said* asks about would do to the plugin *name*."""
    asked = set(steps_in(said))
    if asked & {"deactivate", "unload"} and not re.search("install|instal", said, re.IGNORECASE):
        asked.discard("uninstall")  # "are my notes deleted if I switch it off?"
    if not asked & {step for step, _ in _EFFECTS}:
        asked = {"deactivate", "unload", "uninstall"}
    told = [text.format(it=name or "a plugin") for step, text in _EFFECTS if step in asked]
    return " ".join([*told, *([_ELSEWHERE] if asked & _ENDINGS else [])])


def how(said: str, name: str | None) -> str:
    """Return how one asks for what *said* asks about, with the command where there is one."""
    found = steps_in(said)
    if not found:
        return "\n".join(f"- {step}: {_HOW[step].format(name=name or 'NAME')}" for step in _HOW)
    return _HOW[found[0]].format(name=name or "NAME")
