"""Registers one name twice."""

from dynamic_plugins.plugin import Action, Plugin

plugin = Plugin(name="twice", actions=[Action("go", "", lambda: 1), Action("go", "", lambda: 2)])
