"""Characters that nobody sees: refused in names, written as escapes where a person agrees, and odd letters told."""

from __future__ import annotations

import json
import sys
import unicodedata
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.app import App
from dynamic_plugins.errors import NeedsConfirmationError, UnknownPluginError
from dynamic_plugins.registry.registry import Registry
from dynamic_plugins.settings import Settings
from dynamic_plugins.text.printable import INVISIBLE, printable, visible

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_plugins.approval import ApprovalRequest

UNSEEN = [
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180d\u180e\u180f\u200b\u200d\u2060\u2064\u206a\u2800\u3164",
    "\ufe00\ufe0f\ufeff\uffa0\ufff0\U0001bca0\U0001d159\U0001d173\U000e0001\U000e0020\U000e0100\U000e01ef\U000e0fff",
]
EVERY = "".join(UNSEEN)


@pytest.mark.parametrize("character", EVERY, ids=lambda each: f"U+{ord(each):04X}")
def test_what_nobody_sees_is_an_escape_in_what_is_agreed_to(character: str) -> None:
    shown = visible(f"mcp-server{character}-time")
    assert shown.isascii()
    assert f"{ord(character):x}" in shown


def test_nothing_of_a_format_or_a_blank_is_shown_as_it_is() -> None:
    hidden = [
        chr(code)
        for code in range(0x80, sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in {"Cf", "Zs", "Zl", "Zp", "Cc", "Co", "Cn"}
    ]
    assert visible("".join(hidden)).isascii()


def test_what_words_and_pictures_are_made_of_stays_where_text_is_read() -> None:
    for text in ("👩\u200d🔬", "❤\ufe0f", "\u0645\u06cc\u200c\u0634\u0648\u062f", "葛\U000e0100", "日本\u3000語"):
        assert printable(text) == text
    assert printable("pay\u3164pal\u034f\uffa0\u115f") == "paypal"


def registry(folder: Path, *names: str) -> Path:
    path = folder / "registry.json"
    plugin = {"kind": "python", "description": "a\u3164b", "packages": [{"type": "path", "name": str(folder)}]}
    path.write_text(json.dumps({"schema": 1, "plugins": [{"name": name, **plugin} for name in names]}))
    return path


async def test_a_registrys_name_with_something_invisible_in_it_is_refused_and_counted(tmp_path: Path) -> None:
    names = [f"mcp-server{each}-time" for each in EVERY]
    made = Registry(tmp_path / "home", (str(registry(tmp_path, "good", *names)),))
    entries = await made.entries()
    assert [entry.name for entry in entries] == ["good"]
    assert entries[0].description == "ab"
    assert any(str(len(names)) in notice for notice in made.notices)
    assert not any(INVISIBLE.search(notice) for notice in made.notices)


@pytest.mark.parametrize("character", ["\u3164", "\u034f", "\ufe0f", "\u2800"])
async def test_a_name_with_something_invisible_in_it_means_no_plugin(tmp_path: Path, character: str) -> None:
    async with App(Settings(home=tmp_path / "home", registries=(str(registry(tmp_path, "good-one")),))) as app:
        with pytest.raises(UnknownPluginError):
            await app.catalogue.find(f"good{character}-one")


async def test_a_name_outside_ascii_is_told_loudly_before_it_is_agreed_to(tmp_path: Path) -> None:
    asked: list[ApprovalRequest] = []

    async def approve(request: ApprovalRequest) -> bool:
        asked.append(request)
        return False

    name = "mcp-server-\u0440ay\u0440al"  # the letter er of the Cyrillic alphabet
    folder = tmp_path / "plugin"
    folder.mkdir()
    (folder / "plugin.py").write_text("from dynamic_plugins.plugin import Plugin\nplugin = Plugin('x', '')\n")
    settings = Settings(home=tmp_path / "home", registries=(str(registry(folder, name)),))
    async with App(settings, approve=approve) as app:
        result = await app.toolbox.call("install_plugin", {"plugin_name": name})
    assert result["error"]["code"] == "declined"
    (warning,) = [fact for fact in asked[0].facts if "NOT plain ASCII" in fact]
    assert warning.startswith("  warning  ")
    assert "U+0440 CYRILLIC SMALL LETTER ER" in warning
    async with App(settings) as app:
        with pytest.raises(NeedsConfirmationError):
            await app.service.install(name)
