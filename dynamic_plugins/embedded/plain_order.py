"""Messages that are nothing but an order: a verb and a plugin, or several of these joined, and words of courtesy.

What the trained models think of so short a text hangs on a word or two; its grammar leaves no doubt, so that it is read
by rule: "install X", "switch X on", "please turn X off and unload it".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dynamic_plugins.embedded.reading import PluginReading, Reading

SURE = 0.6
"""A plugin whose name is an ordinary word is only meant by it from this confidence on, unless it is called in full."""

_X = r"(?:(?:the|my) )?(?:plugin )?(?P<who>\d+|it)(?: (?:plugin|extension|add-?on|server))?"
_CLAUSES = tuple(
    (letter, re.compile(pattern.replace("X", _X)))
    for letter, patterns in {
        "I": ("(?:install|installiere|installier|installe|instala|installa|zainstaluj) X",),
        "A": (
            "(?:activate|enable|resume|un-?pause|wake(?: up)?|aktiviere|activa|active|attiva|ativa|aktywuj) X",
            "(?:switch|turn) X (?:back )?on",
            "(?:switch|turn) on X",
            "bring X (?:back|back on|out of hibernation)",
        ),
        "D": (
            "(?:deactivate|disable|pause|deaktiviere|desactiva|désactive|disattiva|desativa) X",
            "(?:switch|turn) X (?:back )?off",
            "(?:switch|turn) off X",
        ),
        "U": ("unload X(?: from memory)?", "(?:kick|take|throw|remove) X (?:out of|from) memory"),
        "X": ("(?:uninstall|deinstalliere|deinstallier|désinstalle|desinstala|disinstalla|odinstaluj) X",),
    }.items()
    for pattern in patterns
)
_JOINT = re.compile(r" ?(?:[,;.]\s+(?:and )?(?:then )?|\band (?:then )?|\bthen )", re.IGNORECASE)
_COURTESY = re.compile(
    r"^(?:(?:ok|okay|now|please|pls|hey|so|no|yes|right|great|good|thanks|thank you|thx|danke|merci|gracias|grazie)"
    r"[ ,.!]+(?:so much[ ,.!]+)?)+|(?:[ ,]+(?:now|please|pls|again|thanks|thank you|for me))+$"
)


def plain_order(reading: Reading) -> list[tuple[PluginReading, str]] | None:
    """Return the plugins of *reading* with the letters of what is done to each; None where anything else is said."""
    return _ordered(reading.text.spoken, reading)


def after_plain_order(reading: Reading) -> str:
    """Return what stands behind the plain order that a message begins with; all of it where it begins with none."""
    text = reading.text.spoken
    if _ordered(text, reading) is not None:
        return ""
    for joint in reversed(list(_JOINT.finditer(text))):
        if _ordered(text[: joint.start()], reading) is not None:
            return text[joint.end() :].strip()
    return text


def _ordered(text: str, reading: Reading) -> list[tuple[PluginReading, str]] | None:
    numbered, plugins = _numbered(text, reading)
    steps: dict[int, str] = {}
    last = _just_changed(reading, plugins)
    for clause in _JOINT.split(_COURTESY.sub("", numbered)):
        found = next(((letter, match["who"]) for letter, form in _CLAUSES if (match := form.fullmatch(clause))), None)
        if found is None:
            return None
        letter, who = found
        last = last if who == "it" else int(who)
        if last is None:
            return None
        steps[last] = steps.get(last, "") + letter
    return [(plugins[number], letters) for number, letters in steps.items()]


def _just_changed(reading: Reading, plugins: list[PluginReading]) -> int | None:
    """Add the one plugin that the turn before changed, or else spoke of, to *plugins*, for an "it".

    Return its place; None without one, or where the message names some itself.
    """
    spoken_of = [each for each in reading.plugins if each.link.context and not each.link.named]
    changed = [each for each in spoken_of if each.link.context.startswith("c")]
    meant = changed or [each for each in spoken_of if each.link.context.startswith("r")]
    if len(meant) != 1 or plugins:
        return None
    plugins.append(meant[0])
    return 0


def _numbered(text: str, reading: Reading) -> tuple[str, list[PluginReading]]:
    """Return *text* in lower case with a number for each plugin that it surely names, and these plugins."""
    sure = [each for each in reading.plugins if surely_named(each) and each.link.end <= len(text)]
    out, reached = "", 0
    numbered: list[PluginReading] = []
    for each in sorted(sure, key=lambda each: (each.link.start, -each.link.end)):
        if each.link.start >= reached:
            if each.link.names not in (names := [other.link.names for other in numbered]):
                numbered.append(each)
                names.append(each.link.names)
            out += f"{_without_digits(text[reached : each.link.start])}{names.index(each.link.names)}"
            reached = each.link.end
    out += _without_digits(text[reached:])
    for number, each in enumerate(numbered):  # called once more it has no link
        called = re.escape(text[each.link.start : each.link.end])
        out = re.sub(rf"(?<!\w){called}(?!\w)", str(number), out, flags=re.IGNORECASE)
    return re.sub(r"\s+", " ", out.lower()).strip(" .!"), numbered


def _without_digits(text: str) -> str:
    return re.sub(r"\d", "#", text)


def surely_named(each: PluginReading) -> bool:
    """Whether the words for the plugin can mean nothing else; several plugins may be called by them."""
    link = each.link
    if not link.named or (len(link.names) > 1 and link.kind != "ambiguous"):
        return False
    if link.kind == "exact" and each.state != "new":
        return True  # beside an order what is installed is meant, even where its name is an ordinary word
    return link.kind in ("whole", "alias") or (link.kind in ("exact", "ambiguous") and link.confidence >= SURE)
