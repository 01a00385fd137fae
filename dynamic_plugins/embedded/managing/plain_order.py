"""Messages that are nothing but an order: a verb and a plugin, or several of these joined, and words of courtesy.

What the trained models think of so short a text hangs on a word or two; its grammar leaves no doubt, so that it is read
by rule: "install X", "switch X on", "please turn X off and unload it".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dynamic_plugins.embedded.managing.order_grammar import grammatical_order
from dynamic_plugins.resolver.linker import means_all

if TYPE_CHECKING:
    from dynamic_plugins.embedded.managing.reading import PluginReading, Reading

SURE = 0.6
"""A plugin whose name is an ordinary word is only meant by it from this confidence on, unless it is called in full."""

X = (
    r"(?:(?:the|my|das|den|die|der|el|la|le|il|lo|o|a) )?(?:plugin )?(?P<who>\d+|it|#all)"
    r"(?: (?:plugin|extension|add-?on|server))?"
)
"""How a plugin is called in a message that was numbered: by its number, or as "it"."""
_KIND = "(?: ?(?:这个|那个|這個|那個)?(?:插件|外掛|プラグイン|플러그인))?"
_ZH, _JA, _KO = f"(?:把|将|將)? ?X{_KIND} ?", f"X{_KIND} ?を?", f"X{_KIND} ?(?:을|를)? ?"
"""A plugin before its verb, where no space need stand between them."""
_CLAUSES = tuple(
    (letter, re.compile(pattern.replace("X", X)))
    for letter, patterns in {
        "I": (
            "(?:install|installiere|installier|installe|instala|installa|zainstaluj|установи) X",
            f"(?:请|帮我|请帮我|給我|给我)?(?:安装|安裝) ?(?:一下 ?)?X{_KIND}",
            f"{_JA}(?:インストール)(?:して|してください|して下さい|お願いします)",
            f"{_KO}설치(?:해|해줘|해 줘|해주세요|해 주세요)",
        ),
        "A": (
            "(?:activate|enable|resume|un-?pause|wake(?: up)?|aktiviere|activa|active|attiva|ativa|aktywuj|включи) X",
            "(?:switch|turn) X (?:back )?on",
            "(?:switch|turn) on X",
            "bring X (?:back|back on|out of hibernation)",
            "(?:schalte?|mach) X (?:wieder )?(?:ein|an)",
            "(?:enciende|allume|accendi|liga|włącz) X",
            f"(?:请|帮我|请帮我)?(?:启用|啟用|打开|打開|开启|開啟|激活) ?(?:一下 ?)?X{_KIND}",
            f"{_ZH}(?:打开|打開|开启|開啟)",
            f"{_JA}(?:オンにして|有効にして|起動して)(?:ください|下さい)?",
            f"{_KO}(?:켜|켜줘|켜 줘|켜주세요|켜 주세요)",
        ),
        "D": (
            "(?:deactivate|disable|pause|deaktiviere|desactiva|désactive|disattiva|desativa|выключи|отключи) X",
            "(?:schalte?|mach) X (?:wieder )?aus",
            "(?:apaga|éteins|spegni|desliga|wyłącz) X",
            f"(?:请|帮我|请帮我)?(?:停用|禁用|关闭|關閉|关掉|關掉) ?(?:一下 ?)?X{_KIND}",
            f"{_ZH}(?:关掉|關掉|关了|关闭|關閉|停用)",
            f"{_JA}(?:オフにして|無効にして|止めて)(?:ください|下さい)?",
            f"{_KO}(?:꺼|꺼줘|꺼 줘|꺼주세요|꺼 주세요)",
            "(?:switch|turn) X (?:back )?off",
            "(?:switch|turn) off X",
        ),
        "U": ("unload X(?: from memory)?", "(?:kick|take|throw|remove) X (?:out of|from) memory"),
        "X": (
            "(?:uninstall|deinstalliere|deinstallier|désinstalle|desinstala|disinstalla|odinstaluj|удали) X",
            f"(?:请|帮我|请帮我)?(?:卸载|卸載|解除安装) ?(?:一下 ?)?X{_KIND}",
            f"{_ZH}(?:卸载|卸載)(?:掉)?",
            f"{_JA}(?:アンインストール)(?:して|してください|して下さい)",
        ),
    }.items()
    for pattern in patterns
)
# Orders about what was just spoken of that are one word, or whose pronoun is no English one.
_ONE_WORD = {
    "activate it": "actívalo activalo enciéndelo enciendelo préndelo active-le allume-le attivalo accendilo ativa-o",
    "deactivate it": "desactívalo desactivalo apágalo apagalo désactive-le éteins-le coupe-le disattivalo spegnilo",
    "install it": "instálalo instalalo installe-le installalo instala-o",
    "uninstall it": "desinstálalo desinstalalo désinstalle-le disinstallalo desinstala-o",
}
_OF_IT = {form: english for english, forms in _ONE_WORD.items() for form in forms.split()}
_PRONOUN = re.compile(
    r"^((?:schalte?|mach|liga|desliga|desinstala|deinstalliere?|installiere?) )(?:es|ihn|sie|das|ele|ela|isso)( .*)?$"
)
_ALL = re.compile(
    r"\b(?:everything|(?:all|every one) of (?:them|it|those|the plugins)|(?:all|every) (?:(?:the|my|of the|of my) )?"
    r"(?:plugins?|of them)|all|alles|alle(?: plugins)?|todos?(?: los plugins)?|tout(?: les plugins)?|tous les plugins"
    r"|tutt[oi](?: i plugin)?|tudo)\b"
)
_STATES = {"A": ("off",), "D": ("on",), "U": ("on", "off")}
"""Of an order for everything: how the plugins stand that it is for. Nothing is removed so."""
_JOINT = re.compile(r" ?(?:[,;.]\s+(?:and )?(?:then )?|\band (?:then )?|\bthen )", re.IGNORECASE)
_SAYS_NOTHING = frozenset(
    {"", "ok", "okay", "oh", "well", "fine", "right", "so", "please", "thanks", "good", "alright"}
)
_COURTESY = re.compile(
    r"^(?:(?:ok|okay|now|please|pls|hey|so|no|yes|right|great|good|thanks|thank you|thx|danke"
    r"|merci|gracias|grazie|whatever|just|only|solo|sólo|bitte|por favor|s'il te plaît)"
    r"[ ,.!]+(?:so much[ ,.!]+)?)+|(?:[ ,]+(?:now|please|pls|again|thanks|thank you|for me|bitte|por favor"
    r"|gracias|stp|svp|merci|per favore))+$"
)


def plain_order(reading: Reading) -> list[tuple[PluginReading, str]] | None:
    """Return the plugins of *reading* with the letters of what is done to each; None where anything else is said.

    Nothing at all where it is an order for everything, and there is nothing that it could be for.
    """
    ordered = _ordered(reading.text.spoken, reading)
    return _explained(reading) if ordered is None else ordered


def _explained(reading: Reading) -> list[tuple[PluginReading, str]] | None:
    """Return what a message orders of which no word is anything but a part of its orders."""
    numbered, plugins = _numbered(reading.text.spoken, reading)
    numbered = re.sub(r"[^\W\d_]+(?:-[^\W\d_]+)?", lambda word: _OF_IT.get(word[0], word[0]), numbered)
    ordered = grammatical_order(numbered, lambda: _just_changed(reading, plugins))
    return [(plugins[number], letters) for number, letters in ordered.items()] if ordered else None


def numbered_text(reading: Reading) -> tuple[str, list[PluginReading]]:
    """Return what was said without words of courtesy, a number in place of each plugin that it surely names, and these
    plugins.
    """
    text, plugins = _numbered(reading.text.spoken, reading)
    return _COURTESY.sub("", text), plugins


def after_plain_order(reading: Reading) -> str:
    """Return what stands behind the plain order that a message begins with; all of it where it begins with none."""
    text = reading.text.spoken
    if _ordered(text, reading) is not None:
        return ""
    for joint in reversed(list(_JOINT.finditer(text))):
        if _ordered(text[: joint.start()], reading) is not None:
            return text[joint.end() :].strip()
    return text


def _ordered(text: str, reading: Reading) -> list[tuple[PluginReading, str]] | None:
    numbered, plugins = _numbered(text, reading)
    steps: dict[int, str] = {}
    of_all = False
    last = _just_changed(reading, plugins)
    for clause in _JOINT.split(_COURTESY.sub("", numbered)):
        if clause.strip(" .!,") in _SAYS_NOTHING:
            continue
        clause = _OF_IT.get(clause, _PRONOUN.sub(_with_it, clause))
        found = _order_in(clause) or _order_in(_ALL.sub("#all", clause, count=1))
        if found is None:
            return None
        letter, who = found
        if who == "#all" and letter in _STATES:
            steps |= {number: steps.get(number, "") + letter for number in _standing(reading, plugins, letter)}
            of_all = True
            continue
        last = last if who == "it" else int(who) if who.isdigit() else None
        if last is None:
            return None
        steps[last] = steps.get(last, "") + letter
    return [(plugins[number], letters) for number, letters in steps.items()] if steps or of_all else None


def _order_in(clause: str) -> tuple[str, str] | None:
    """Return the letter of a plain order and what it is for: a plugin's number, "it", or "#all"."""
    return next(((letter, match["who"]) for letter, form in _CLAUSES if (match := form.fullmatch(clause))), None)


def _standing(reading: Reading, plugins: list[PluginReading], letter: str) -> list[int]:
    """Return the places in *plugins* of all that stand so that *letter* can be for them; they are added to it."""
    meant = [each for each in reading.plugins if each.state in _STATES.get(letter, ())]
    plugins += [each for each in meant if each not in plugins]
    return [plugins.index(each) for each in meant]


def _with_it(found: re.Match[str]) -> str:
    return f"{found[1]}it{found[2] or ''}"


def _just_changed(reading: Reading, plugins: list[PluginReading]) -> int | None:
    """Add the one plugin that the turn before changed, or else spoke of, to *plugins*, for an "it".

    Return its place; None without one, or where the message names some itself.
    """
    spoken_of = [each for each in reading.plugins if each.link.context and not each.link.named]
    changed = [each for each in spoken_of if each.link.context.startswith("c")]
    meant = changed or [each for each in spoken_of if each.link.context.startswith("r")]
    if len(meant) != 1 or plugins:
        return None
    plugins.append(meant[0])
    return 0


def _numbered(text: str, reading: Reading) -> tuple[str, list[PluginReading]]:
    """Return *text* in lower case with a number for each plugin that it surely names, and these plugins."""
    sure = [each for each in reading.plugins if surely_named(each) and each.link.end <= len(text)]
    if len(sure) == 1 and not sure[0].link.context and means_all(text, sure[0].link):
        sure = []
    out, reached = "", 0
    numbered: list[PluginReading] = []
    for each in sorted(sure, key=lambda each: (each.link.start, -each.link.end)):
        if each.link.start >= reached:
            if each.link.names not in (names := [other.link.names for other in numbered]):
                numbered.append(each)
                names.append(each.link.names)
            out += f"{_without_digits(text[reached : each.link.start])}{names.index(each.link.names)}"
            reached = each.link.end
    out += _without_digits(text[reached:])
    for number, each in enumerate(numbered):  # called once more it has no link
        called = re.escape(text[each.link.start : each.link.end])
        out = re.sub(rf"(?<!\w){called}(?!\w)", str(number), out, flags=re.IGNORECASE)
    return re.sub(r"\s+", " ", out.lower()).strip(" .!"), numbered


def _without_digits(text: str) -> str:
    return re.sub(r"\d", "#", text)


def surely_named(each: PluginReading) -> bool:
    """Whether the words for the plugin can mean nothing else; several plugins may be called by them."""
    link = each.link
    if not link.named or (len(link.names) > 1 and link.kind != "ambiguous"):
        return False
    if link.kind == "exact" and each.state != "new":
        return True  # beside an order what is installed is meant, even where its name is an ordinary word
    return link.kind in ("whole", "alias") or (link.kind in ("exact", "ambiguous") and link.confidence >= SURE)
