"""Descriptions whose functions are easily mistaken for one another's."""
