"""A module that has no plugin."""
