"""Words that say how a plugin goes: off this machine, for good, or altogether."""

from __future__ import annotations

import re

_MACHINE = (
    r"(?:machine|laptop|computer|dis[ck]|box|system|pc|hard drive|rechner|kiste|platte|ordenador|equipo|disco"
    r"|m[áa]quina|ordi\w*|disque|komp\w*|dysk\w*)"
)
OFF_THE_MACHINE = re.compile(rf"\b(?:off|from|out of)(?: of)? (?:the|my|this|our)(?: \w+)? {_MACHINE}\b", re.I)
LEAVES = re.compile(
    rf"{OFF_THE_MACHINE.pattern}|\b(?:vom|von der|de la|de l['\u2019]|del|du|do|da|z) ?{_MACHINE}\b"
    r"|\b(?:for good|permanently|ganz (?:weg|herunter|runter|von)|pour de bon|de vez|do kosza|na dobre"
    r"|helt (?:bort|væk)|насовсем)\b",
    re.I,
)
"""A plugin that is to go so is removed, whatever the verb: "off the laptop with it"."""
SAYS_GONE = re.compile(
    rf"{LEAVES.pattern}|\b(?:complete(?:ly)?|entire(?:ly)?|altogether|fully|all the way|komplett|vollständig|del todo"
    r"|por completo|completamente|complètement|całkiem|volledig|helemaal|tamamen)\b",
    re.I,
)
"""One that is to be unloaded so is removed: "switched off completely" is only off."""
