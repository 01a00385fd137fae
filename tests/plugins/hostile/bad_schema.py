"""Schemas that are none."""

from typing import Any

from dynamic_plugins.plugin import Action, Plugin, action


def _with(schema: object) -> Plugin:
    return Plugin(name="schema", actions=[Action("go", "", lambda: 1, schema)])  # type: ignore[arg-type]


text = _with("a string")
wrong_type = _with({"type": "banana"})
wrong_inside = _with({"type": "object", "properties": {"x": {"type": "strnig"}}})
not_json = _with({"type": "object", "properties": {"x": {"enum": [{1, 2}]}}})
not_a_number = _with({"type": "object", "properties": {"x": {"default": float("nan")}}})
not_a_map = _with({"type": "object", "properties": ["x"]})


@action
def scale(x: float = float("nan"), y: float = float("inf"), z: object = (), of: Any = object) -> str:
    "Has defaults that JSON has no form for."
    return repr((x, y, z, of is object))


odd_defaults = Plugin(name="schema", actions=[scale])
