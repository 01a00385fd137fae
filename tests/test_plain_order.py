"""What a message orders that is nothing but an order, and what stands behind it."""

from __future__ import annotations

import pytest

from dynamic_plugins.embedded.managing.plain_order import after_plain_order, plain_order
from dynamic_plugins.embedded.managing.reading import Reading, read
from dynamic_plugins.embedded.managing.standing import Installed
from dynamic_plugins.embedded.managing.use_phrase import asked_of, used_for
from dynamic_plugins.registry.entry import Entry
from dynamic_plugins.resolver.resolver import Resolver

ENTRIES = {name: Entry(name, description="Does a thing") for name in ("weather-station", "@elizaos/plugin-discord")}
NAMES = Resolver(list(ENTRIES.values()))


def reading(said: str) -> Reading:
    return read(said, NAMES, {}, ENTRIES)


@pytest.mark.parametrize(
    ("said", "letters"),
    [
        ("install weather-station", "I"),
        ("Please install the weather-station plugin.", "I"),
        ("install weather-station and switch it on", "IA"),
        ("turn weather-station off", "D"),
        ("turn off weather-station, then unload it please", "DU"),
        ("switch weather-station off and unload weather-station", "DU"),
        ("uninstall weather-station!", "X"),
    ],
)
def test_a_plain_order_is_read_by_its_grammar(said: str, letters: str) -> None:
    assert [(each.link.names, done) for each, done in plain_order(reading(said)) or ()] == [
        (("weather-station",), letters)
    ]


def test_a_plain_order_may_be_about_several_plugins() -> None:
    found = plain_order(reading("install weather-station, then turn discord on"))
    assert [(each.link.names[0], done) for each, done in found or ()] == [
        ("weather-station", "I"),
        ("@elizaos/plugin-discord", "A"),
    ]


@pytest.mark.parametrize(
    "said",
    [
        "don't install weather-station",
        "should I install weather-station?",
        "install weather-station?",
        "he said install weather-station",
        "install weather-station 5",
        "install it",
        "install weather-station tomorrow",
        "install",
        "what would turn weather-station off do",
    ],
)
def test_whatever_says_more_is_none(said: str) -> None:
    assert plain_order(reading(said)) is None


ON = {"weather-station": Installed("weather-station", status="active")}
BOTH = ON | {"@elizaos/plugin-discord": Installed("@elizaos/plugin-discord", status="active")}


@pytest.mark.parametrize(
    ("said", "letters"),
    [
        ("weather-station on, discord off", ["A", "D"]),
        ("um, bring weather-station and discord up again please", ["A", "A"]),
        ("Yesss, install weather-station n start it", ["IA"]),
        ("get weather-station up and running", ["A"]),
        ("turn off weather-station, discord", ["D", "D"]),
        ("weather-station and discord off", ["D", "D"]),
        ("weather-station off and on again", ["DA"]),
        ("install and start weather-station", ["IA"]),
        ("could you turn weather-station off please", ["D"]),
        ("put weather-station to sleep; discord can go off", ["D", "D"]),
        ("weather-station an, discord aus bitte", ["A", "D"]),
        ("k and weather-station up, discord down", ["A", "D"]),
    ],
)
def test_an_order_of_which_every_word_is_explained_is_a_plain_one(said: str, letters: list[str]) -> None:
    assert [done for _, done in plain_order(read(said, NAMES, BOTH, ENTRIES)) or ()] == letters


@pytest.mark.parametrize(
    "said",
    [
        "weather-station is on",
        "weather-station running",
        "weather-station could go down today",
        "can you turn weather-station off?",
        "weather-station off and the rest",
        "weather-station on discord off",
        "shut up weather-station",
        "weather-station on the list",
        "install weather-station, leave it off",
        "bring weather-station",
        "turn weather-station off or discord",
        "turn weather-station down",
        "turn weather-station on and off",
        "turn it up",
    ],
)
def test_one_word_more_and_it_is_none(said: str) -> None:
    assert plain_order(read(said, NAMES, BOTH, ENTRIES)) is None


def test_what_is_put_on_or_taken_off_may_be_a_thing_on_a_list() -> None:
    def ordered(said: str) -> list[str]:
        found = plain_order(read(said, NAMES, ON, ENTRIES, {"weather-station": "c"}))
        return [done for _, done in found or ()]

    assert ordered("kk turn that off again") == ["D"]
    assert ordered("make it live") == ["A"]
    assert ordered("apágalo otra vez, gracias") == ["D"]
    assert ordered("take it off") == []
    assert ordered("put that on please") == []


def test_what_stands_behind_a_plain_order() -> None:
    assert after_plain_order(reading("install discord and switch it on, then greet Ada and Bob")) == "greet Ada and Bob"
    assert after_plain_order(reading("greet Ada, then rest")) == "greet Ada, then rest"
    assert after_plain_order(reading("install discord and switch it on")) == ""


def test_a_plugin_that_is_named_for_something_is_told_from_what_it_is_for() -> None:
    def rest(said: str) -> str | None:
        return used_for(read(said, NAMES, ON, ENTRIES))

    assert rest("please use the weather-station plugin to tell Ada the forecast") == "tell Ada the forecast"
    assert rest("with weather-station, tell Ada") == "tell Ada"
    assert rest("use weather-station") is None
    assert rest("I never use weather-station to tell Ada") is None
    assert rest("use discord to tell Ada") is None, "it is not on"


def test_a_question_about_what_a_plugin_holds_is_told_from_the_plugin() -> None:
    found = asked_of(read("how long is the name of the weather-station plugin?", NAMES, ON, ENTRIES))
    assert found == ("weather-station", "how long is the name?")
    assert asked_of(read("tell the name of weather-station", NAMES, ON, ENTRIES)) is None
    assert asked_of(read("is there anything newer than weather-station?", NAMES, ON, ENTRIES)) is None
