class ChatService:
    """Not told by any plugin object: its methods are on offer beside the described actions."""

    async def list_chats(self):
        """Lists the chats."""
        return ["one", "two"]
