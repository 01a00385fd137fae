"""Cassettes as files that a person can read: what it was recorded from, then the requests and answers as YAML."""

from __future__ import annotations

import json
from typing import Any

import yaml

from dynamic_plugins.core.outside_data import DEEPEST, TOO_DEEP, parse_json

HEAD = "# What a model answered. Not to be edited: record it anew with pytest --record-conversations.\n"
MOST_VALUES = 5_000_000
"""Texts, numbers, lists and maps, each as often as it is named."""
WORTH_SHARING = 200
"""Characters of JSON: a tool or a long message is written once, and named where it is sent again."""


class CassetteFile:
    """A serializer for vcrpy: JSON bodies stand in the file as what they say, event streams line by line."""

    def serialize(self, cassette: dict[str, Any]) -> str:
        """Return the file's text; what several requests have in common stands there once."""
        shared: dict[str, Any] = {}
        told = {
            "recorded": cassette.get("metadata", {}),
            "interactions": [_readable(each, shared) for each in cassette["interactions"]],
        }
        text: str = yaml.dump(told, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
        return HEAD + text

    def deserialize(self, text: str) -> dict[str, Any]:
        """Return what vcrpy wrote."""
        try:
            told = yaml.safe_load(text)
            _check_size(told)
        except RecursionError:
            raise ValueError(TOO_DEEP) from None
        interactions = [{part: _plain(value) for part, value in each.items()} for each in told["interactions"]]
        return {"interactions": interactions, "metadata": told["recorded"]}


def _check_size(value: Any) -> None:
    """Raise ValueError for a file that says so much by naming its parts again that nobody can have recorded it."""
    left, waiting = MOST_VALUES, [(value, 0)]
    while waiting:
        each, depth = waiting.pop()
        left -= 1
        if left < 0 or depth > DEEPEST:
            raise ValueError(TOO_DEEP if depth > DEEPEST else f"it holds more than {MOST_VALUES:,} values")
        parts = each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        waiting += [(part, depth + 1) for part in parts]


def _readable(interaction: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    request, response = dict(interaction["request"]), dict(interaction["response"])
    request["body"] = _read(request.get("body"), shared)
    response["body"] = _read((response.get("body") or {}).get("string"), shared)
    return {"request": request, "response": response}


def _read(body: Any, shared: dict[str, Any]) -> Any:
    text = body.decode() if isinstance(body, bytes) else body
    if not isinstance(text, str):
        return text
    try:
        return {"json": _once(parse_json(text), shared)}
    except ValueError:
        return text


def _once(value: Any, shared: dict[str, Any]) -> Any:
    """Return *value* with parts that were seen before as the same objects: YAML writes an object once."""
    if isinstance(value, list):
        return [_once(each, shared) for each in value]
    if isinstance(value, dict):
        known = json.dumps(value)
        copy = {key: _once(each, shared) for key, each in value.items()}
        return shared.setdefault(known, copy) if len(known) >= WORTH_SHARING else copy
    return value


def _plain(part: dict[str, Any]) -> dict[str, Any]:
    body = part.get("body")
    if isinstance(body, dict) and "json" in body:
        body = json.dumps(body["json"], ensure_ascii=False)
    return part | {"body": body if "uri" in part else {"string": body}}


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    lines = "\n" in value and not any(line != line.rstrip() for line in value.split("\n"))
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if lines else None)


_Dumper.add_representer(str, _text)
