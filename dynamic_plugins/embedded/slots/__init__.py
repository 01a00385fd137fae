"""Filling in the arguments of an action's call: a slot is a parameter that waits for its value."""
