from .send_message import SEND_MESSAGE_ACTION

__all__ = ["SEND_MESSAGE_ACTION"]
