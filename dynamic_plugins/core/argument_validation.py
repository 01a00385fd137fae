"""Arguments held to an action's own schema, before anything is called with them.

A schema is a stranger's and is checked where the agent lives, so it may not take long: regular expressions (``pattern``
and ``patternProperties``) are left to the plugin, and so is what a check does not come to within its first steps.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dynamic_plugins.errors import BadArgumentsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_ANY = object()
_PLAIN_OBJECT = frozenset({"$schema", "type", "title", "description", "properties", "required", "additionalProperties"})
_PLAIN_VALUE = frozenset({"type", "title", "description", "default", "examples"})
_MOST_STEPS = 20_000
"""How many subschemas one check looks at; that takes well under a second."""
_DRAFTS = (None, "http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema")


def check_arguments(target: str, arguments: Mapping[str, Any], schema: dict[str, Any]) -> None:
    """Raise :class:`BadArgumentsError` where *arguments* do not fit *schema*, saying which one and why."""
    if _plainly_fit(arguments, schema):
        return
    from jsonschema.exceptions import best_match

    try:
        error = best_match(_errors(json.dumps(schema), dict(arguments)))
    except RecursionError:  # it refers to itself: nobody comes to the end of it
        return
    except Exception as broken:  # a stranger's schema may be anything at all
        raise BadArgumentsError(target, f"its schema cannot be used: {type(broken).__name__}: {broken}") from broken
    if error is not None:
        where = "/".join(str(step) for step in error.absolute_path)
        raise BadArgumentsError(target, f"{where}: {error.message}" if where else error.message, schema)


def _plainly_fit(arguments: Mapping[str, Any], schema: dict[str, Any]) -> bool:
    """Return whether *arguments* fit a schema that says no more than names and types; False where more is said.

    Most calls are such, and need neither the validator's import nor the longest step of a call on our side.
    """
    if not arguments and not schema.get("required") and schema.get("type", "object") == "object":
        return True
    if schema.get("type") != "object" or not schema.keys() <= _PLAIN_OBJECT or schema.get("$schema") not in _DRAFTS:
        return False
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        return False
    if not all(isinstance(name, str) and name in arguments for name in required):
        return False
    return arguments.keys() <= properties.keys() and all(
        _is_plainly(value, properties[name]) for name, value in arguments.items()
    )


def _is_plainly(value: Any, told: Any) -> bool:
    if not isinstance(told, dict) or not told.keys() <= _PLAIN_VALUE:
        return False
    kind = told.get("type", _ANY)
    return kind is _ANY or (isinstance(kind, str) and type(value) in _TYPES.get(kind, ()))


class _LongEnoughError(Exception):
    """A check has taken all its steps. It ends the check and is caught in this module: no PluginError."""


def _errors(schema: str, arguments: dict[str, Any]) -> Iterator[Any]:
    validator, steps = _validator(schema)
    steps.clear()
    with suppress(_LongEnoughError):
        yield from validator.iter_errors(arguments)


@lru_cache(maxsize=256)
def _validator(schema: str) -> tuple[Any, Counter[str]]:
    """Return what checks against the schema in this text, and its count: made once, which takes longer than a check."""
    import jsonschema
    from referencing import Registry

    told = json.loads(schema)
    steps: Counter[str] = Counter()
    kind = _bounded(jsonschema.validators.validator_for(told, default=jsonschema.Draft202012Validator), schema, steps)
    # An empty registry of schemas: a stranger's $ref must not make us fetch anything.
    return kind(told, registry=Registry()), steps


def _bounded(kind: Any, schema: str, steps: Counter[str]) -> Any:
    """Return the validator *kind* without regular expressions, which counts its steps."""
    import jsonschema

    def unchecked(*_: Any) -> None:
        """Say nothing."""

    def additional(validator: Any, told: Any, instance: Any, within: dict[str, Any]) -> Iterator[Any]:
        if "patternProperties" not in within:  # else which ones are additional is for a pattern to say
            yield from kind.VALIDATORS["additionalProperties"](validator, told, instance, within)

    told_apart = {"pattern": unchecked, "patternProperties": unchecked, "additionalProperties": additional}
    if '"patternProperties"' in schema:
        told_apart["unevaluatedProperties"] = unchecked
    extend: Any = jsonschema.validators.extend
    found = extend(kind, told_apart)
    step = found.evolve

    def evolve(self: Any, **changes: Any) -> Any:
        steps["taken"] += 1
        if steps["taken"] > _MOST_STEPS:
            raise _LongEnoughError
        inner = changes.get("schema")
        if isinstance(inner, dict) and "$schema" in inner:  # it would be checked by a validator as it comes
            changes["schema"] = {key: value for key, value in inner.items() if key != "$schema"}
        return step(self, **changes)

    found.evolve = evolve
    return found
