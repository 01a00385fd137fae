"""Times of day between two places: here and there, ours and theirs, and the last conversion with another time."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from dynamic_plugins.embedded.actions.call_proposals import propose
from dynamic_plugins.embedded.context.request import Exchange, Made
from dynamic_plugins.embedded.values.extractors import extract
from tests.test_call_proposals import CLOCK, tool

NOW = tool("clock__get_current_time", "Get the current time in a time zone.", {"timezone": "string"})


def converted(said: str, source: str, time: str, target: str) -> Exchange:
    arguments = {"source_timezone": source, "time": time, "target_timezone": target}
    return Exchange(said, [Made(CLOCK.name, arguments, "done")], "done")


def told(said: str, zone: str) -> Exchange:
    return Exchange(said, [Made(NOW.name, {"timezone": zone}, "09:00")], "09:00")


def conversion(said: str, *before: Exchange) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the arguments of the conversion that is proposed first, and what is still asked for."""
    best = next(one for one in propose(said, list(before), [CLOCK, NOW]) if one.calls[0][0] == CLOCK.name)
    return best.calls[0][1], best.missing


@pytest.mark.parametrize(
    ("said", "before", "source", "time", "target"),
    [
        (
            "she wants a callback. 4:30 in the afternoon her time, she's in Phoenix. what's that for us here in Manila",
            [],
            "America/Phoenix",
            "16:30",
            "Asia/Manila",
        ),
        (
            'my agent in New York writes: "Tuesday, eleven in the morning MY time." I am in Vienna! What is that here?',
            [],
            "America/New_York",
            "11:00",
            "Europe/Vienna",
        ),
        (
            "I'm in Tampere, the call ends six forty in the evening here, what is that over there",
            [told("time in Osaka?", "Asia/Tokyo")],
            "Europe/Helsinki",
            "18:40",
            "Asia/Tokyo",
        ),
        (
            "they close at 17:15 their time, what is that for us",
            [converted("9:00 in Oslo for us, what is that in Denver", "Europe/Oslo", "09:00", "America/Denver")],
            "America/Denver",
            "17:15",
            "Europe/Oslo",
        ),
        (
            "stream starts 8pm there whats that for me im in leeds",
            [told("time in Toronto?", "America/Toronto")],
            "America/Toronto",
            "20:00",
            "Europe/London",
        ),
        ("Match with the Lima club starts 16:00 at them. In Porto?", [], "America/Lima", "16:00", "Europe/Lisbon"),
        (
            "wenn es hier in Linz 7:30 Uhr ist, wie spät ist es in Boston?",
            [],
            "Europe/Vienna",
            "07:30",
            "America/New_York",
        ),
        ("aquí en Quito son las 10:45, qué hora es en Roma", [], "America/Guayaquil", "10:45", "Europe/Rome"),
        ("0920 UTC in Seoul", [], "UTC", "09:20", "Asia/Seoul"),
        (
            "and 1640 there is what for the Dallas depot",
            [told("time in Perth", "Australia/Perth")],
            "Australia/Perth",
            "16:40",
            "America/Chicago",
        ),
    ],
)
def test_here_and_there_are_the_places_that_were_spoken_of(
    said: str, before: list[Exchange], source: str, time: str, target: str
) -> None:
    arguments, missing = conversion(said, *before)
    assert arguments == {"source_timezone": source, "time": time, "target_timezone": target}
    assert not missing


def test_where_somebody_is_who_has_not_said_it_is_asked_for() -> None:
    arguments, missing = conversion("they open at 8:30 their time, when is that for us", told("in Doha?", "Asia/Qatar"))
    assert arguments == {"source_timezone": "Asia/Qatar", "time": "08:30"}
    assert missing == ("target_timezone",)


@pytest.mark.parametrize(
    ("said", "changed"),
    [
        ("and if they move it to half 5?", {"time": "17:30"}),
        ("und um halb sechs?", {"time": "17:30"}),
        ("y a las 18?", {"time": "18:00"}),
        ("a o 14?", {"time": "14:00"}),
        ("and at 4?", {"time": "16:00"}),
        ("and la", {"target_timezone": "America/Los_Angeles"}),
        ("and Utrecht, doors 20:15", {"source_timezone": "Europe/Amsterdam", "time": "20:15"}),
    ],
)
def test_the_last_conversion_is_made_again_with_what_changes(said: str, changed: dict[str, str]) -> None:
    before = converted("15:00 in Ghent, whats that in Tokyo", "Europe/Brussels", "15:00", "Asia/Tokyo")
    arguments, missing = conversion(said, before)
    assert arguments == {**before.calls[0].arguments, **changed}
    assert not missing


@pytest.mark.parametrize(
    "said", ["wake up please", "the order at 1530 each", "back in 2019 there was one", "half a dozen"]
)
def test_what_only_looks_like_a_place_or_a_time_is_none(said: str) -> None:
    assert not extract(said, date(2025, 6, 4)).of("place", "time")


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("the wedding is on Madeira, I fly tomorrow", "Madeira"),
        ("weather in Austin, Texas please", "Austin, Texas"),
        ("and in St. Louis", "St. Louis"),
        ("theyre in Dubai. Now what", "Dubai"),
    ],
)
def test_a_place_ends_where_its_name_ends(said: str, place: str) -> None:
    assert [value.value for value in extract(said).of("place")] == [place]
