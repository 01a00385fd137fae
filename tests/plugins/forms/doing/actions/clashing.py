SEND_MESSAGE_ACTION = {"name": "SEND_MESSAGE", "similes": [], "description": "Sends a message"}
PING_ACTION = {"name": "PING", "similes": [], "description": "Answers"}


def handle_delete_message(message_id: str = ""):
    return "deleted"
