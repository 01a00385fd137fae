"""As elizaos-plugin-mattermost: a client that only its service knows how to make."""


class DeskClient:
    def __init__(self, base_url: str, token: str):
        self.base_url, self.token = base_url, token

    async def list_desks(self, floor: int):
        """Lists the desks of a floor."""
        return [self.base_url, floor]


class DeskService:
    def __init__(self):
        self.client = None

    def on_free(self, handler):
        """For programs alone."""

    async def start(self):
        self.client = DeskClient("http://desks.example", "made by the service")

    async def stop(self):
        self.client = None
