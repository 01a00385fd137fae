"""Lists and objects among arguments: files, names, labels, edits, relations, things with what is known of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dynamic_plugins.embedded.context.references import chosen
from dynamic_plugins.embedded.language.action_words import fillers
from dynamic_plugins.embedded.language.facts_to_keep import A_FACT, fact_to_keep
from dynamic_plugins.embedded.language.free_text import called, unquoted, whole_text
from dynamic_plugins.embedded.slots.labels import labels_in, split
from dynamic_plugins.text.tokenizer import plain

if TYPE_CHECKING:
    from dynamic_plugins.embedded.language.free_text import Span
    from dynamic_plugins.embedded.slots.place_slots import PlaceSlots
    from dynamic_plugins.embedded.values.parameters import Parameter

Found = tuple[Any, list["Span"]]
_NOTHING: Found = (None, [])


def filled_list(filling: PlaceSlots, p: Parameter) -> Found:
    """Return the values for an array parameter and the parts of the message that they are."""
    if p.items.role == "object" or p.items.type == "object":
        return _objects(filling, p)
    text = filling.message.text
    if p.items.choices:
        words = filling.message.words
        return [c for c in p.items.choices if plain(str(c)) in words] or None, []
    if p.items.role == "path" or re.search(r"path|files?$", p.name, re.I):
        return _paths(filling, p)
    if p.shape is not None and (found := list(p.shape.finditer(text))):
        return [m.group() for m in found], [m.span() for m in found]
    if re.search(r"exclud|ignore", p.name, re.I):
        found_one = re.search(
            r"\b(?:without|except|excluding|ohne|sin|sans|but not|"
            r"ignoring)\s+(?:the\s+)?([\w.*/-]+(?:\s*,\s*[\w.*/-]+)*)",
            text,
            re.I,
        )
        return (split(found_one[1]), [found_one.span(1)]) if found_one else _NOTHING
    if (found_labels := labels_in(text, p.name, filling.names)) is not None:
        return found_labels[0], [found_labels[1]]
    if p.required:
        return _picked(filling, p)
    return _NOTHING


def _paths(filling: PlaceSlots, p: Parameter) -> Found:
    values = [
        v
        for v in filling.message.values.of("path", "file")
        if not any(s <= v.start < e for s, e in filling.filled.used)
    ]
    roots = {str(v) for k, v in filling.filled.arguments.items()}
    values = [v for v in values if v.value not in roots]
    if any(n.startswith("repo") for n in filling.names):
        values = [v for v in values if not str(v.value).startswith("/") or len(values) == 1]
    names = [str(v.value) for v in values]
    folders = _folders(filling)
    if len(names) == 1 and len(folders) > 1:
        return [f"{folder}/{names[0]}" for folder in folders], [(values[0].start, values[0].end)]
    if names:
        return [filling.located(name, p.items) for name in names], [(v.start, v.end) for v in values]
    if (
        re.search(r"\b(?:everything|all|alles|todo|tout)\b", filling.message.text, re.I)
        and p.required
        and any(n.startswith("repo") for n in filling.names)
    ):
        return ["."], []
    return _picked(filling, p) if p.required else _NOTHING


def _folders(filling: PlaceSlots) -> list[str]:
    """Return the folders of the last listing that the message picks by their places."""
    for call in filling.memory.calls[:2]:
        picked = chosen(filling.message.text, call.items)
        paths = [filling.in_folder(str(i.fields["name"]), call) for i in picked if i.fields.get("kind") == "dir"]
        if len(paths) > 1:
            return [path for path in paths if path]
    return []


def _picked(filling: PlaceSlots, p: Parameter) -> Found:
    """Return what the message picks from earlier results, or names itself, or was spoken of last."""
    one = p.items
    values = [v for v in (filling._by_reference(one, all_of_them=True)) if v is not None]
    if values and re.search(r"\b(?:that|this) (?:one|paper|file)?\b.*\band\b|\bit and\b", filling.message.text, re.I):
        subject = next((s for call in filling.memory.calls if (s := _last_named(call, p)) is not None), None)
        values = [subject, *values] if subject is not None and subject not in values else values
    if values:
        return values, []
    quoted = filling.message.values.of("quoted")
    if quoted:
        return [q.value for q in quoted], [(q.start, q.end) for q in quoted]
    if p.words[-1] not in ("id", "ids") and (names := _proper_names(filling)):
        return [n for n, _ in names], [s for _, s in names]
    for call in filling.memory.calls:
        if isinstance(call.arguments.get(p.name), list) and filling.message.points:
            return call.arguments[p.name], []
        if (single := _last_named(call, p)) is not None:
            return [single], []
    return _NOTHING


def _last_named(call: Any, p: Parameter) -> Any:
    """Return the one thing that an earlier call was about, from its result or its arguments."""
    for name, value in call.arguments.items():
        if (
            isinstance(value, (str, int))
            and p.words[-1].rstrip("s") == name.split("_")[-1].lower().rstrip("s")
            and p.words[-1] in ("ids", "id")
        ):
            return value
        if isinstance(value, list) and value and isinstance(value[0], dict) and "name" in p.name.lower():
            inner = value[0].get("entityName") or value[0].get("name")
            if inner:
                return inner
    items = call.items
    if len(items) == 1 and not call.failed:
        keys = (
            ("id",)
            if p.words[-1] in ("ids", "id")
            else ("path", "name")
            if "file" in p.name or "path" in p.name
            else ("name", "title")
        )
        return (
            next((items[0].fields[k] for k in keys if items[0].fields.get(k)), None)
            if isinstance(call.result, (dict, list)) or keys[0] != "name"
            else None
        )
    changed = [
        i
        for i in items
        if re.search(r"\.\w{1,5}$", str(i.fields.get("name") or "")) and " " not in str(i.fields.get("name"))
    ]
    return changed[0].fields["name"] if "file" in p.name and len(changed) == 1 else None


_NAME = re.compile(
    r"(?<!\w)(?:(?:Dr|Mr|Ms|Mrs|Prof)\.\s+|[A-Z]\.\s+)*[A-ZÀ-Þ][\w'’&-]*(?:\s+(?:[A-ZÀ-Þ][\w'’&-]*|\d+))*"
)


def _proper_names(filling: PlaceSlots) -> list[tuple[str, tuple[int, int]]]:
    text, found = filling.message.text, []
    for m in _NAME.finditer(text):
        words = m.group().split()
        start = m.start()
        begins = start == 0 or text[:start].rstrip()[-1:] in ".!?:"
        only_begins = begins and (plain(words[0]) in fillers() or len(words) == 1)
        if only_begins or plain(m.group()) in fillers() or m.group() == "I":
            continue
        found.append((m.group(), m.span()))
    return found


# --- objects


def filled_object(filling: PlaceSlots, p: Parameter) -> Found:
    """Return an object for *p* where one text or one id fills it."""
    value = _built(filling, p, depth=0)
    return (value, []) if value else _NOTHING


def _objects(filling: PlaceSlots, p: Parameter) -> Found:
    names = {f.name.lower(): f.name for f in p.items.fields}
    old = next((n for k, n in names.items() if k.startswith(("old", "search", "find"))), None)
    new = next((n for k, n in names.items() if k.startswith(("new", "replace"))), None)
    source = next((n for k, n in names.items() if k in ("from", "source", "subject")), None)
    target = next((n for k, n in names.items() if k in ("to", "target", "object")), None)
    kind = next((n for k, n in names.items() if "type" in k), None)
    held = next((f.name for f in p.items.fields if f.role == "list"), None)
    name = next((n for k, n in names.items() if "name" in k), None)
    if old and new:
        found = edit_in(filling.message.text)
        return ([{old: found[0], new: found[1]}], [found[2]]) if found else _NOTHING
    if source and target and kind:
        return _relations(filling, p, source, target, kind)
    if name and held:
        return _things(filling, name, kind, held)
    one = _built(filling, p.items, depth=0) if p.required else None
    return ([one], []) if one else _NOTHING


def _built(filling: PlaceSlots, p: Parameter, depth: int) -> Any:
    """Return an object with its one text or id filled in; None where nothing fits."""
    if depth > 3:
        return None
    required = [f for f in p.fields if f.required] or list(p.fields)
    for f in required:
        if f.type == "object" and f.fields and (inner := _built(filling, f, depth + 1)):
            return {f.name: inner}
        if f.role == "id" and (value := filling._carried(f)) is not None:
            return {f.name: value}
        if f.role == "text" and f.type == "string" and (found := whole_text(filling.message.text)):
            return {f.name: found[0]}
    return None


_EDITS = [
    (re.compile(r"[\"“„«']([^\"”“»']+)[\"”“»']\s*(?:instead of|statt|anstatt|en vez de|"
        r"au lieu de)\s*[\"“„«']([^\"”“»']+)[\"”“»']", re.I), True),
    (re.compile(r"[\"“„«']([^\"”“»']+)[\"”“»']\s*(?:to|with|into|by|zu|durch|in|mit|wird|wird zu|por|con|"
        r"a|par|en|→|->|=>|becomes|must be|should be)\s+(?:zu\s+)?[\"“„«']([^\"”“»']+)[\"”“»']", re.I), False),
    (re.compile(r"\b(?:aus|from)\s+(\S+(?:\s\S+)?)\s+(?:mach|to|zu|wird)\s+(\S+(?:\s\S+)?)\s*[.!]?$", re.I), False),
    (re.compile(r"\b(?:replace|change|swap|ersetze?|ändere|cambia|reemplaza|"
        r"remplace)\s+(?:the\s+)?(.+?)\s+(?:with|to|by|for|durch|in|zu|por|a|"
        r"par)\s+(.+?)(?:\s+in\s+\S+)?\s*[.!]?$", re.I), False),
    (re.compile(r"(\S[^,;]*?)\s+(?:instead of|statt|en vez de|au lieu de)\s+(\S[^,;]*?)\s*[.!]?$", re.I), True),
]  # fmt: skip


def edit_in(text: str) -> tuple[str, str, tuple[int, int]] | None:
    """Return what stands in a file, what shall stand there, and where the message says so."""
    for pattern, turned in _EDITS:
        if found := pattern.search(text):
            first, second = unquoted(found[1]), unquoted(found[2])
            return (second, first, found.span()) if turned else (first, second, found.span())
    return None


def _relations(filling: PlaceSlots, p: Parameter, source: str, target: str, kind: str) -> Found:
    text = filling.message.text
    names = [n for n, _ in _proper_names(filling)]
    found = whole_text(text)
    clause = re.split(
        r"(?<=\w)[.,;](?:\s|$)(?![A-Z]\w*\s*$)",
        re.sub(r"\b(Dr|Mr|Ms|Mrs|Prof)\.\s", "\\1.\x00", found[0] if found else text),
    )[0].replace("\x00", " ")
    word = re.search(
        r"\b(?:type|relation(?: word| type)?|called|as|beziehung|"
        r"relación)\b[\s:]*[\"'“„]?([^\"'”“.,;]+)[\"'”“]?\s*\.?\s*$",
        text,
        re.I,
    )
    if len(names) >= 2 and word is not None:
        first, second = names[0], next((n for n in names[1:] if n != names[0]), None)
        if second:
            return [{source: first, target: second, kind: word[1].strip()}], []
    if (quoted := _QUOTED_RELATION.match(text)) and (subject := _last_name(quoted[1])):
        return [{source: subject, target: unquoted(quoted[3].strip(" .!")), kind: quoted[2]}], []
    parts = re.match(
        r"(.+?)\s+([a-z][\w-]*(?:\s+(?:by|at|in|of|with|on|to|for|from))?)\s+([A-ZÀ-Þ0-9].*)$", clause.strip()
    )
    if parts:
        return [{source: unquoted(parts[1]), target: unquoted(parts[3].rstrip(".")), kind: parts[2]}], []
    for call in filling.memory.calls[:3]:
        if filling.message.points and isinstance(call.arguments.get(p.name), list):
            return call.arguments[p.name], []
    return _NOTHING


_QUOTED_RELATION = re.compile(
    r"(.*?)\s*[\"“„«']([^\W\dA-Z][^\"“”„«»']*)[\"”“»']\s+([A-ZÀ-Þ][\w'’-]*(?: [A-ZÀ-Þ][\w'’-]*)*)[\s.!]*\Z", re.S
)
"""Two names with what joins them between quotation marks: 'Maya "is sibling of" Oskar'."""


def _last_name(text: str) -> str | None:
    found = _NAME.findall(text)
    return str(found[-1]) if found and text.rstrip().endswith(found[-1]) else None


def _things(filling: PlaceSlots, name: str, kind: str | None, held: str) -> Found:
    """Things with what is known of them: "M. Okafor, person, met at ICASSP", "about Lang: his office is B12"."""
    text = filling.message.text
    found = whole_text(text)
    said = found[0].rstrip() if found else None
    names = [n for n, _ in _proper_names(filling)]
    if kind is not None:
        parts = [unquoted(part) for part in (said or "").split(",")]
        if len(parts) >= 2:
            return [{name: parts[0], kind: parts[1], held: [part.rstrip(".") for part in parts[2:]]}], []
        label = called(text)
        typed = re.search(r"\b(?:type|entity type|as an?|is an?|typ|tipo)\s+(?:is\s+)?[\"']?([\w-]+)", text, re.I)
        if (label or names) and typed:
            return [{name: label[0] if label else names[0], kind: typed[1], held: []}], []
        return _new_thing(filling, names, name, kind, held)
    about = _about(filling, names)
    if about is None:
        return _NOTHING
    facts = [str(q.value) for q in filling.message.values.of("quoted") if q.value != about]
    if facts and not any(len(fact.split()) == 1 for fact in facts):
        return [{name: about, held: facts}], []
    if said is None or said.startswith(about):
        rest = re.search(rf"{re.escape(about)}\b,?\s*(?:that\s+)?(.+)$", said or text)
        said = rest[1] if rest else said
    if said is None:
        said = re.sub(r"^(?:also|and|remember|add|note|er|sie|she|he|it|that)\b[\s,:]*", "", text, flags=re.I)
    return ([{name: about, held: [unquoted(said).rstrip(".")]}], []) if said.strip() else _NOTHING


def _new_thing(filling: PlaceSlots, names: list[str], name: str, kind: str, held: str) -> Found:
    """A fact to be kept of a thing that is not known yet: the one that it names, or that it begins with."""
    kept = fact_to_keep(filling.message.text)
    if kept is None or any(_names(kept.text, thing) for thing in _known_things(filling)):
        return _NOTHING
    subject = next((each for each in names if each in kept.text), kept.subject)
    return [{name: subject, kind: A_FACT, held: [kept.text]}], [kept.span]


def _about(filling: PlaceSlots, names: list[str]) -> str | None:
    """Return the thing that is spoken of: one that is known, quoted, named, or the last one."""
    head = filling.message.text.partition(":")[0]
    known = _known_things(filling)
    if spoken_of := next((thing for thing in known if _names(head, thing)), None):
        return spoken_of
    if known and _PRONOUN.search(head) and not any(name in head for name in names):
        return known[0]
    short = [q for q in (str(q.value) for q in filling.message.values.of("quoted")) if len(q.split()) <= 3]
    if names or short:
        return names[0] if names else short[0]
    return known[0] if known else None


_PRONOUN = re.compile(r"\b(?:he|him|his|she|her|it|its|they|them|their|er|ihn|ihm|sie|ihr|él|ella|il|elle|lui)\b", re.I)


def _known_things(filling: PlaceSlots) -> list[str]:
    """Return the names of the things that earlier calls were about or found, the latest first."""
    found: list[str] = []
    for call in filling.memory.calls:
        for value in call.arguments.values():
            for one in value if isinstance(value, list) else ():
                if isinstance(one, dict):
                    found.append(str(one.get("entityName") or one.get("name") or ""))
                elif isinstance(one, str) and "name" in "".join(call.arguments).lower():
                    found.append(one)
        found += [str(item.fields.get("name") or "") for item in call.items if "entityType" in item.fields]
    return list(dict.fromkeys(name for name in found if name))


def _names(text: str, thing: str) -> bool:
    """Whether *text* names *thing*, whole or by its last word, in small letters or capitals."""
    whole = rf"(?<!\w){re.escape(thing)}(?!\w)"
    last = rf"(?<!\w){re.escape(thing.split()[-1])}(?:'s|s)?(?!\w)"
    return bool(re.search(whole, text, re.I) or (len(thing.split()[-1]) > 3 and re.search(last, text, re.I)))
