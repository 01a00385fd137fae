"""A tool's error in a conversation, for the person: the message of the error object is worded for the model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Phrase = Callable[[str, Mapping[str, Any]], str]
    Instead = str | Callable[[re.Match[str]], str]


def in_conversation(error: Mapping[str, Any], plugin: str) -> str:
    """Return what the error object of a call about *plugin* (as it was asked for) says, and what the person can do.

    That is the message, turned to the person, where *plugin* is empty or nothing shorter is known.
    """
    code = str(error.get("code"))
    if code == "declined":
        return "You declined, so nothing was changed."
    if plugin and (phrase := _PHRASES.get(code)) is not None:
        return phrase(plugin, error)
    return to_the_person(str(error.get("message") or "it gave no reason"), code)


def _unknown(plugin: str, error: Mapping[str, Any]) -> str:
    near = _listed(error, "suggestions")
    return f"I know no plugin called {plugin!r}. " + (
        f"Did you mean {' or '.join(near[:4])}?" if near else "Tell me what it should be able to do."
    )


def _ambiguous(plugin: str, error: Mapping[str, Any]) -> str:
    return f"{plugin!r} could be {', '.join(_listed(error, 'suggestions'))}. Which one do you mean?"


def _not_installed(plugin: str, _error: Mapping[str, Any]) -> str:
    return f"{plugin} is not installed. Tell me to install it first."


def _needs_configuration(plugin: str, error: Mapping[str, Any]) -> str:
    if command := error.get("sign_in"):
        return f"{plugin} needs you to sign in first: {command}"
    return f"{plugin} needs {', '.join(_listed(error, 'missing'))} first: dynamic-plugins configure {plugin}"


def _listed(error: Mapping[str, Any], key: str) -> list[str]:
    return [str(each) for each in error.get(key) or ()]


_PHRASES: dict[str, Phrase] = {
    "unknown_plugin": _unknown,
    "ambiguous_name": _ambiguous,
    "not_installed": _not_installed,
    "needs_configuration": _needs_configuration,
}


def to_the_person(message: str, code: str = "") -> str:
    """Return a *message* that was worded for a model as it speaks to the person: of them as you, and of no tools.

    It knows the turns of phrase of ``errors.py`` and of the guards; ``tests/test_error_readers.py`` goes through all.
    Where *code* says that a plugin's own words are in it, or nothing, no more than those is changed: its persons are
    others.
    """
    for pattern, instead in _TURNS if code in _IN_OTHER_WORDS else (*_TURNS, *_OF_THE_PERSON):
        message = re.sub(pattern, instead, message)  # compiled when first wanted, and kept
    return message.strip()


_TURNS: tuple[tuple[str, Instead], ...] = (
    # What only a model does about it.
    (r" ?That command is the person's to type\.", ""),
    (r" ?Ask the person, then use that exact name\.", ""),
    (r"Ask the person which one, then use its full name\.", "Which one do you mean?"),
    (r"Ask the person which plugin it is for", "Say which plugin it is for"),
    (
        r"Ask the person which one to remove, with unload_plugin and uninstall true, and install this one then\.",
        "Tell me which one to remove.",
    ),
    (
        r"Ask the person which plugin to remove, with unload_plugin and uninstall true: what it wrote goes with it\.",
        "Tell me which plugin to remove: what it wrote goes with it.",
    ),
    (
        r" needs the person's word, and this program has already made calls that change something, which stay made\. "
        r"Call it in a new program that does not repeat them\.",
        " needs your word; what the program changed before stays changed.",
    ),
    (r"; do not ask again unless they bring it up\b", ""),
    (r" ?Tell them so, and suggest a listed plugin\.", ""),
    (
        r"Or on the person's own page, which asks them now: (.+?)\. Tell them so\. Once they have said yes there, make "
        r"this same call again\.",
        lambda found: f"You are also asked on your page: {found[1]}. Once you have said yes there, say it again.",
    ),
    (r" ?Call \w+ again once they have agreed\.", ""),
    (r"Leave it out, or ask them whether they want that one\.", "Say it if you want that one."),
    (r"Ask them first, and call it when they say yes\.|Ask them first\.", 'Say "yes" if you want it.'),
    (r"Ask them for it\.(?= They set)", ""),
    (r"Ask them for it\.", "Say it if you want that."),
    (r"Find out what was done, or ask the person, before you call it again", "Look first, then ask for it again"),
    (r"Search with list_available_plugins for what it should be able to do\.", "Say what it should be able to do."),
    (r"Install it first with install_plugin\.", "Have it installed first."),
    (r"activate it with activate_plugin first", "have it switched on first"),
    (r": it is the name that search_plugin_actions gives\.", "."),
    # The commands that are the person's.
    (r"They do so with:", "Sign in with:"),
    (r"They agree by running this in a terminal:", "You agree by running this in a terminal:"),
    (r"They dismissed the question\.", "You dismissed the question."),
    (r"This client cannot ask them\.", "This client cannot ask you."),
    (r"If the person trusts it, they run:", "If you trust it:"),
    (r"Only the person can \w+ that, if they want to, with:", "If you want it to, type:"),
    (r"\b(?:The person|They) does it with:", "If you want it:"),
    (r"The person is shown the difference, and asked, by:", "The difference is shown, and asked about, by:"),
    (
        r"\b(?:The person|They) (set|enter|run|type|tell)s?\b(?=.*dynamic-plugins )",
        lambda found: found[1].capitalize(),
    ),
    (r", then tries again\b", ", then try again"),
)
_OF_THE_PERSON: tuple[tuple[str, Instead], ...] = (
    (r"\b[Aa] person has to agree\b", "you have to agree"),
    (r"\bneeds the person to\b", "needs you to"),
    (r"\bwaits for the person\b", "waits for you"),
    (r"\bOnly if they write\b", "Only if you write"),
    (r"\bThe person has\b", "You have"),
    (r"\bThe person (?=declined|said)", "You "),
    (r"\bthe person has\b", "you have"),
    (r"\bthe person (?=\w)", "you "),
)
_IN_OTHER_WORDS = frozenset({"", "action_failed", "install_failed", "load_failed", "timeout", "sign_in_failed"})
