from dynamic_plugins.plugin import Plugin, action


@action
def forecast() -> str:
    "Tells tomorrow's weather in the north."
    return "mild, with some cloud"


plugin = Plugin("@north/plugin-weather", "The weather in the north", actions=[forecast])
