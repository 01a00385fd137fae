"""Requests in other languages and in everyday words find what the plain English ones do, by words alone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dynamic_plugins.registry.entry import Entry, OfferedAction
from dynamic_plugins.resolver.search import SearchIndex
from dynamic_plugins.text import plain_english, tokenizer
from dynamic_plugins.text.plain_english import in_plain_english


def plugin(name: str, description: str, *actions: str) -> Entry:
    keywords = tuple(description.lower().split())
    return Entry(name, "mcp", description, keywords=keywords, actions=tuple(OfferedAction(each) for each in actions))


ENTRIES = [
    plugin("acme/sky", "The weather forecast of the next days", "get_forecast"),
    plugin("acme/rates", "Foreign exchange rates", "convert_currency"),
    plugin("acme/player", "Plays songs and other music", "play_track"),
    plugin("acme/post", "Sends and reads email", "send_email"),
    plugin("acme/clock", "Reminders and alarms", "create_reminder"),
    plugin("acme/tables", "Reads and writes spreadsheets", "sum_column"),
    plugin("acme/books", "Invoices and payments of customers", "create_invoice"),
    plugin("acme/tongues", "Translates text into other languages", "translate_text"),
    plugin("acme/store", "Catalogue of categories, queries and messages", "query"),
    plugin("acme/turned", "Turns left, hands over, and goes back to where it was"),
    plugin("acme/notion", "Pages of Notion", "search_pages"),
]


@pytest.fixture(scope="module")
def index() -> SearchIndex:
    return SearchIndex(ENTRIES)


def names(index: SearchIndex, query: str) -> list[str]:
    return [match.entry.name for match in index.search(query, 8)]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("Wie wird das Wetter morgen?", "acme/sky"),
        ("Wettervorhersage", "acme/sky"),
        ("va a llover el domingo", "acme/sky"),
        ("est-ce qu'il pleut demain", "acme/sky"),
        ("quanto vale il dollaro", "acme/rates"),
        ("was kostet ein Euro in Franken", "acme/rates"),
        ("pon una canción alegre", "acme/player"),
        ("etwas, um Musik abzuspielen", "acme/player"),
        ("quero ouvir música", "acme/player"),
        ("jouer une chanson", "acme/player"),
        ("manda un correo a todos mis clientes", "acme/post"),
        ("scrivi una mail al mio capo", "acme/post"),
        ("erinnere mich an den Zahnarzt", "acme/clock"),
        ("rappelle-moi d'acheter du pain", "acme/clock"),
        ("ricordami di chiamare", "acme/clock"),
        ("lies mir die Tabelle vor und rechne die Summe", "acme/tables"),
        ("meine offenen Kundenrechnungen", "acme/books"),
        ("tradúceme esta carta", "acme/tongues"),
        ("cherche dans mes pages de notion", "acme/notion"),
        ("will I need an umbrella tomorrow", "acme/sky"),
        ("who still owes me money", "acme/books"),
        ("wake me tomorrow", "acme/clock"),
        ("jaka jest pogoda w Krakowie", "acme/sky"),
        ("vertaal deze tekst voor mij", "acme/tongues"),
        ("skicka epost till min kund", "acme/post"),
        ("переведи текст", "acme/tongues"),
    ],
)
def test_it_finds_what_a_plain_request_does(index: SearchIndex, query: str, name: str) -> None:
    assert names(index, query)[0] == name


@pytest.mark.parametrize(
    "query",
    ["que disent-ils de moi", "das ist mir zu viel", "cosa ne pensi", "no me gusta esto"],
)
def test_what_joins_words_in_another_language_is_part_of_no_english_word(index: SearchIndex, query: str) -> None:
    assert names(index, query) == []


@pytest.mark.parametrize("query", ["a picture of a cat", "what about leftovers", "leftover rice"])
def test_an_english_word_that_nobody_has_is_not_taken_for_another(index: SearchIndex, query: str) -> None:
    assert names(index, query) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("weather in Tartu", ["acme/sky"]),
        ("songs from Rio de Janeiro", ["acme/player"]),
        ("remind me in 10 minutes", ["acme/clock"]),
        ("convert 200", ["acme/rates"]),
    ],
)
def test_a_place_and_a_number_are_values_and_not_what_is_searched_for(
    index: SearchIndex, query: str, found: list[str]
) -> None:
    assert names(index, query)[:1] == found


@pytest.mark.parametrize(
    "query", ["znajdź mi ten przepis o dziesięciu grzybach", "mina anteckningar i Obsidian", "hol van a múzeum"]
)
def test_words_of_a_language_that_is_not_told_are_no_english_ones(query: str) -> None:
    others = [plugin("acme/ten", "Ten days, bland as it is, and I hold a van", "a_list"), *ENTRIES]
    assert names(SearchIndex(others), query) == []


@pytest.mark.parametrize("query", ["weathr", "transl", "spreadsheats", "notoin"])
def test_slips_and_beginnings_are_still_understood(index: SearchIndex, query: str) -> None:
    assert names(index, query)


@pytest.mark.parametrize(
    "request_",
    [
        "list my open invoices",
        "hotels in Rio de Janeiro",
        "los angeles traffic",
        "a brief plan of the base",
        "AI agents",
    ],
)
def test_what_is_english_stays_as_it_is(request_: str) -> None:
    assert in_plain_english(request_).text == request_


def test_words_that_are_no_proof_and_words_that_are_have_one_meaning_each() -> None:
    for file in ("translations.txt", "everyday.txt"):
        lines = Path(plain_english.__file__).with_name(file).read_text(encoding="utf-8").splitlines()
        said = [word for line in lines if not line.startswith("#") for word in line.partition(":")[2].split()]
        words = [word.lstrip("~") for word in said]
        assert [word for word in words if tokenizer.plain(word) != word] == []
        if file == "translations.txt":
            assert sorted(words) == sorted(set(words))


def test_a_long_request_is_read_in_a_bounded_time() -> None:
    began = time.process_time()
    in_plain_english("Donaudampfschifffahrtsgesellschaft und " * 5_000)
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    ("request_", "word"),
    [
        ("计算器那个插件我反正用不到", "calculator"),
        ("天気のほうはもう切っちゃって", "weather"),
        ("계산기는 이제 꺼 주세요", "calculator"),
        ("記憶のほうは切っておいてください", "memory"),
    ],
)
def test_a_word_that_no_space_parts_from_the_next_is_known(request_: str, word: str) -> None:
    assert word in in_plain_english(request_).text
