"""As elizaos-plugin-gmail-watch: nothing but a service, which works by itself from its start to its stop."""

import os
from pathlib import Path


class WatchService:
    service_type = "watch"

    def start(self):
        Path(os.environ["WATCHED"]).write_text("watching")

    def stop(self):
        Path(os.environ["WATCHED"]).write_text("stopped")
