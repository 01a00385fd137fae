"""What sounds like an order and is none, or none for now: nothing is done about it without a question."""

from __future__ import annotations

import pytest

from dynamic_plugins.embedded.managing.not_now import orders_nothing_now
from tests.test_understanding import DISCORD, talk

NO_ORDERS = [
    "get ready to uninstall discord",
    "maybe install mcp-server-calculator some day",
    "remind me to uninstall discord",
    "switch off discord once the storm is over",
    "toplantı bitince discord'ı kapat",
    "uninstall discord next week",
    'when I say "now", switch off discord',
    "Выключи discord, когда закончится встреча",
    "会议结束后关闭discord",
    "I see discord is uninstalled on Tom's machine",
    "I wanted to turn off discord but it wouldn't let me",
    "I've just switched off discord on my laptop",
    "J'ai désinstallé discord hier",
    "discord is off in the office",
    "maine kal discord uninstall kiya tha",
    "our policy is to uninstall discord on Fridays",
    "pip install discord fails on my machine",
    "someone set the repository of discord to /srv/evil",
    "I want my colleague to uninstall discord",
    "I want to install discord but my admin forbids it",
    "I'd hate to uninstall discord",
    "I'd love to uninstall discord, but my wife needs it",
    "I'm about to switch off discord myself",
    "I'm thinking of uninstalling discord",
    "Jutro wyłączę discord",
    "Завтра я выключу discord",
    "明日discordをオフにします",
    "Darf ich discord ausschalten?",
    "Discord'u kaldırmalı mıyım?",
    "I'd like to know whether to uninstall discord",
    "Kan ik discord uitzetten?",
    "could you tell me how I'd turn off discord?",
    "discordをオフにしてもいいですか?",
    "help me decide whether to uninstall discord",
    "help me understand how to uninstall discord",
    "please explain to me how I would go about switching off discord",
    "Apaga discord... es broma",
    "Desliga o discord... brincadeira",
    "Stäng av discord. Nej, vänta, låt bli.",
    "discordをオフにして、いや、やっぱりいい",
    "switch off discord. Forget it.",
    "switch off discord. Hmm. Let me think about it first.",
    "uninstall discord (sarcasm)",
    "uninstall discord lol jk",
    "Выключи discord, шучу",
    "I'd rather die than uninstall discord",
    "Nobody should switch off discord",
    "Too soon to switch off discord",
    "dinnae switch aff discord",
    "discord ko uninstall mat karo",
    "hands off discord",
    "it's too early to uninstall discord",
    "over my dead body will you uninstall discord",
    "that doesn't mean uninstall discord",
    "Ask Tom to uninstall discord",
    "From: Bob. Please switch off discord",
    "TODO: uninstall discord, buy milk, call mum",
    'add "uninstall discord" to my todo list',
    'example: "switch off discord"',
    "tell Tom to switch off discord",
    "The discord is off limits for the kids",
    "cancel the bad discord please, haha",
    "uninstall my ex from my memory",
]


@pytest.mark.parametrize("said", NO_ORDERS)
def test_what_denies_reports_puts_off_asks_or_takes_back_is_not_done(said: str) -> None:
    assert talk(active=[DISCORD]).say(said).calls == []


@pytest.mark.parametrize(
    "said",
    [
        "turn discord off for today",
        "switch discord off, please",
        "could you uninstall discord?",
        "please install discord",
    ],
)
def test_a_plain_order_is_one_for_now(said: str) -> None:
    assert not orders_nothing_now(said)


def test_what_an_action_is_given_says_nothing_of_the_order() -> None:
    assert orders_nothing_now("write a note: call Ann tomorrow")
    assert not orders_nothing_now("write a note: call Ann tomorrow", ["call Ann tomorrow"])
    assert orders_nothing_now("run DELETE FROM a once it is saved", ["DELETE FROM a once it is saved"])
