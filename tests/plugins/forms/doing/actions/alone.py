GREET_ACTION = {"name": "GREET", "similes": [], "description": "Greets"}


def handle_it():
    return "hello"
