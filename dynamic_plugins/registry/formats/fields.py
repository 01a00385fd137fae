"""One field of a stranger's entry at a time: what is usable comes back clean, what is not comes back as None or empty.

Text out of a registry is shown at a terminal and given to a model, so it holds no control, zero-width or direction
characters, and it is never longer than its limit, whatever the source sent.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dynamic_plugins.core.outside_data import parse_json
from dynamic_plugins.registry.entry import Argument, OfferedAction, Package, Variable, Verified
from dynamic_plugins.settings import is_forbidden, is_the_persons_own
from dynamic_plugins.text.printable import INVISIBLE, printable
from dynamic_plugins.text.secret_names import looks_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dynamic_plugins.registry.entry import Format, Kind, PackageType

NAME_LENGTH = 214  # the longest name npm allows
DESCRIPTION_LENGTH = 2000
KEYWORD_LENGTH, KEYWORDS = 60, 40
VALUE_LENGTH = 2000
VARIABLES, ARGUMENTS, PACKAGES, ACTIONS = 200, 60, 12, 1000
COMMAND_LENGTH, PROBLEM_LENGTH = 100, 300
MOST_COUNTED = 10**12

VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_HOLE = re.compile(r"(?<![${])\{([A-Za-z_][A-Za-z0-9_-]{0,127})\}(?!\})")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PYPI = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,212}[A-Za-z0-9])?")
_NPM = re.compile(r"(?:@[A-Za-z0-9~-][A-Za-z0-9._~-]*/)?[A-Za-z0-9~-][A-Za-z0-9._~-]*")
_GITHUB = re.compile(
    r"(?:git\+)?(?:github:|(?:https?://|ssh://git@|git://)?(?:www\.)?github\.com/|git@github\.com:)"
    r"(?P<owner>[A-Za-z0-9][A-Za-z0-9-]{0,38})/(?P<repo>[A-Za-z0-9._-]{1,100}?)(?:\.git)?/?"
    r"(?:#(?P<ref>[A-Za-z0-9._/@-]+)(?::(?P<path>[A-Za-z0-9._/@-]+))?)?",
    re.IGNORECASE,
)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_FORMATS: dict[str, Format] = {
    "string": "string",
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "filepath": "filepath",
}


def text(value: Any, limit: int) -> str:
    """Return *value* as one line of at most *limit* printable characters; an empty string if it is no text."""
    if not isinstance(value, str):
        return ""
    # Cut first: a description of ten megabytes must not cost ten megabytes of work.
    line = " ".join(value[: 4 * limit].split())
    if not line.isprintable():
        line = " ".join("".join(each for each in line if each.isprintable()).split())
    if not line.isascii():
        line = printable(line)
    if len(line) > limit:
        line = line[: limit - 1].rstrip() + "…"
    return line


def name(value: Any) -> str | None:
    """Return a plugin's name, or None if *value* cannot be one. A name is never shortened or mended."""
    if not isinstance(value, str):
        return None
    said = value.strip()
    if not said or len(said) > NAME_LENGTH or not said.isprintable() or INVISIBLE.search(said):
        return None
    return said


def kind_of(plugin: str, packages: Iterable[Package]) -> Kind:
    """Return the kind of a plugin whose entry does not say it."""
    packages = tuple(packages)
    base = plugin.rpartition("/")[2].lower()
    if plugin.lower().startswith("@elizaos") or base.startswith(("plugin-", "elizaos-plugin-", "eliza-plugin-")):
        return "elizaos"
    if packages and all(package.type in ("git", "path") for package in packages):
        return "python"
    return "mcp"


def repository(value: Any) -> str:
    """Return where the source code lies: ``github:owner/repo[#ref[:path]]``, another https address, or nothing."""
    if isinstance(value, dict):  # server.json and package.json both have {"url": …}
        value = value.get("url")
    said = text(value, 300)
    if found := _GITHUB.fullmatch(said):
        where = f"github:{found['owner']}/{found['repo']}"
        return where + (f"#{found['ref']}" if found["ref"] else "") + (f":{found['path']}" if found["path"] else "")
    return said.removesuffix(".git") if said.startswith(("https://", "http://")) and " " not in said else ""


def keywords(value: Any, *, without: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return the words of a list, each once, in order."""
    if not isinstance(value, list):
        return ()
    words = (text(each, KEYWORD_LENGTH) for each in value[: 4 * KEYWORDS])
    return tuple(dict.fromkeys(word for word in words if word and word.lower() not in without))[:KEYWORDS]


def listed(value: Any, make: Callable[[Any], Any], limit: int) -> tuple[Any, ...]:
    """Return what *make* makes of a list's members, without those it makes nothing of."""
    if not isinstance(value, list):
        return ()
    return tuple(made for made in map(make, value[:limit]) if made is not None)


def offered_action(value: Any) -> OfferedAction | None:
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, dict) or (known := name(value.get("name"))) is None:
        return None
    return OfferedAction(known, text(value.get("description"), DESCRIPTION_LENGTH))


def count(value: Any) -> int:
    """Return a number of things, 0 for anything that is none, and for more than anybody counts."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_COUNTED else 0


def verified(value: Any) -> Verified | None:
    """Return what was seen of a plugin, or None where no day says when."""
    if not isinstance(value, dict) or not isinstance(value.get("date"), str) or not _DAY.fullmatch(value["date"]):
        return None
    return Verified(
        value["date"],
        text(value.get("version"), 64),
        count(value.get("actions")),
        count(value.get("tokens")),
        value.get("keyless") is True,
        text(value.get("python"), 20),
        text(value.get("node"), 20),
        count(value.get("size_bytes")),
    )


def variable(value: Any) -> Variable | None:
    """Return a configuration variable in our own or ``server.json``'s spelling.

    One that decides which code runs (``PATH``, ``LD_PRELOAD``) is none, nor one of ours, such as our passphrase, nor
    one that is the person's own (``HTTPS_PROXY``): a registry's word for these reaches no plugin.
    """
    if not isinstance(value, dict):
        return None
    known = value.get("name")
    if not isinstance(known, str) or not VARIABLE_NAME.fullmatch(known):
        return None
    if is_forbidden(known) or is_the_persons_own(known):
        return None
    fixed = scalar(_without_line_end(value.get("value")))
    if fixed is not None and _is_template(fixed):
        fixed = None  # a template that the person's values would fill; they set the variable itself
    default = fixed if fixed is not None else scalar(_without_line_end(value.get("default")))
    secret = _flag(value, "secret", "isSecret", "sensitive")
    return Variable(
        name=known,
        description=text(value.get("description"), 300),
        required=bool(_flag(value, "required", "isRequired")) and fixed is None,
        secret=looks_secret(known) if secret is None else secret,
        default=default,
        choices=_choices(value.get("choices")),
        format=_format(value),
        secret_declared=secret is not None,
    )


def argument(value: Any) -> Argument | None:
    """Return one command-line argument, or None if a command line cannot be made with it."""
    if not isinstance(value, dict) or value.get("type") not in ("named", "positional"):
        return None
    named = value["type"] == "named"
    flag = text(value.get("name"), KEYWORD_LENGTH) if named else ""
    if named and (not flag or " " in flag):
        return None
    fixed, hint, detail = (
        scalar(_without_line_end(value.get("value"))),
        value.get("hint") or value.get("valueHint"),
        value,
    )
    if fixed is None and value.get("value") is not None:
        return None
    if fixed is not None and _is_template(fixed):
        open_name = fixed[1:-1] if fixed[0] == "{" and fixed[-1] == "}" else ""
        inner = value.get("variables", {}).get(open_name) if isinstance(value.get("variables"), dict) else None
        if not VARIABLE_NAME.fullmatch(open_name):
            return None
        fixed, hint, detail = None, hint or open_name, {**value, **(inner if isinstance(inner, dict) else {})}
    known = flag or text(hint, KEYWORD_LENGTH)
    secret = _flag(detail, "secret", "isSecret")
    return Argument(
        type="named" if named else "positional",
        name=flag,
        value=fixed,
        hint=text(hint, KEYWORD_LENGTH),
        description=text(detail.get("description"), 300),
        required=bool(_flag(detail, "required", "isRequired")),
        secret=looks_secret(known.lstrip("-").replace("-", "_")) if secret is None else secret,
        repeated=bool(_flag(value, "repeated", "isRepeated")),
        default=scalar(_without_line_end(detail.get("default"))),
        choices=_choices(detail.get("choices")),
        format=_format(detail),
    )


def _is_template(fixed: str) -> bool:
    """Return whether a fixed value has ``{NAME}`` in it, to be filled.

    Any other braces are part of it: those of JSON, and of ``${NAME}`` and ``{{NAME}}``, which the server fills itself.
    """
    if _HOLE.search(fixed) is None:
        return False
    try:
        return not isinstance(parse_json(fixed), dict | list)
    except ValueError:
        return True


def arguments(value: Any) -> tuple[Argument, ...] | None:
    """Return a package's arguments in order; None if one of them that it needs cannot be understood."""
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > ARGUMENTS:
        return None
    made: list[Argument] = []
    for each in value:
        one = argument(each)
        if one is not None:
            made.append(one)
        elif not isinstance(each, dict) or _flag(each, "required", "isRequired") is not False:
            return None  # left out, it would be another command than the one that was meant
    return tuple(made)


def argument_problem(packages: Iterable[Any], key: str) -> str:
    """Return which argument under *key* keeps a package of *packages* from being installed; empty where none does."""
    for each in packages:
        given = each.get(key) if isinstance(each, dict) else None
        if arguments(given) is None:
            odd = next((one for one in given if argument(one) is None), given) if isinstance(given, list) else given
            return f"its argument {json.dumps(odd, ensure_ascii=False, default=str)[:100]} is not understood"
    return ""


def package(type_: PackageType, said: Any, version: Any, given: Any, digest: Any = None) -> Package | None:
    """Return where a plugin's code comes from, or None if nothing could be installed from it safely."""
    known = name(said)
    made = arguments(given)
    if known is not None and type_ == "git" and (found := _GITHUB.fullmatch(known)):
        known = f"https://github.com/{found['owner']}/{found['repo']}" + (f"@{found['ref']}" if found["ref"] else "")
    if known is None or made is None or not _package_name(type_, known):
        return None
    sha256 = digest.lower() if isinstance(digest, str) and digest else None
    if (digest and sha256 is None) or (sha256 is not None and not _SHA256.fullmatch(sha256)):
        return None  # a digest that cannot be checked must not pass for one that was
    return Package(type_, known, release(version), made, sha256)


def release(value: Any) -> str | None:
    """Return the version as it is written, or None for the newest: nothing, ``latest``, ``0.0.0``.

    One that is none (``^1.2``, ``$VERSION``, a number) stays, and is refused when it would be installed: it must not
    mean the newest.
    """
    if value is None:
        return None
    said = text(value, 64) if isinstance(value, str) else f"({type(value).__name__})"
    return said if said not in {"", "latest", "0.0.0"} else None


def _package_name(type_: PackageType, said: str) -> bool:
    if type_ == "pypi":
        return _PYPI.fullmatch(said) is not None
    if type_ == "npm":
        return _NPM.fullmatch(said) is not None
    if type_ == "git":
        # Only transports that authenticate the host: not git://, not ext::, never an option in disguise.
        split = urlsplit(said.removeprefix("git+"))
        return split.scheme in ("https", "ssh") and not said.startswith("-") and " " not in said
    return not said.startswith("-")


def scalar(value: Any) -> str | None:
    """Return a JSON scalar as the text a process gets; None for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str) and len(value) <= VALUE_LENGTH and value.translate(_LINES).isprintable():
        return value
    return None


_LINES = {ord("\n"): None, ord("\t"): None}
"""What a value of several lines has in it, such as JSON that is set out: shown by their codes where one agrees."""


def _without_line_end(value: Any) -> Any:
    """Return *value* without what surrounds it, as it goes from what a person sets."""
    return value.strip() if isinstance(value, str) else value


def _choices(value: Any) -> tuple[str, ...]:
    return listed(value, scalar, 100)


def _format(value: dict[str, Any]) -> Format:
    for key in ("format", "type"):
        if isinstance(said := value.get(key), str) and said in _FORMATS:
            return _FORMATS[said]
    return "string"


def _flag(value: dict[str, Any], *keys: str) -> bool | None:
    said = ({"true": True, "false": False}.get(str(value[key]).lower()) for key in keys if key in value)
    return next((each for each in said if each is not None), None)
