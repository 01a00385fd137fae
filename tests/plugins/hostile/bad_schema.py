"""Schemas that are none."""

from dynamic_plugins.plugin import Action, Plugin


def _with(schema: object) -> Plugin:
    return Plugin(name="schema", actions=[Action("go", "", lambda: 1, schema)])  # type: ignore[arg-type]


text = _with("a string")
wrong_type = _with({"type": "banana"})
wrong_inside = _with({"type": "object", "properties": {"x": {"type": "strnig"}}})
not_a_map = _with({"type": "object", "properties": ["x"]})
