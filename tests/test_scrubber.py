"""Known secrets are taken out of results, schemas, errors and logs, however a program writes them, and nothing else."""

from __future__ import annotations

import base64
import html
import json
import random
import re
import string
import time
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest

from dynamic_plugins import DynamicPlugins
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.install.plugin_table import own_table
from dynamic_plugins.redaction.detector import find_secrets
from dynamic_plugins.redaction.detectors.token_formats import warm_up
from dynamic_plugins.redaction.scrubber import Scrubber, plugin_scrubber
from dynamic_plugins.registry.entry import Entry, Variable, to_dict
from dynamic_plugins.registry.formats import fields
from dynamic_plugins.registry.lazy_entries import from_row, to_row
from dynamic_plugins.settings import Settings
from tests.loading import PLUGINS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dynamic_plugins.install.installation import Installation

SECRET = "a/b+c d&\"e'<é>=\\9Zq"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQ/IBADANBgkq+hkiG9w0\nBAQEFAASCBKcwggSj\n-----END PRIVATE KEY-----"


def lower(quoted: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda code: code.group().lower(), quoted)


def in_base64(shift: int, *, url_safe: bool = False) -> str:
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    return encode(b"u" * shift + SECRET.encode() + b" and more").decode()


def by_code(form: str, plain: str) -> str:
    return "".join(each if each.isalnum() or each in plain else form.format(ord(each)) for each in SECRET)


WRITTEN: dict[str, Callable[[], str]] = {
    "as it is": lambda: SECRET,
    "in an address": lambda: quote(SECRET, safe=""),
    "in an address, slashes kept": lambda: quote(SECRET),
    "in an address, lower case": lambda: lower(quote(SECRET, safe="")),
    "in an address, slashes kept, lower case": lambda: lower(quote(SECRET)),
    "in a form": lambda: quote_plus(SECRET),
    "in a form, slashes kept, lower case": lambda: lower(quote_plus(SECRET, safe="/")),
    "as encodeURIComponent writes it": lambda: quote(SECRET, safe="!'()*~"),
    "in an address in an address": lambda: quote(quote(SECRET, safe=""), safe=""),
    "in HTML, all marks numbered": lambda: by_code("&#{};", ",._- "),
    "in HTML, all marks numbered in hexadecimal": lambda: by_code("&#x{:x};", ",._- "),
    "in a script, as OWASP writes it": lambda: by_code("\\x{:02X}", ",._"),
    "in hexadecimal": lambda: SECRET.encode().hex(),
    "in HTML": lambda: html.escape(SECRET),
    "in HTML, quotes kept": lambda: html.escape(SECRET, quote=False),
    "in HTML, numbered": lambda: html.escape(SECRET).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    "in XML": lambda: html.escape(SECRET).replace("&#x27;", "&apos;"),
    "in JSON": lambda: json.dumps(SECRET),
    "in JSON, Unicode kept": lambda: json.dumps(SECRET, ensure_ascii=False),
    "in JSON, slashes escaped": lambda: json.dumps(SECRET).replace("/", "\\/"),
    "in JSON that HTML may hold": lambda: re.sub("[<>&']", lambda m: f"\\u{ord(m[0]):04x}", json.dumps(SECRET)),
    "in JSON in JSON": lambda: json.dumps(json.dumps({"key": SECRET})),
    "in JSON in JSON, Unicode kept": lambda: json.dumps(json.dumps(SECRET, ensure_ascii=False), ensure_ascii=False),
    "in HTML in JSON": lambda: json.dumps(html.escape(SECRET)),
    "in an address in JSON, slashes escaped": lambda: json.dumps(quote(SECRET)).replace("/", "\\/"),
    "as Python shows it in JSON": lambda: json.dumps(repr(SECRET)),
    "as Python shows it": lambda: repr(SECRET),
    "as Python shows it in a longer text": lambda: repr(f'"{SECRET}"'),
    "as Python shows bytes": lambda: repr(SECRET.encode()),
    **{f"in base64, shifted by {n}": partial(in_base64, n) for n in range(3)},
    **{f"in url-safe base64, shifted by {n}": partial(in_base64, n, url_safe=True) for n in range(3)},
}


def encoded(text: str) -> bool:
    """Return whether *text* is base64 that still holds the secret, or most of it."""
    for shift in range(4):
        try:
            plain = base64.b64decode(text[shift:].replace("-", "+").replace("_", "/") + "==")
        except ValueError:
            continue
        if SECRET.encode()[3:-3] in plain:
            return True
    return False


@pytest.mark.parametrize("way", WRITTEN)
def test_a_secret_is_taken_out_however_a_program_writes_it(way: str) -> None:
    written = WRITTEN[way]()
    scrubber = Scrubber({SECRET: "[gone]"})
    for clean in (scrubber.text(f"x {written} y"), scrubber.result({"said": [f"x {written} y"]})["said"][0]):
        assert "[gone]" in clean
        assert clean.startswith("x ")
        assert clean.endswith(" y")
        assert "9Zq" not in clean
        assert not encoded(clean.replace("[gone]", ""))


@pytest.mark.parametrize("line", KEY.splitlines()[1:-1])
def test_each_line_of_a_long_secret_is_one(line: str) -> None:
    scrubber = Scrubber({KEY: "***"})
    assert scrubber.text(f"bad line {line!r}") == "bad line '***'"
    assert scrubber.text(json.dumps(f"in {KEY}")) == '"in ***"'
    assert scrubber.text("expected -----BEGIN PRIVATE KEY-----") == "expected -----BEGIN PRIVATE KEY-----"


@pytest.mark.parametrize("written", ["sk\\u002Dlive\\u002D9aB8cD7eF6", "736b2d6c6976652d396142386344376546362e"])
def test_a_token_of_plain_characters_is_found_where_a_template_or_a_dump_wrote_it(written: str) -> None:
    assert (
        Scrubber({"sk-live-9aB8cD7eF6.": "***", "sk-live-9aB8cD7eF6": "***"}).text(f"it is {written}!").count("***")
        == 1
    )


def test_of_two_secrets_that_overlap_the_longer_goes_first() -> None:
    scrubber = Scrubber({"abcd1234": "[one]", "abcd1234efgh": "[two]"})
    assert scrubber.text("abcd1234efgh abcd1234") == "[two] [one]"


# ------------------------------------------------------------------------------------------- what stays

TOOL = {
    "name": "swordfish_report",
    "description": "Reports to swordfish",
    "parameters": {
        "type": "object",
        "properties": {"swordfish": {"type": "string", "enum": ["swordfish", "trout"], "description": "or swordfish"}},
        "required": ["swordfish"],
    },
}


def test_names_keys_and_choices_of_a_tool_are_never_rewritten() -> None:
    clean = Scrubber({"swordfish": "***"}).schema(TOOL)
    assert clean == {
        "name": "swordfish_report",
        "description": "Reports to ***",
        "parameters": {
            "type": "object",
            "properties": {"swordfish": {"type": "string", "enum": ["swordfish", "trout"], "description": "or ***"}},
            "required": ["swordfish"],
        },
    }


def test_names_keys_and_choices_of_a_result_are_never_rewritten() -> None:
    result = {"swordfish": [{"name": "swordfish", "value": "swordfish"}], "schema": {"enum": ["swordfish"]}}
    assert Scrubber({"swordfish": "***"}).result(result) == {
        "swordfish": [{"name": "swordfish", "value": "***"}],
        "schema": {"enum": ["swordfish"]},
    }


def test_what_can_only_be_a_secret_stays_nowhere() -> None:
    token = "gh" + "p_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY"
    scrubber = Scrubber({token: "***"})
    assert scrubber.result({token: {"name": token, "enum": [token]}}) == {"***": {"name": "***", "enum": ["***"]}}
    assert scrubber.schema({"name": f"as_{token}"}) == {"name": "as_***"}


@pytest.mark.parametrize("common", ["token", "search", "100", "true", "admin", "Ada", "7", "8080"])
def test_short_and_common_values_are_left_alone_in_results(common: str) -> None:
    result = {"text": f"it says {common}, and so on"}
    assert Scrubber({common: "***"}).result(result) is result


def test_a_result_without_secrets_is_the_same_object() -> None:
    result = {"a": [1, None, True, "text"]}
    assert Scrubber({SECRET: "***"}).result(result) is result


# ------------------------------------------------------------------------------------------- whose values are secret


def test_a_variable_that_is_declared_to_be_no_secret_is_none() -> None:
    variables = [Variable("AUTH_TOKEN", secret_declared=True), Variable("API_KEY"), Variable("NOTE", secret=True)]
    values = {"AUTH_TOKEN": "public99", "API_KEY": "hidden99a", "NOTE": "hidden99b", "OTHER_KEY": "hidden99c"}
    scrubber = plugin_scrubber(values, variables)
    assert scrubber.result(list(values.values())) == ["public99", "***", "***", "***"]
    assert scrubber.text("from public99") == "from ***", "an error may say more than it seems"


def test_a_declaration_outlives_the_formats_that_it_is_kept_in() -> None:
    declared, by_name = (fields.variable({"name": "A_TOKEN", **more}) for more in ({"secret": False}, {}))
    assert declared is not None
    assert by_name is not None
    assert (declared.is_secret, by_name.is_secret) == (False, True)
    entry = Entry("a", config=(declared, by_name))
    assert [variable.is_secret for variable in from_row(to_row(entry), "").config] == [False, True]
    again = [fields.variable(each) for each in to_dict(entry)["config"]]
    assert [variable.is_secret for variable in again if variable] == [False, True]


def test_a_plugin_that_does_not_say_whether_a_variable_is_secret_leaves_it_to_the_name() -> None:
    declared = [{"name": "A_TOKEN"}, {"name": "B_TOKEN", "secret": False}, {"name": "PLACE"}]
    config = own_table({"config": declared}).config
    assert [variable.is_secret for variable in config] == [True, False, False]
    assert [variable.secret for variable in config] == [True, False, False]


VARIABLES = [
    *({"name": name, "secret": False} for name in ("MAX_TOKENS", "AUTHOR", "AUTH_TYPE", "AUTH_MODE", "SHARED_KEY")),
    {"name": "SERVICE_TOKEN", "secret": True},
]
VALUES = {"MAX_TOKENS": "100", "AUTHOR": "Ada", "AUTH_TYPE": "token", "AUTH_MODE": "search"}
SERVICE_TOKEN = "sv" + "-" + "aB3dE5fG7hJ9kL1mN3"


async def test_a_plugin_whose_settings_are_ordinary_words_keeps_its_words(home: Path, tmp_path: Path) -> None:
    entry = {
        "name": "outspoken",
        "kind": "python",
        "packages": [{"type": "path", "name": str(PLUGINS / "outspoken")}],
        "config": VARIABLES,
    }
    listed = tmp_path / "registry.json"
    listed.write_text(json.dumps({"schema": 1, "plugins": [entry]}))
    environment = {
        "DYNAMIC_PLUGINS_PASSPHRASE": "correct horse",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    settings = Settings.from_environment(environment, home=home, registries=(str(listed),))
    async with DynamicPlugins(settings=settings, approve=approve_everything) as plugins:
        await plugins.call("install_plugin", {"plugin_name": "outspoken"})
        await plugins.app.service.configure(
            "outspoken", VALUES | {"SHARED_KEY": "public-99x", "SERVICE_TOKEN": SERVICE_TOKEN}
        )
        assert (await plugins.call("activate_plugin", {"plugin_name": "outspoken"}))["ok"]
        tools = {tool["function"]["name"]: tool["function"] for tool in plugins.tools("openai")}
        search = tools["outspoken__search"]
        report = (await plugins.call("outspoken__report", {}))["result"]
        failed = (await plugins.call("outspoken__fail", {}))["error"]["message"]
    assert search["description"].endswith("Looks for a token.")
    assert list(search["parameters"]["properties"]) == ["token"]
    assert report == {
        "search": "of 100 rows by Ada 3 need a token; the search is done",
        "token": ["***"],
        "choices": {"enum": ["token", "search", "public-99x"]},
    }
    assert "refused *** and ***" in failed


def test_an_install_that_was_kept_before_declarations_were_goes_by_names(installation: Installation) -> None:
    kept = installation.to_dict()
    kept["variables"] = [{"name": "A_TOKEN", "secret": False, "choices": []}, {"name": "PLACE", "choices": []}]
    again = type(installation).from_dict(kept)
    assert [variable.is_secret for variable in again.variables] == [True, False]


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    from tests.loading import native

    return native(tmp_path, "outspoken:plugin", "outspoken")


# ------------------------------------------------------------------------------------------- time

SIZE = 100_000
LETTERS = string.ascii_letters + string.digits
# Each took seconds to minutes, or may take them where a pattern looks back or ahead without a bound.
PIECES = [
    *(" ", "\n", "a", "=", "'", '"', "\\", "AKIA", "eyJ", "xox" + "b-1-", "://a:", "key “", "key ", "key=", "A_KEY "),
    *("A_KEY=a,", 'A_KEY="b\n', "A_KEY=my_:", "A_KEY=[secret:1] ", "--key=", "password is ", "a1b2c3d4e5f6g7h8i9j0\n"),
    *("a1b2c_", "word ", "パスワードは", "-----BEGIN PRIVATE KEY-----\n", "cookie: a=", "curl -u ", "https://a "),
    'name="a", value="b"',
]
RNG = random.Random(1)  # noqa: S311 # nobody's secret
TEXTS = {repr(piece): piece * (SIZE // len(piece)) for piece in PIECES} | {
    "key and a run of blanks": ("key" + " " * 5_000) * (SIZE // 5_003),
    "curl and a run of blanks": "curl -u " * 2_000 + "key " * 5_000 + " " * (SIZE // 2),
    "A_KEY and a run of blanks": "A_KEY " * (SIZE // 12) + " " * (SIZE // 2),
    "a base64 wall": "".join(RNG.choices(LETTERS + "+/", k=SIZE)),
    "base64 in lines": "\n".join("".join(RNG.choices(LETTERS + "+/", k=76)) for _ in range(SIZE // 77)),
    "base64 in words": " ".join("".join(RNG.choices(LETTERS, k=30)) for _ in range(SIZE // 31)),
    "a wall with a name": "A_KEY=" + "".join(RNG.choices(LETTERS, k=SIZE)),
    "any characters": "".join(RNG.choices(string.printable, k=SIZE)),
    "quotes": "".join(RNG.choices("\"'` a=\\", k=SIZE)),
    "names and addresses": "".join(RNG.choices(["://a:", "A_TOKEN"], k=SIZE // 6)),
}
SECRETS = ["aaaaaaaaab", "=" * 9, "key key key", "".join(RNG.choices(LETTERS, k=40)), SECRET, KEY, "a1b2c3d4e5f6"]


def seconds(work: Callable[[], Any]) -> float:
    """Return the processor time of *work*: where that is too much the best of three, since the machine does others."""

    def once() -> float:
        started = time.process_time()
        work()
        return time.process_time() - started

    first = once()
    return first if first < 1 else min(first, once(), once())


@pytest.mark.parametrize("text", TEXTS)
def test_a_hundred_kilobytes_take_less_than_a_second(text: str) -> None:
    warm_up()
    known = {secret: f"[secret:{number}]" for number, secret in enumerate(SECRETS)}

    def through_both_doors() -> None:
        find_secrets(TEXTS[text], {"A_KEY"}, {"A_KEY"})
        scrubber = Scrubber(known, ["a configured value"])
        scrubber.text(TEXTS[text])
        scrubber.result({"said": TEXTS[text], "lines": TEXTS[text].split("\n")})

    assert seconds(through_both_doors) < 1


def test_many_secrets_are_looked_for_in_a_long_text_at_once() -> None:
    secrets = ["".join(RNG.choices(LETTERS, k=30)) for _ in range(2_000)]
    text = " ".join(secrets)
    clean = ""

    def scrub() -> None:
        nonlocal clean
        clean = Scrubber(dict.fromkeys(secrets, "***")).text(text)

    assert seconds(scrub) < 1
    assert clean == " ".join(["***"] * 2_000)
