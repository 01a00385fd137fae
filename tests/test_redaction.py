"""What a person pastes: found, kept from the model and everywhere else, and given to the plugin it is meant for."""

from __future__ import annotations

import gc
import json
import logging
import random
import re
import time
import traceback
import weakref
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import pytest_asyncio

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.chat.redaction_setup import plugin_mentions
from dynamic_plugins.chat.turn import Watch
from dynamic_plugins.errors import BadArgumentsError
from dynamic_plugins.redaction.detector import find_secrets
from dynamic_plugins.redaction.ownership import PluginSecrets
from dynamic_plugins.redaction.scrubber import Scrubber, SecretsFilter
from dynamic_plugins.redaction.session_vault import SessionVault
from dynamic_plugins.registry.entry import Variable
from dynamic_plugins.settings import ModelSettings, Settings
from tests.fake_tokens import KINDS, NAME, WAYS, pieces
from tests.scripted_model import Messages, ScriptedModel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from dynamic_plugins.core.model_protocol import ToolCall
    from tests.conftest import Cli

KEEPER = Path(__file__).parent / "plugins" / "keeper"
SNAPSHOT = Path(__file__).parent.parent / "dynamic_plugins" / "registry" / "snapshot.json"


def token(kind: str, seed: object = 0) -> str:
    return KINDS[kind](random.Random(f"{kind}/{seed}"))  # noqa: S311 - a fake that is the same each time


# ------------------------------------------------------------------------------------------- finding


@pytest.mark.parametrize("way", WAYS)
def test_a_token_is_found_whole_whatever_it_is_and_however_it_is_pasted(way: str) -> None:
    for kind, seed in product(KINDS, range(3)):
        secret = token(kind, seed)
        said = WAYS[way](secret)
        expected = secret.replace("/", "%2F") if way == "in an address" else secret
        found = find_secrets(said, {NAME}, {NAME})
        assert {each.value for each in found} == {expected}, (kind, seed)
        assert len(found) == (2 if way == "twice" else 1), (kind, seed)


ORDINARY = """\
Install @elizaos/plugin-discord and elizaos-plugin-scratchpad==2.0.0a5, please.
what does the secret-manager plugin do, and is key-value-store 1.4.0rc1 newer than 1.4.0?
How should I give you my token? I'd rather not paste it here.
DISCORD_API_TOKEN is missing, what do I do? The API key is required, isn't it?
Where do I get a NOTION_API_KEY? Set LOG_LEVEL=debug and TIMEZONE=Europe/Berlin.
Look at https://github.com/modelcontextprotocol/servers/tree/3f1c9d2e8b7a6c5d4e3f2a1b0c9d8e7f6a5b4c3d/src/time
the commit is 3f1c9d2e8b7a6c5d4e3f2a1b0c9d8e7f6a5b4c3d and the build 20261019-nightly.7
id 123e4567-e89b-12d3-a456-426614174000, sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
open https://docs.google.com/document/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit
what is the balance of address 7xKXtg2CW87d97TXJSDpbD5jBkheTqA83TZRuJosgAsU on mainnet?
pip install numpy-2.3.1-cp313-cp313-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl
Call convertBase64ToUtf8StringSafely or DefaultAsyncHttpx2Client with Qwen3-Coder-480B-A35B-Instruct-FP8.
read /var/lib/data/reports/2026-11-24T02-31-32/Report2026Final.md, then me@example.com at 10:45:00
API_KEY=<your key here>, TOKEN=${MY_TOKEN}, PASSWORD=********, SECRET=your-secret-here, key=None
the piano has a key: c4, the map has a key: blue1; press any key to go on
{"key": "user_1", "value": "two spoons of sugar"}
wie lautet der Schlüssel zum Erfolg? включи плагин для погоды, 安装天气插件
my password manager is 1password, and the pin is on the board
the password is wrong, it must be changed every week and kept in the keyring
my password is too short for that site
we walked along the river, looked at seven small boats, bought some bread, talked about school, then slept"""


def test_ordinary_sentences_are_left_alone() -> None:
    known = {"DISCORD_API_TOKEN", "NOTION_API_KEY", "API_KEY"}
    assert {line: found for line in ORDINARY.splitlines() if (found := find_secrets(line, known))} == {}


def test_nothing_in_the_bundled_registry_is_taken_for_a_secret() -> None:
    plugins = json.loads(SNAPSHOT.read_text())["plugins"]
    known = {each["name"] for plugin in plugins for each in plugin.get("config", ()) if each.get("secret")}

    def texts(value: Any, key: str = "") -> Iterator[str]:
        if isinstance(value, str):
            # 64 hexadecimal digits by themselves may be a key: what a digest is, its name says.
            yield json.dumps({key: value}) if key == "sha256" else value
        for name, each in value.items() if isinstance(value, dict) else ():
            yield from texts(each, name)
        for each in value if isinstance(value, list) else ():
            yield from texts(each)

    seen = list(texts(plugins))
    assert len(seen) > 1000
    assert [text for text in seen if find_secrets(text, known)] == []
    packages = [package for plugin in plugins for package in plugin.get("packages", ())]
    assert find_secrets(json.dumps(packages), known) == []
    assert find_secrets(json.dumps(packages, indent=1), known) == []


@pytest.mark.parametrize("name", ["key", "api_key", "private", "id", "address", "mysha256key", "data", "notsha256"])
def test_hexadecimal_digits_that_are_not_named_a_digest_are_a_secret(name: str) -> None:
    value = random.Random(name).randbytes(32).hex()  # noqa: S311 - a fake that is the same each time
    assert [each.value for each in find_secrets(json.dumps({name: value}))] == [value]


@pytest.mark.parametrize(
    ("said", "value", "label"),
    [
        ("DISCORD_API_TOKEN is abc123", "abc123", "DISCORD_API_TOKEN"),
        ("set discord-api-token to hunter2.", "hunter2", "DISCORD_API_TOKEN"),
        ("DISCORD_API_TOKEN=correct", "correct", "DISCORD_API_TOKEN"),
        ("my password is swordfish", "swordfish", ""),
        ("the passphrase: Tr0ub4dor&3", "Tr0ub4dor&3", ""),
        ("DB_PASSWORD=a,b;c!", "a,b;c!", "DB_PASSWORD"),
        ("A_TOKEN=one1,B_LEVEL=2", "one1", "A_TOKEN"),
        ('{"apiKey": "k1-v2"}', "k1-v2", "API_KEY"),
        ("use --api-key abc123def with it", "abc123def", "API_KEY"),
        ("postgres://admin:s3cr:et@db.invalid/x", "s3cr:et", ""),
        ("https://hooks.invalid/run?access_token=ab12cd34&x=1", "ab12cd34", "ACCESS_TOKEN"),
        ("mein Passwort lautet Kartoffel7", "Kartoffel7", ""),
        ("my password is correct horse battery staple.", "correct horse battery staple", ""),
        ("login bob, pw: hunter2", "hunter2", ""),
        ("密钥：ab12cd34ef，谢谢", "ab12cd34ef", ""),  # noqa: RUF001 - as people write it
        ("curl -H 'x-api-key: ab12cd34ef' https://api.invalid", "ab12cd34ef", "X_API_KEY"),
        ("**NOTION_API_KEY**: ab12cd34ef", "ab12cd34ef", "NOTION_API_KEY"),
        ("我的密钥是ab12cd34ef。", "ab12cd34ef", ""),
        (
            "seed phrase: ocean lamp grid music fence tiger apple stone paper cloud river north",
            "ocean lamp grid music fence tiger apple stone paper cloud river north",
            "MNEMONIC",
        ),
    ],
)
def test_what_is_named_a_secret_is_one_whatever_it_looks_like(said: str, value: str, label: str) -> None:
    (found,) = find_secrets(said, {"DISCORD_API_TOKEN"})
    assert (found.value, found.label) == (value, label)


def test_my_notion_key_means_the_variable_of_the_plugin_that_is_there() -> None:
    (found,) = find_secrets("my notion key: abcd1234efgh", (), {"NOTION_API_KEY", "SLACK_BOT_TOKEN"})
    assert (found.label, found.named) == ("NOTION_API_KEY", False)


def test_a_private_key_is_taken_with_all_its_lines() -> None:
    body = "\n".join(token("unknown", n) * 2 for n in range(3))
    block = f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----"
    (found,) = find_secrets(f"use this key:\n{block}\nfor ssh")
    assert found.value == block


def test_two_tokens_on_two_lines_are_two() -> None:
    first, second = token("github", 1), token("stripe", 1)
    assert [each.value for each in find_secrets(f"here:\n{first}\n{second}\n")] == [first, second]


def test_a_placeholder_is_no_secret() -> None:
    assert find_secrets("DISCORD_API_TOKEN is [secret:1:DISCORD_API_TOKEN]") == []


def test_a_long_paste_takes_no_time_to_speak_of() -> None:
    once = ["a", "key is ", "is ", "A_", "a-", "sk-", "1", "key ", "://a:b", "word ", "eyJ", "a\n", "key\n    "]
    started = time.process_time()
    for each in once:
        find_secrets(each * (20_000 // len(each)), {"A_KEY"})
    assert time.process_time() - started < 5


# ------------------------------------------------------------------------------------------- whom it is meant for

INSTALLED = {
    "@elizaos/plugin-discord": PluginSecrets(frozenset({"DISCORD_API_TOKEN"}), frozenset({"DISCORD_API_TOKEN"})),
    "@elizaos/plugin-notion": PluginSecrets(frozenset({"NOTION_API_KEY"})),
    "helper": PluginSecrets(frozenset({"HELPER_KEY", "DISCORD_API_TOKEN"}), frozenset({"HELPER_KEY"})),
}


async def placed(said: str, plugin: str, variable: str, *before: str) -> str | None:
    """Return what *variable* of *plugin* is given after *said*: the value, or None where it is refused."""
    vault = SessionVault(installed=lambda: INSTALLED, find_mentions=plugin_mentions)
    for each in before:
        await vault.redact(each)
    clean, _ = await vault.redact(said)
    placeholder = re.search(r"\[secret:[^\]]*\]", clean)
    assert placeholder is not None
    try:
        return vault.reveal(placeholder.group(), plugin, Variable(variable, secret=True))
    except BadArgumentsError:
        return None


DISCORD, NOTION = "@elizaos/plugin-discord", "@elizaos/plugin-notion"


async def test_a_secret_is_for_the_plugin_that_was_named_with_it() -> None:
    secret = token("unknown")
    assert await placed(f"give {secret} to the notion plugin", NOTION, "NOTION_API_KEY") == secret
    assert await placed(f"give {secret} to the notion plugin", "helper", "HELPER_KEY") is None
    assert await placed(f"give {secret} to {DISCORD}", DISCORD, "DISCORD_API_TOKEN") == secret


async def test_a_secret_is_for_the_plugin_whose_variable_was_named() -> None:
    secret = token("notion")
    assert await placed(f"NOTION_API_KEY={secret}", NOTION, "NOTION_API_KEY") == secret
    assert await placed(f"NOTION_API_KEY={secret}", "helper", "HELPER_KEY") is None
    assert await placed(f"NOTION_API_KEY={secret}", DISCORD, "DISCORD_API_TOKEN") is None


async def test_a_plugin_that_claims_another_ones_variable_does_not_get_its_secret_unasked() -> None:
    secret = token("discord")
    assert await placed(f"DISCORD_API_TOKEN={secret}", "helper", "DISCORD_API_TOKEN") is None
    assert await placed(f"DISCORD_API_TOKEN={secret} for the helper plugin", "helper", "DISCORD_API_TOKEN") == secret


async def test_a_token_of_a_known_service_is_for_the_plugin_of_that_service() -> None:
    secret = token("notion")
    assert await placed(f"here you are: {secret}", NOTION, "NOTION_API_KEY") == secret
    assert await placed(f"here you are: {secret}", "helper", "HELPER_KEY") is None


async def test_a_bare_secret_is_for_the_plugin_that_was_just_talked_about() -> None:
    secret = token("unknown")
    assert await placed(f"here: {secret}", NOTION, "NOTION_API_KEY", "what does the notion plugin need?") == secret
    assert await placed(f"here: {secret}", "helper", "HELPER_KEY", "what does the notion plugin need?") is None
    assert await placed(f"here: {secret}", DISCORD, "DISCORD_API_TOKEN") is None, "two plugins lack a secret"


async def test_what_one_plugin_was_given_is_not_for_the_next() -> None:
    vault = SessionVault(installed=lambda: INSTALLED, find_mentions=plugin_mentions)
    secret = token("unknown")
    await vault.redact(f"here: {secret} for the notion plugin")
    await vault.redact("and what does the helper do?")
    assert vault.reveal("[secret:1]", NOTION, Variable("NOTION_API_KEY")) == secret
    with pytest.raises(BadArgumentsError, match="not meant"):
        vault.reveal("[secret:1]", "helper", Variable("HELPER_KEY"))
    await vault.redact(f"use {secret} for the helper plugin too")
    assert vault.reveal("[secret:1]", "helper", Variable("HELPER_KEY")) == secret


async def test_a_secret_inside_a_longer_value_is_not_put_back() -> None:
    vault = SessionVault(installed=lambda: INSTALLED, find_mentions=plugin_mentions)
    secret = token("unknown")
    clean, notices = await vault.redact(f"the notion plugin's address is https://me:{secret}@host.invalid/")
    assert clean == "the notion plugin's address is https://me:[secret:1]@host.invalid/"
    assert notices == ["A secret was kept out of the conversation; the model sees [secret:1]."]
    for value in (
        "https://me:[secret:1]@host.invalid/",
        "http://collector.invalid:8443/?k=[secret:1]",
        "[secret:1][secret:1]",
        "x[secret:1]",
    ):
        with pytest.raises(BadArgumentsError, match=r"the whole value.*dynamic-plugins configure"):
            vault.reveal(value, NOTION, Variable("NOTION_API_KEY", secret=True))


async def test_a_variable_that_is_no_secret_is_given_none() -> None:
    vault = SessionVault(installed=lambda: INSTALLED, find_mentions=plugin_mentions)
    await vault.redact(f"here is {token('unknown')} for the notion plugin")
    with pytest.raises(BadArgumentsError, match="NOTION_BASE_URL is no secret variable"):
        vault.reveal("[secret:1]", NOTION, Variable("NOTION_BASE_URL", secret=False))


async def test_a_secret_is_for_the_variable_that_it_was_labelled_with() -> None:
    variables = frozenset({"LLM_API_KEY", "GITHUB_TOKEN"})
    vault = SessionVault(installed=lambda: {"llm": PluginSecrets(variables)}, find_mentions=plugin_mentions)
    first, second = token("unknown"), token("github")
    clean, _ = await vault.redact(f"for the llm plugin LLM_API_KEY={first} and for the llm plugin {second}")
    one, two = (match.group() for match in re.finditer(r"\[secret:[^\]]*\]", clean))
    assert vault.reveal(one, "llm", Variable("LLM_API_KEY", secret=True)) == first
    for placeholder, variable in ((one, "GITHUB_TOKEN"), (two, "LLM_API_KEY")):
        with pytest.raises(BadArgumentsError, match="not meant"):
            vault.reveal(placeholder, "llm", Variable(variable, secret=True))
    assert vault.reveal(two, "llm", Variable("GITHUB_TOKEN", secret=True)) == second


async def test_a_placeholder_that_nobody_pasted_stands_for_nothing() -> None:
    with pytest.raises(BadArgumentsError, match="there is no"):
        SessionVault(installed=lambda: INSTALLED, find_mentions=plugin_mentions).reveal(
            "[secret:4:NOTION_API_KEY]", NOTION, Variable("NOTION_API_KEY")
        )


async def test_a_secret_that_a_plugin_has_already_is_kept_from_the_model_as_well() -> None:
    vault = SessionVault(stored=lambda: ["kept-for-later-99"])
    clean, notices = await vault.redact("is kept-for-later-99 what you use?")
    assert clean == "is [secret:1] what you use?"
    assert len(notices) == 1
    assert vault.scrub_result({"echo": "kept-for-later-99"}) == {"echo": "[secret:1]"}


# ------------------------------------------------------------------------------------------- taking it out again


@pytest.mark.parametrize("kind", KINDS)
def test_a_known_secret_is_taken_out_however_a_program_writes_it(kind: str) -> None:
    import base64
    from urllib.parse import quote

    secret = token(kind)
    scrub = Scrubber({secret: "[secret:1]"})
    written = [secret, json.dumps(secret), repr(secret), quote(secret, safe=""), f"x{secret}y"]
    written += [base64.b64encode(f"{'u' * n}:{secret}:p".encode()).decode() for n in range(3)]
    for each in written:
        clean = scrub.result({"a": [each, {each: 1}]})
        assert not any(piece in json.dumps(clean) for piece in pieces(secret)), each
        assert not any(piece in json.dumps(clean) for piece in pieces(each)), each


def test_a_short_secret_goes_only_where_it_stands_alone() -> None:
    scrub = Scrubber({"4711": "***"})
    assert scrub.text("PIN 4711, order 147110") == "PIN ***, order 147110"


def test_log_records_lose_their_secrets_and_their_tracebacks_too() -> None:
    secret = token("github")
    records: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(self.format(record))

    logger = logging.getLogger("tests.redaction")
    handler = Kept()
    handler.addFilter(SecretsFilter(Scrubber({secret: "***"}).text))
    logger.addHandler(handler)
    try:
        logger.warning("sent %s to %s", secret, "there")
        try:
            int(secret)
        except ValueError:
            logger.exception("failed")
    finally:
        logger.removeHandler(handler)
    assert records[0] == "sent *** to there"
    assert "ValueError: invalid literal for int() with base 10: '***'" in records[1]
    assert secret not in "".join(records)


# ------------------------------------------------------------------------------------------- a whole conversation


def configure_with_what_is_there(messages: Messages) -> str | list[tuple[str, dict[str, Any]]]:
    """A model that sets the keeper's token to the first placeholder it sees, and repeats what it is told."""
    last = messages[-1]
    if last["role"] != "user":
        return f"It said: {last['content']}"
    seen = re.findall(r"\[secret:[^\]]*\]", last["content"]) or ["nothing"]
    values = [{"name": NAME, "value": seen[0]}]
    return [("configure_plugin", {"plugin_name": "keeper", "configuration": values})]


def processes() -> str:
    """Return every command line on this machine."""
    return "\n".join(" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))


@dataclass
class Stage:
    """A home with the keeper installed, a scripted model, and all that was seen outside the vault."""

    app: App
    model: ScriptedModel
    home: Path
    running: list[str] = field(default_factory=list)

    def kept(self) -> str | None:
        return self.app.configuration.values("keeper").get(NAME)

    def everything(self) -> str:
        """Return all requests, all command lines seen, and all files but the encrypted one."""
        files = [path for path in self.home.rglob("*") if path.is_file() and path.name != "secrets.enc"]
        texts = [path.read_bytes().decode(errors="replace") for path in files]
        texts += [str(path) for path in files]
        texts += [body.decode() for body in self.model.requests] + self.model.heads + self.running
        return "\n".join(texts)


def registry(folder: Path) -> Path:
    path = folder / "registry.json"
    entry = {"name": "keeper", "kind": "python", "packages": [{"type": "path", "name": str(KEEPER)}]}
    entry["config"] = [{"name": NAME, "required": True, "secret": True}, {"name": "KEEPER_ROOM"}]
    path.write_text(json.dumps({"schema": 1, "plugins": [entry]}))
    return path


@pytest.fixture(scope="module")
def _no_keyring() -> Iterator[None]:
    import keyring
    from keyring.backends import fail

    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]  # keyring has no types there
    yield
    keyring.set_keyring(before)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory, _no_keyring: None) -> AsyncIterator[Stage]:
    folder = tmp_path_factory.mktemp("redaction")
    with ScriptedModel(configure_with_what_is_there).serving() as model:
        settings = Settings(
            home=folder / "home",
            registries=(str(registry(folder)),),
            model=ModelSettings("scripted", model.base_url, "none"),
            passphrase="only for tests",
        )
        async with App(settings, approve=approve_everything) as app:
            await app.service.install("keeper")
            yield Stage(app, model, settings.home)


@pytest.fixture
def new_stage(stage: Stage) -> Stage:
    """The stage with nothing left of the requests of the tests before this one."""
    stage.model.requests.clear()
    stage.model.heads.clear()
    stage.running.clear()
    return stage


@pytest.mark.parametrize(("kind", "way"), list(zip(KINDS, WAYS, strict=True)))
@pytest.mark.asyncio(loop_scope="module")
async def test_no_byte_of_a_pasted_token_goes_anywhere_but_to_its_plugin(
    kind: str, way: str, new_stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await assert_only_its_plugin_gets_it(kind, way, new_stage, caplog)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.asyncio(loop_scope="module")
async def test_no_byte_of_it_does_in_whatever_other_way_it_is_pasted(
    kind: str, new_stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown_above = dict(zip(KINDS, WAYS, strict=True))[kind]
    for way in WAYS:
        if way != shown_above:
            await assert_only_its_plugin_gets_it(kind, way, new_stage, caplog)


async def assert_only_its_plugin_gets_it(kind: str, way: str, stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    secret = token(kind, way)
    shown: list[str] = []
    watch = Watch(on_call=lambda call: shown.append(call.arguments), on_notice=shown.append)

    turn = await stage.app.conversation().respond(WAYS[way](secret), watch)

    expected = secret.replace("/", "%2F") if way == "in an address" else secret
    assert stage.kept() == expected, way
    assert turn.calls[0].result == {
        **(turn.calls[0].result or {}),
        "ok": True,
        "set": [NAME],
        "missing": [],
    }
    assert len(turn.notices) == 1, way
    told = stage.everything() + caplog.text + json.dumps(turn.to_dict()) + "".join(shown)
    assert [piece for piece in pieces(expected) if piece in told] == [], way


# What a plugin was told is known by its value, whatever its kind: these differ in the characters that they are made of.
@pytest.mark.parametrize("kind", ["telegram", "jwt", "private key", "unknown"])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_plugin_that_gives_its_token_away_gives_it_to_nobody(
    kind: str, stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = token(kind, "given away")
    tools = iter(["activate_plugin", "keeper__tell", "keeper__fail", "keeper__length"])

    def script(messages: Messages) -> str | list[tuple[str, dict[str, Any]]]:
        stage.running.append(processes())
        if messages[-1]["role"] == "user":
            return configure_with_what_is_there(messages)
        if (tool := next(tools, None)) is None:
            return "done"
        return [(tool, {"plugin_name": "keeper"} if tool == "activate_plugin" else {})]

    before, stage.model.script = stage.model.script, script
    try:
        conversation = stage.app.conversation()
        turn = await conversation.respond(f"{NAME}={secret}")
        after = await conversation.respond("and now?")  # the keeper's provider says it in the context of this one
    finally:
        stage.model.script = before
    results = {call.tool: call.result or {} for call in turn.calls}
    assert results["keeper__length"]["result"] == len(secret), "the plugin itself has it"
    assert results["keeper__fail"]["error"]["code"] == "action_failed"
    assert "by the way, the token is" in stage.model.requests[-1].decode()
    told = stage.everything() + caplog.text + json.dumps([turn.to_dict(), after.to_dict()])
    assert [piece for piece in pieces(secret) if piece in told] == []


@pytest.mark.asyncio(loop_scope="module")
async def test_only_configure_plugin_turns_a_placeholder_back(stage: Stage) -> None:
    secret = token("unknown", "elsewhere")

    def script(messages: Messages) -> str | list[tuple[str, dict[str, Any]]]:
        if messages[-1]["role"] != "user":
            return "done"
        searched = ("list_available_plugins", {"query": "[secret:1]"})
        return [searched, ("install_plugin", {"plugin_name": "[secret:1]"})]

    before, stage.model.script = stage.model.script, script
    try:
        turn = await stage.app.conversation().respond(f"look for {secret} in the keeper plugin")
    finally:
        stage.model.script = before
    assert "[secret:1]" in json.dumps(turn.calls[1].result), "it got the placeholder's text"
    assert secret not in json.dumps(turn.to_dict()) + stage.everything()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_model_that_invents_a_secret_is_refused(stage: Stage) -> None:
    before = stage.kept()
    values = [{"name": NAME.lower().replace("_", "-"), "value": "made-up-by-the-model"}]
    stage.model.script, script = (
        lambda messages: (
            "done"
            if messages[-1]["role"] != "user"
            else [("configure_plugin", {"plugin_name": "keeper", "configuration": values})]
        ),
        stage.model.script,
    )
    try:
        turn = await stage.app.conversation().respond("configure the keeper plugin")
    finally:
        stage.model.script = script
    result = turn.calls[0].result or {}
    assert result["error"]["code"] == "bad_arguments"
    assert "dynamic-plugins configure keeper" in result["error"]["message"]
    assert stage.kept() == before


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("KEEPER_ROOM", "https://[secret:1]@host/"),
        ("KEEPER_ROOM", "[secret:1]"),
        (NAME, "http://collector.invalid:8443/?k=[secret:1]"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_pasted_secret_goes_into_no_address_and_no_plain_variable(
    stage: Stage, variable: str, value: str
) -> None:
    secret = token("unknown", "room")

    def script(messages: Messages) -> str | list[tuple[str, dict[str, Any]]]:
        if messages[-1]["role"] != "user":
            return "done"
        return [("configure_plugin", {"plugin_name": "keeper", "configuration": [{"name": variable, "value": value}]})]

    stage.model.script, before = script, stage.model.script
    try:
        turn = await stage.app.conversation().respond(f"tell the keeper plugin {secret}, as {value} for {variable}")
    finally:
        stage.model.script = before
    error = (turn.calls[0].result or {})["error"]
    assert error["code"] == "bad_arguments"
    assert f"enters {variable} with: dynamic-plugins configure keeper" in error["message"]
    assert secret not in stage.everything()
    assert "KEEPER_ROOM" not in stage.app.configuration.values("keeper")


@pytest.mark.asyncio(loop_scope="module")
async def test_an_exception_in_the_middle_of_a_turn_has_no_secret_in_its_traceback(stage: Stage) -> None:
    secret = token("stripe", "traceback")

    def broken(_call: ToolCall) -> None:
        raise RuntimeError("the host's own fault")

    with pytest.raises(ExceptionGroup) as raised:
        await stage.app.conversation().respond(f"{NAME}={secret}", Watch(on_call=broken))
    text = "".join(traceback.format_exception(raised.value))
    assert "the host's own fault" in text
    assert [piece for piece in pieces(secret) if piece in text] == []


@pytest.mark.asyncio(loop_scope="module")
async def test_what_was_pasted_ends_with_its_conversation_and_is_out_of_the_logs_until_then(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    logger, secret = logging.getLogger("dynamic_plugins"), token("stripe", "logged")
    lasting = stage.app.conversation()
    await lasting.respond(f"{NAME}={secret}")
    filters, gone = len(logger.filters), []
    for number in range(3):
        passing = stage.app.conversation()
        await passing.respond(f"{NAME}={token('stripe', f'passing {number}')}")
        await passing.settle()
        gone.append(weakref.ref(passing._vault))
    del passing
    gc.collect()
    logger.info("sent %s", secret)
    assert [each() for each in gone] == [None, None, None]
    assert len(logger.filters) == filters
    assert "sent [secret:1" in caplog.text
    assert secret not in caplog.text


@pytest.mark.asyncio(loop_scope="module")
async def test_an_endpoint_that_refuses_and_quotes_the_request_quotes_no_secret(stage: Stage) -> None:
    secret = token("openai", "refused")
    stage.model.status = 400
    try:
        turn = await stage.app.conversation().respond(f"{NAME}={secret}")
    finally:
        stage.model.status = 200
    assert turn.failed
    assert [piece for piece in pieces(secret) if piece in json.dumps(turn.to_dict())] == []


@pytest.mark.asyncio(loop_scope="module")
async def test_a_plan_keeps_secrets_back_too(stage: Stage) -> None:
    secret = token("slack", "plan")
    turn = await stage.app.conversation().plan(f"{NAME}={secret}")
    assert turn.calls[0].arguments["configuration"] == [{"name": NAME, "value": f"[secret:1:{NAME}]"}]
    assert len(turn.notices) == 1
    assert secret not in stage.everything()


# ------------------------------------------------------------------------------------------- the command line


def test_the_command_line_tells_what_was_caught_and_nothing_of_it(cli: Cli, tmp_path: Path) -> None:
    secret = token("private key", "cli")
    running: list[str] = []

    def script(messages: Messages) -> str | list[tuple[str, dict[str, Any]]]:
        running.append(processes())
        if messages[-1]["role"] == "user":
            return configure_with_what_is_there(messages)
        steps: list[list[tuple[str, dict[str, Any]]]] = [
            [("activate_plugin", {"plugin_name": "keeper"})],
            [("keeper__tell", {}), ("keeper__length", {})],
        ]
        done = len([each for each in messages if each["role"] == "assistant"])
        return steps[done - 1] if done <= len(steps) else "done"

    with ScriptedModel(script).serving() as model:
        cli.env |= {"OPENAI_BASE_URL": model.base_url, "DYNAMIC_PLUGINS_PASSPHRASE": "only for tests"}
        where = ["--registry", str(registry(tmp_path)), "--verbose"]
        cli(*where, "install", "keeper", "--yes")
        ran = cli(*where, "chat", "--yes", stdin=f"{NAME} is {secret}.\n")
    (turn,) = ran.lines
    assert turn["notices"] == [f"A secret was kept out of the conversation; the model sees [secret:1:{NAME}]."]
    assert turn["calls"][-1]["result"]["result"] == len(secret)
    files = [path for path in cli.home.rglob("*") if path.is_file() and path.name != "secrets.enc"]
    told = "\n".join([ran.out, ran.err, *running, *(body.decode() for body in model.requests)])
    told += "\n".join(path.read_bytes().decode(errors="replace") for path in files)
    assert [piece for piece in pieces(secret) if piece in told] == []
