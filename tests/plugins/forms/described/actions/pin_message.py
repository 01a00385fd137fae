# Nobody imports this module, as in elizaos-plugin-zalouser.
from dataclasses import dataclass, field


@dataclass
class Action:
    name: str
    description: str
    similes: list = field(default_factory=list)


pin_message_action = Action("PIN_CHAT_MESSAGE", "Pins a message")


def handle_pin_action(message_id: str):
    return f"pinned {message_id}"
