"""As elizaos-plugin-telegram and elizaos-plugin-lp-manager: an action is described here, and done beside it."""

from .actions import SEND_MESSAGE_ACTION
from .service import ChatService

__all__ = ["SEND_MESSAGE_ACTION", "ChatService"]
