"""Text on its way to a terminal: harmless, broken at words, and kept without what was typed."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.cli.prompt_history import KEPT, Past
from dynamic_plugins.cli.screen import Flow
from dynamic_plugins.cli.turn_view import in_words
from dynamic_plugins.core.atomic_file import write_atomically
from dynamic_plugins.core.model_protocol import ToolCall
from dynamic_plugins.text.printable import json_text, printable, visible

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_plugins.core.atomic_file import Stamp


@pytest.mark.parametrize(
    ("wrote", "read", "agreed_to"),
    [
        ("plain", "plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red", r"\x1b[31mred\x1b[0m"),
        ("a\x1b]0;title\x07b", "ab", r"a\x1b]0;title\x07b"),
        ("a\x1b]52;c;never closed\nb", "a\nb", r"a\x1b]52;c;never closed\nb"),
        ("\x9b2J\x90q\x9cz", "z", r"\x9b2J\x90q\x9cz"),
        ("50 %\r100 %\r\n", "50 %\n100 %\n", r"50 %\r100 %\r\n"),
        ("txt.\u202eexe", "txt.exe", r"txt.\u202eexe"),
        ("zero\u200bwidth\u2028line", "zerowidth\nline", r"zero\u200bwidth\u2028line"),
        ("日本 é 👩\u200d🔬\t|", "日本 é 👩\u200d🔬\t|", "日本 é 👩\\u200d🔬\\t|"),
    ],
)
def test_nothing_that_controls_a_terminal_is_left_and_what_is_agreed_to_shows_it(
    wrote: str, read: str, agreed_to: str
) -> None:
    assert printable(wrote) == read
    assert visible(wrote) == agreed_to
    assert json.loads(json_text({"wrote": wrote})) == {"wrote": wrote}, "JSON says the same"
    assert printable(json_text(wrote)) == json_text(wrote)


def flowed(*pieces: str, width: int = 10) -> str:
    written: list[str] = []
    flow = Flow(written.append, lambda: width)
    for piece in pieces:
        flow.piece(piece)
    flow.end()
    return "".join(written)


def test_text_that_comes_in_pieces_is_broken_between_words_wherever_it_was_cut() -> None:
    text = "one two three\nfour  five\n\nsix seven"
    wanted = "one two\nthree\nfour  five\n\nsix seven\n"
    assert flowed(text) == wanted
    assert flowed(*text) == wanted
    assert flowed("a", "verylongword ", "b") == "averylongword\nb\n"
    assert flowed("日本語の文章には空白がない") == "日本語の文\n章には空白\nがない\n"


def test_code_keeps_its_lines_and_a_sequence_that_was_cut_in_two_is_still_taken_out() -> None:
    assert (
        flowed("```\n", "x = a + b + c + d\n", "```\none two three") == "```\nx = a + b + c + d\n```\none two\nthree\n"
    )
    assert flowed("a \x1b[3", "1mred\x1b", "[0m b") == "a red b\n"


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("list_available_plugins", '{"query": "time", "limit": null}', "search: time"),
        ("list_available_plugins", "{}", "search"),
        ("installPlugin", '{"pluginName": "x", "version": "1"}', "install x 1"),
        ("time__now", '{"timezone": "Asia/Tokyo", "short": true}', "time now timezone: Asia/Tokyo, short: true"),
        ("time__now", "", "time now"),
        ("time__now", "{not json", "time now {not json"),
        ("a__b", json.dumps({"c": "\x1b[31m" + "x" * 500}), "a b c: " + "x" * 59 + "…"),
    ],
)
def test_a_call_is_told_in_words(name: str, arguments: str, words: str) -> None:
    assert in_words(ToolCall("1", name, arguments)) == words


async def test_what_was_said_is_kept_from_one_conversation_to_the_next_but_never_as_it_was_typed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "home" / "chat-history"
    past = Past(path)
    past.append_string("what the prompt hands over")
    for said in ("one", "two\nlines", "two\nlines"):
        past.remember(said)
    path.write_text(path.read_text() + '{"half a li')
    path.chmod(0o644)
    later = Past(path)
    assert [each async for each in later.load()] == ["two\nlines", "one"]
    later.remember("three")
    assert path.stat().st_mode & 0o777 == 0o600
    assert "hands over" not in path.read_text()


async def test_what_is_said_while_another_conversation_shortens_what_is_kept_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "chat-history"
    path.write_text("".join(f'"{number}"\n' for number in range(3 * KEPT)))
    other = threading.Thread(target=Past(path).store_string, args=["new"])

    def write_late(path: Path, content: bytes | str) -> Stamp:
        other.start()
        other.join(0.5)  # it may write now, if nothing holds it back
        return write_atomically(path, content)

    monkeypatch.setattr("dynamic_plugins.cli.prompt_history.write_atomically", write_late)
    assert len([each async for each in Past(path).load()]) == KEPT
    other.join(60)
    assert path.read_text().splitlines()[-2:] == [f'"{3 * KEPT - 1}"', '"new"']


async def test_what_is_kept_has_a_bound_and_a_home_that_cannot_be_written_costs_only_the_history(
    tmp_path: Path,
) -> None:
    path = tmp_path / "chat-history"
    path.write_text("".join(f'"{number}"\n' for number in range(3 * KEPT)))
    assert len([each async for each in Past(path).load()]) == KEPT
    assert len(path.read_text().splitlines()) == KEPT
    blocked = Past(path / "below a file")
    blocked.remember("one")
    assert [each async for each in blocked.load()] == []
