"""Names that no tool can have."""

from dynamic_plugins.plugin import Action, Plugin

plugin = Plugin(name="names", actions=[Action("fine", "", lambda: 1), Action("go there now", "", lambda: 1)])
long = Plugin(name="names", actions=[Action("x" * 300, "", lambda: 1)])
nameless = Plugin(name="names", actions=[Action("", "", lambda: 1)])
