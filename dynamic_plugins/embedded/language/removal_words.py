"""Words that say how a plugin goes: thrown out, off this machine, or altogether."""

from __future__ import annotations

import re

_MACHINE = r"(?:machine|laptop|computer|dis[ck]|pc|hard drive)"
_OF_MACHINE = (
    r"(?:vom (?:rechner|laptop|computer)|von der (?:kiste|platte)|del (?:ordenador|equipo|disco)"
    r"|z (?:komputera|kompa|dysku)|de la (?:machine|computadora|compu|m[áa]quina)|de l['\u2019]ordi(?:nateur)?"
    r"|du disque|do computador|da m[áa]quina)"
)
THROWN_OUT = re.compile(rf"\boff (?:the|my|this|our)(?: \w+)? {_MACHINE}\b|\bdo kosza\b", re.I)
"""What is said so of a plugin switches none on, whatever verb stands in the sentence: "a to go, b do kosza"."""
LEAVES = re.compile(
    rf"{THROWN_OUT.pattern}|\b(?:from|out of)(?: of)? (?:the|my|this|our)(?: \w+)? {_MACHINE}\b"
    rf"|\b{_MACHINE} (?:too|as well|and all)\b|\bganz (?:weg|herunter|runter)\b|\b(?:daqui|de aqu[íi]|stąd|отсюда)\b",
    re.I,
)
"""A plugin that is to go so is removed, whether that is called off or out: "take it off this laptop"."""
SAYS_GONE = re.compile(
    rf"{LEAVES.pattern}|\b(?:{_OF_MACHINE}|for good|permanently|complete(?:ly)?|entire(?:ly)?|altogether|fully"
    r"|all the way|komplett|vollständig|ganz von|pour de bon|de vez|na dobre|del todo|por completo|completamente"
    r"|complètement|całkiem|volledig|helemaal|helt (?:bort|væk)|tamamen|насовсем)\b",
    re.I,
)
"""One that is to be unloaded so is removed; switched off so, "for good", "completely", it is only off."""
