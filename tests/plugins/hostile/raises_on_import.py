"""Raises while it is imported."""

_settings: dict[str, str] = {}
secret_place = _settings["nowhere"]
