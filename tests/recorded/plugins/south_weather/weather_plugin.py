from dynamic_plugins.plugin import Plugin, action


@action
def forecast() -> str:
    "Tells tomorrow's weather in the south."
    return "mild, with some cloud"


plugin = Plugin("@south/plugin-weather", "The weather in the south", actions=[forecast])
