"""What names mean: rules decide, likeness suggests, and nothing else is ever taken."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import made_up
from dynamic_plugins.registry.entry import Entry, Package, Verified
from dynamic_plugins.resolver.linker import links_in
from dynamic_plugins.resolver.mentions import mentions_in
from dynamic_plugins.resolver.resolver import Resolver

ENTRIES = [
    Entry("@elizaos/plugin-discord", repository="github:elizaos-plugins/plugin-discord"),
    Entry("@elizaos/client-discord"),
    Entry("@elizaos/plugin-webhooks", packages=(Package("pypi", "elizaos-plugin-webhooks"),)),
    Entry("@elizaos/plugin-ATTPs"),
    Entry("@elizaos/plugin-github"),
    Entry("io.github.somebody/gitlab", repository="https://github.com/somebody/gitlab-mcp.git"),
    Entry("@elizaos/plugin-line"),
    Entry("@elizaos/plugin-linear"),
    Entry("@elizaos/plugin-solana-v2"),
    Entry("@elizaos/plugin-computer-use"),
    Entry("@elizaos/plugin-computeruse"),
    Entry("mcp-server-time", packages=(Package("pypi", "mcp-server-time"),)),
    Entry("io.github.acme/notes-mcp", packages=(Package("npm", "@acme/notes"),)),
    Entry("@kamiyo/eliza", repository="github:kamiyo-ai/kamiyo-protocol#main:packages/kamiyo-eliza"),
    Entry("MCP Server Chart"),
    Entry("@elizaos/plugin-nextcloud-talk"),
    Entry("plugin-connections"),
    Entry("@mascotai/plugin-connections"),
]


@pytest.fixture(scope="module")
def index() -> Resolver:
    return Resolver(ENTRIES)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("@elizaos/plugin-webhooks", "@elizaos/plugin-webhooks"),
        ("  @ELIZAOS/Plugin-Webhooks ", "@elizaos/plugin-webhooks"),
        ("@elizaos/plugin_webhooks", "@elizaos/plugin-webhooks"),
        ("@elizaos-plugins/plugin-webhooks", "@elizaos/plugin-webhooks"),
        ("elizaos/plugin-webhooks", "@elizaos/plugin-webhooks"),
        ("plugin-webhooks", "@elizaos/plugin-webhooks"),
        ("elizaos-plugin-webhooks", "@elizaos/plugin-webhooks"),
        ("elizaos_plugin_nextcloud_talk", "@elizaos/plugin-nextcloud-talk"),
        ("webhooks", "@elizaos/plugin-webhooks"),
        ("web hooks", "@elizaos/plugin-webhooks"),
        ("the webhooks plugin", "@elizaos/plugin-webhooks"),
        ("the Nextcloud Talk plugin", "@elizaos/plugin-nextcloud-talk"),
        ("Webhooks plug-in", "@elizaos/plugin-webhooks"),
        ("webhooks-plugin", "@elizaos/plugin-webhooks"),
        ("`webhooks`", "@elizaos/plugin-webhooks"),
        ("attps", "@elizaos/plugin-ATTPs"),
        ("plugin-discord", "@elizaos/plugin-discord"),
        ("github:elizaos-plugins/plugin-discord", "@elizaos/plugin-discord"),
        ("https://github.com/somebody/gitlab-mcp", "io.github.somebody/gitlab"),
        ("git+https://github.com/Somebody/gitlab-mcp.git", "io.github.somebody/gitlab"),
        ("somebody/gitlab-mcp", "io.github.somebody/gitlab"),
        ("github:kamiyo-ai/kamiyo-protocol#main:packages/kamiyo-eliza", "@kamiyo/eliza"),
        ("mcp server time", "mcp-server-time"),
        ("the time server", "mcp-server-time"),
        ("uvx mcp-server-time", "mcp-server-time"),
        ("npx -y @acme/notes", "io.github.acme/notes-mcp"),
        ("@acme/notes", "io.github.acme/notes-mcp"),
        ("notes", "io.github.acme/notes-mcp"),
        ("solana v2", "@elizaos/plugin-solana-v2"),
        ("mcp server chart", "MCP Server Chart"),
        ("plugin-connections", "plugin-connections"),
        ("the discord client", "@elizaos/client-discord"),
    ],
)
def test_a_rule_leads_to_one_name(index: Resolver, said: str, name: str) -> None:
    resolution = index.resolve(said)
    assert (resolution.kind, resolution.name) == ("exact", name)


@pytest.mark.parametrize(
    ("said", "name", "version"),
    [
        ("@elizaos/plugin-webhooks@1.2.3", "@elizaos/plugin-webhooks", "1.2.3"),
        ("mcp-server-time==2026.1.14", "mcp-server-time", "2026.1.14"),
        ("webhooks v2.0.0-alpha.1", "@elizaos/plugin-webhooks", "2.0.0-alpha.1"),
        ("the webhooks plugin version 2", "@elizaos/plugin-webhooks", "2"),
        ("webhooks@latest", "@elizaos/plugin-webhooks", "latest"),
    ],
)
def test_a_version_is_told_apart_from_the_name(index: Resolver, said: str, name: str, version: str) -> None:
    resolution = index.resolve(said)
    assert (resolution.name, resolution.version) == (name, version)


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("discord", {"@elizaos/plugin-discord", "@elizaos/client-discord"}),
        ("the discord plugin", {"@elizaos/plugin-discord", "@elizaos/client-discord"}),
        ("computer use", {"@elizaos/plugin-computer-use", "@elizaos/plugin-computeruse"}),
        ("computeruse", {"@elizaos/plugin-computer-use", "@elizaos/plugin-computeruse"}),
        ("connections", {"plugin-connections", "@mascotai/plugin-connections"}),
    ],
)
def test_a_rule_that_leads_to_several_names_asks(index: Resolver, said: str, names: set[str]) -> None:
    resolution = index.resolve(said)
    assert resolution.kind == "ambiguous"
    assert resolution.name is None
    assert {candidate.name for candidate in resolution.candidates} == names


def test_the_catalogues_other_names_decide_and_nobody_elses() -> None:
    official = Entry("@x/mcp-server-github", aliases=("github", "gh", "git hub"), source="bundled")
    index = Resolver([*ENTRIES, official, Entry("evil", aliases=("gitlab", "gh", "notion"), source="elsewhere")])
    for said in ("github", "GitHub", "the GitHub plugin", "gh", "git hub"):
        assert index.resolve(said).name == "@x/mcp-server-github", said
    assert index.resolve("gitlab").name == "io.github.somebody/gitlab"
    assert index.resolve("notion").kind != "exact"
    twice = Resolver([*ENTRIES, official, Entry("other", aliases=("gh",), source="bundled")])
    assert twice.resolve("gh").kind != "exact", "a word that two claim is nobody's"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("webhoks", "@elizaos/plugin-webhooks"),
        ("plugni-webhooks", "@elizaos/plugin-webhooks"),
        ("pluginwebhooks", "@elizaos/plugin-webhooks"),
        ("plugin-mcp-server-tme", "mcp-server-time"),
        ("mcp-srever-time", "mcp-server-time"),
        ("nextcloudtalk", "@elizaos/plugin-nextcloud-talk"),
        ("next cloud tallk", "@elizaos/plugin-nextcloud-talk"),
        ("lineer", "@elizaos/plugin-linear"),
        ("@acme/plugin-webhooks", "@elizaos/plugin-webhooks"),
        ("plugin-notes", "io.github.acme/notes-mcp"),
    ],
)
def test_a_slip_is_suggested_and_not_taken(index: Resolver, said: str, name: str) -> None:
    resolution = index.resolve(said)
    assert resolution.kind == "suggestions"
    assert resolution.name is None
    assert resolution.candidates[0].name == name
    assert all(0 <= candidate.score <= 1 for candidate in resolution.candidates)


NOBODYS = ["", "   ", "spotify", "plugin-", "@", "/", "elizaos-plugin", "x" * 5_000, "\x00", "🙂"]


@pytest.mark.parametrize("said", NOBODYS)
def test_what_is_nobodys_name_is_unknown_or_only_suggested(index: Resolver, said: str) -> None:
    assert index.resolve(said).kind in ("unknown", "suggestions")


def test_an_imitation_that_is_not_in_the_registry_is_called_one(index: Resolver) -> None:
    resolution = index.resolve("@elizaos/plugin-webhooks-x7k2p")
    assert resolution.kind == "suggestions"
    assert resolution.candidates[0].name == "@elizaos/plugin-webhooks"
    assert resolution.warning is not None
    assert "imitations" in resolution.warning


def test_an_imitation_in_the_registry_is_taken_by_its_name_only_and_with_a_warning() -> None:
    index = Resolver([*ENTRIES, Entry("@elizaos/plugin-webhooks-x7k2p")])
    assert index.resolve("webhooks").name == "@elizaos/plugin-webhooks"
    resolution = index.resolve("@elizaos/plugin-webhooks-x7k2p")
    assert resolution.name == "@elizaos/plugin-webhooks-x7k2p"
    assert "@elizaos/plugin-webhooks with something added" in (resolution.warning or "")


@pytest.mark.parametrize(
    ("said", "other"),
    [
        ("github", "io.github.somebody/gitlab"),
        ("gitlab", "@elizaos/plugin-github"),
        ("line", "@elizaos/plugin-linear"),
        ("linear", "@elizaos/plugin-line"),
    ],
)
def test_a_name_that_is_easily_confused_says_with_which(index: Resolver, said: str, other: str) -> None:
    warning = index.resolve(said).warning or ""
    assert warning.startswith("Not to be confused with ")
    assert other in warning


def test_a_name_one_slip_from_a_better_known_one_says_so() -> None:
    known = Entry("@elizaos/plugin-telegram", packages=(Package("pypi", "elizaos-plugin-telegram"),), source="bundled")
    index = Resolver([known, Entry("@elizoas/plugin-telegrarn"), Entry("@elizoas/plugin-telegram")])
    for name in ("@elizoas/plugin-telegrarn", "@elizoas/plugin-telegram"):
        assert "@elizaos/plugin-telegram is the better known" in (index.resolve(name).warning or "")
    assert "better known" not in (index.resolve("@elizaos/plugin-telegram").warning or "")


SEEN = Verified("2026-11-01")


def test_names_that_only_say_what_any_plugin_is_are_not_alike() -> None:
    names = ["@playwright/mcp", "@stripe/mcp", "@sentry/mcp-server", "@mapbox/mcp-server", "mcp-searxng"]
    index = Resolver([Entry(name, source="bundled") for name in [*names, "@elizaos/plugin-mcp"]])
    for name in names:
        assert index.resolve(name).warning is None, name


def test_two_products_that_run_here_are_no_imitations_of_each_other() -> None:
    mail = [Entry(name, source="bundled", verified=SEEN) for name in ("@shinzolabs/gmail-mcp", "mcp-email-server")]
    assert Resolver(mail).resolve("gmail").warning is None
    stranger = Entry("io.github.somebody/emial-mcp")
    assert "emial" in (Resolver([*mail, stranger]).resolve("mcp-email-server").warning or "")
    maps = [Entry(name, source="bundled", verified=SEEN) for name in ("mcp-google-map", "server-google-maps")]
    assert "google-maps" in (Resolver(maps).resolve("mcp-google-map").warning or "")


def test_of_several_that_are_meant_the_likeliest_is_the_first() -> None:
    used, rare = (Entry(f"@{who}/slack-mcp", source="bundled", verified=SEEN, popularity=n) for who, n in SLACKS)
    unseen = Entry("@a/slack-mcp", source="bundled", popularity=9_000)
    broken = Entry("@elizaos/plugin-slack", source="bundled", problem="needs an account that nobody gets")
    found = Resolver([unseen, broken, rare, used]).resolve("slack")
    assert found.kind == "ambiguous"
    assert [each.name for each in found.candidates] == [used.name, rare.name, unseen.name, broken.name]


SLACKS = (("z", 136_000), ("b", 3_000))


def test_an_ordinary_name_comes_without_a_warning(index: Resolver) -> None:
    assert index.resolve("webhooks").warning is None


def test_a_name_that_two_sources_have_counts_once() -> None:
    index = Resolver([Entry("mcp-server-time", source="one"), Entry("mcp-server-time", source="two")])
    assert index.resolve("time").name == "mcp-server-time"


def test_an_empty_registry_knows_nothing() -> None:
    index = Resolver([])
    assert index.resolve("discord").kind == "unknown"
    assert mentions_in("install discord", index) == []


def test_a_name_with_a_scope_that_only_a_far_registry_lists_is_spoken_of() -> None:
    far = [Entry("@faraway/sheet-thing")]
    (link,) = links_in("install @faraway/sheet-thing please", Resolver([Entry("excel-mcp-server")], far), {})
    assert (link.names, link.kind) == (("@faraway/sheet-thing",), "exact")


def test_of_names_never_seen_before_the_right_one_is_suggested_and_none_is_taken() -> None:
    entries = made_up.entries(400, seed=7)
    names = [entry.name for entry in entries]
    index, first, asked = Resolver(entries), 0, 300
    bares = {name.rpartition("/")[2] for name in names}
    chance = random.Random(3)  # noqa: S311 - made-up slips
    for name in chance.sample(names, asked):
        bare = name.rpartition("/")[2]
        at = chance.randrange(1, len(bare) - 1)
        typed = bare[:at] + bare[at + 1] + bare[at] + bare[at + 2 :]
        if typed in bares:
            asked -= 1
            continue
        resolution = index.resolve(typed)
        assert resolution.kind != "exact"
        first += [candidate.name for candidate in resolution.candidates][:1] == [name]
    assert first / asked >= 0.97


def test_of_names_never_seen_before_no_clone_is_taken() -> None:
    entries = made_up.entries(300, seed=8)
    index, chance = Resolver(entries), random.Random(4)  # noqa: S311 - made-up tails
    for entry in entries:
        tail = "".join(chance.choice(string.ascii_lowercase + string.digits) for _ in range(chance.randint(4, 7)))
        assert index.resolve(f"{entry.name}-{tail}").kind != "exact"


@given(st.text(max_size=60))
def test_any_text_gets_an_answer_and_only_known_names(index: Resolver, said: str) -> None:
    resolution = index.resolve(said)
    known = {entry.name for entry in ENTRIES}
    assert {candidate.name for candidate in resolution.candidates} <= known
    assert (resolution.name is not None) == (resolution.kind == "exact")
    for mention in mentions_in(said, index):
        assert 0 <= mention.start < mention.end <= len(said)


def test_a_sentence_names_plugins_where_they_stand(index: Resolver) -> None:
    text = "could you please switch the web hooks plugin off"
    (mention,) = mentions_in(text, index)
    assert (mention.name, text[mention.start : mention.end]) == ("@elizaos/plugin-webhooks", "web hooks")
    assert mention.confidence > 0.9


def test_a_sentence_may_name_several(index: Resolver) -> None:
    found = mentions_in("install github and solana v2, then use mcp-server-time==1.0 please", index)
    assert [mention.name for mention in found] == [
        "@elizaos/plugin-github",
        "@elizaos/plugin-solana-v2",
        "mcp-server-time",
    ]
    assert found[-1].version == "1.0"


def test_ordinary_words_are_names_only_where_the_words_around_them_say_so(index: Resolver) -> None:
    (casual,) = mentions_in("write a line of text", index)
    (asked,) = mentions_in("install line", index)
    (shown,) = mentions_in("is the line plugin running?", index)
    assert casual.confidence < 0.5 < asked.confidence < shown.confidence


def test_an_ambiguous_mention_gives_all_names(index: Resolver) -> None:
    (mention,) = mentions_in("kill discord", index)
    assert mention.kind == "ambiguous"
    assert mention.name is None
    assert set(mention.names) == {"@elizaos/plugin-discord", "@elizaos/client-discord"}


@pytest.mark.parametrize("text", ["install webhoks", "turn the webhoks plugin on"])
def test_a_slip_in_a_sentence_is_similar_to_a_name(index: Resolver, text: str) -> None:
    (mention,) = mentions_in(text, index)
    assert (mention.kind, mention.names[0]) == ("similar", "@elizaos/plugin-webhooks")


def test_a_sentence_about_something_else_names_nothing(index: Resolver) -> None:
    assert mentions_in("What's the capital of Mongolia?", index) == []


def test_a_name_in_a_sentence_without_spaces_is_found(index: Resolver) -> None:
    (mention,) = mentions_in("すみません、LINEのプラグインを一旦止めて", index)
    assert mention.name == "@elizaos/plugin-line"
