"""Fake tokens in the formats of real services, and the ways in which people paste them.

They are made when a test runs, and their beginnings are put together here, so that no scanner finds one in this file.
"""

from __future__ import annotations

import base64
import json
import string
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

_ALNUM = string.ascii_letters + string.digits
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_HEX = "0123456789abcdef"


def _some(rng: random.Random, alphabet: str, count: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(count))


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


KINDS: dict[str, Callable[[random.Random], str]] = {
    "github": lambda rng: "gh" + "p_" + _some(rng, _ALNUM, 36),
    "openai": lambda rng: "sk-pr" + "oj-" + _some(rng, _ALNUM + "-_", 73) + "T3Blbk" + "FJ" + _some(rng, _ALNUM, 74),
    "slack": lambda rng: "xo" + "xb-" + "-".join([_some(rng, string.digits, 12)] * 2 + [_some(rng, _ALNUM, 24)]),
    "discord": lambda rng: ".".join(["M" + _some(rng, _ALNUM, 25), _some(rng, _ALNUM, 6), _some(rng, _ALNUM, 38)]),
    "aws": lambda rng: _some(rng, _ALNUM + "+/", 40),
    "stripe": lambda rng: "sk_li" + "ve_" + _some(rng, _ALNUM, 99),
    "notion": lambda rng: "nt" + "n_" + _some(rng, _ALNUM, 46),
    "telegram": lambda rng: _some(rng, "123456789", 10) + ":" + "AA" + _some(rng, _ALNUM + "-_", 33),
    "private key": lambda rng: rng.choice(["0x" + _some(rng, _HEX, 64), _some(rng, _HEX, 64), _some(rng, _BASE58, 88)]),
    "jwt": lambda rng: ".".join(
        [_part({"alg": "HS256"}), _part({"sub": _some(rng, _ALNUM, 12)}), _some(rng, _ALNUM + "-_", 43)]
    ),
    "unknown": lambda rng: _some(rng, _ALNUM, 32),
}

NAME = "KEEPER_API_TOKEN"
WAYS: dict[str, Callable[[str], str]] = {
    "alone in a sentence": lambda t: f"here is the key {t} for the keeper plugin",
    "as an assignment": lambda t: f"{NAME}={t}",
    "in a shell line": lambda t: f'run this for keeper:\nexport {NAME}="{t}"',
    "in an env file": lambda t: f"KEEPER_ROOM=attic\n{NAME}={t}\nLOG_LEVEL=debug",
    "in json": lambda t: json.dumps({"plugin": "keeper", "configuration": [{"name": NAME, "value": t}]}),
    "with its name in lower case": lambda t: f"my {NAME.lower()} is {t}, thanks!",
    "in a code fence": lambda t: f"configure the keeper plugin with\n```\n{t}\n```\nplease",
    "twice": lambda t: f"keeper plugin: {t} (once more: {t})",
    "in an address": lambda t: f"the keeper plugin needs https://user:{t.replace('/', '%2F')}@host.invalid/path",
    "broken over two lines": lambda t: f"{NAME}={t[: len(t) // 2]}\n{t[len(t) // 2 :]}",
    "at the end of a sentence": lambda t: f"The keeper's token is “{t}”.",
}


def pieces(token: str) -> list[str]:
    """Return parts of *token* that are in no other text: none of them may be found anywhere."""
    plain = token[len(token) % 7 :]
    return [plain[start : start + 9] for start in range(9, len(plain) - 9, 3)]
