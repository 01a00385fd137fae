REMOVE_ACTION = {"name": "REMOVE", "similes": [], "description": "Removes what is asked for"}
REMOVE_NOTE_ACTION = {"name": "REMOVE_NOTE", "similes": [], "description": "Removes a note"}
ADD_ACTION = {"name": "ADD", "similes": [], "description": "Adds one of two things"}
FIND_ACTION = {"name": "FIND", "similes": [], "description": "Finds a note"}


def handle_remove_note():
    return "removed a note"


def handle_add_note():
    return "added a note"


def handle_add_page():
    return "added a page"


def handle_find_a_note():
    return "found"
