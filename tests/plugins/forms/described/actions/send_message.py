SEND_MESSAGE_ACTION = {"name": "SEND_CHAT_MESSAGE", "similes": ["WRITE_TO"], "description": "Sends a message"}


async def handle_send_message(chat_id: int, text: str):
    return {"success": True, "text": f"{chat_id} gets {text}"}


def validate_send_message(source):
    return source == "chat"
