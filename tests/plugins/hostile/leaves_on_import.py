"""Asks the interpreter to leave while it is imported."""

raise SystemExit("no licence")
