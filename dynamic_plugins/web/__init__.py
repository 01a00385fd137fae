"""The page for people: find plugins, decide what agents ask for, enter secrets, and see what happens."""
