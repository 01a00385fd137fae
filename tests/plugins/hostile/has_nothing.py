"""A plugin without a component."""

from dynamic_plugins.plugin import Plugin

plugin = Plugin(name="nothing")
