from dynamic_plugins.plugin import Plugin, action

METRES = {"m": 1.0, "km": 1000.0, "mile": 1609.344, "foot": 0.3048}


@action(similes=["how many miles are", "convert kilometres to miles"])
def convert_length(amount: float, unit: str, into: str) -> dict[str, object]:
    "Converts a length; units are m, km, mile and foot."
    if unit not in METRES or into not in METRES:
        raise ValueError(f"the units are {', '.join(METRES)}")
    return {"amount": round(amount * METRES[unit] / METRES[into], 3), "unit": into}


@action
def list_units() -> list[str]:
    "Lists the units that lengths can be converted between."
    return list(METRES)


plugin = Plugin("units", "Converts lengths between units", actions=[convert_length, list_units])
