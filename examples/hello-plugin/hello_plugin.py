from dynamic_plugins.plugin import Plugin, action

notes: list[str] = []


@action(similes=["say hello", "welcome somebody"])
def greet(name: str) -> str:
    "Greets somebody by name."
    return f"Hello, {name}!"


@action
def remember(note: str) -> int:
    "Keeps a note while the plugin is running; returns how many there are."
    notes.append(note)
    return len(notes)


@action
def recall() -> list[str]:
    "Returns all notes."
    return notes


plugin = Plugin("hello", "Greets people, and remembers what they said", actions=[greet, remember, recall])
