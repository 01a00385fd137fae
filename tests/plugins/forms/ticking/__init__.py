"""As elizaOS' own autonomy: a service registers the workers of tasks, and queues one of them to be repeated."""

# ruff: noqa: ARG002 # elizaOS calls them with these
from dataclasses import dataclass, field


class CountTaskWorker:
    name = "COUNT UP"
    runs = 0

    async def execute(self, runtime, options, task):
        self.runs += 1
        return {"runs": self.runs, "task": task["name"], "every": options["update_interval"]}

    async def validate(self, runtime, message, state):
        return bool(message["content"])


class Sweep:
    """The other form: the worker itself is called."""

    name = "SWEEP"

    async def __call__(self, runtime, params, task):
        raise OSError("the broom is broken")


class NotDueTaskWorker:
    name = "NOT_DUE"

    async def execute(self, runtime, options, task):
        return "ran"

    async def validate(self, runtime, message, state):
        return False


class TickService:
    service_type = "tick"

    @classmethod
    async def start(cls, runtime):
        for worker in (CountTaskWorker(), Sweep(), NotDueTaskWorker()):
            runtime.register_task_worker(worker)
        for task in await runtime.get_tasks({}):
            await runtime.delete_task(task["id"])
        for name in ("COUNT UP", "SWEEP"):
            queued = {"name": name, "tags": ["queue", "repeat"], "metadata": {"updateInterval": 1000}}
            await runtime.create_task(queued)
        return cls()

    async def stop(self):
        pass


@dataclass
class TickingPlugin:
    name: str = "ticking"
    description: str = "Does something every second"
    services: list = field(default_factory=lambda: [TickService])


plugin = TickingPlugin()
