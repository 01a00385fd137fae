"""What this machine has and lacks, with the remedy for what is missing."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from dynamic_plugins.errors import PluginError

if TYPE_CHECKING:
    from dynamic_plugins.settings import Settings

VERSION_SECONDS = 10.0
_STATE_SECONDS = 3.0


@dataclass(frozen=True)
class Check:
    """One thing that was looked for. *needed* says whether nothing works without it."""

    name: str
    ok: bool
    found: str
    remedy: str = ""
    needed: bool = False

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


async def examine(settings: Settings) -> list[Check]:
    """Return what was found, in order of importance."""
    return [
        await _uv(),
        await _program(
            "node", settings, "for npm plugins: install Node.js 20 or newer (those of elizaOS bring their own)"
        ),
        await _program("npm", settings, "for npm plugins: install npm (those of elizaOS bring their own)"),
        await _bun(settings),
        await asyncio.to_thread(_sandbox, settings),
        await asyncio.to_thread(_keyring, settings),
        await _model(settings),
        await _registry(settings),
        _home(settings),
        *await asyncio.to_thread(_state, settings),
        *await _workers(settings),
        *_policy(settings),
        *_telemetry(settings),
    ]


def _telemetry(settings: Settings) -> list[Check]:
    """Return what becomes of traces and metrics, where somebody has configured them."""
    from importlib.util import find_spec

    from dynamic_plugins.core.telemetry import MISSING

    telemetry = settings.telemetry
    if telemetry.problem:
        return [Check("telemetry", False, telemetry.problem, "set it to http/protobuf, or take it away")]
    if not telemetry.on:
        return []
    signals = " and ".join(name for name, on in (("traces", telemetry.traces), ("metrics", telemetry.metrics)) if on)
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter.otlp.proto.http") is None:
        return [Check("telemetry", False, f"{signals} cannot be exported", MISSING)]
    return [Check("telemetry", True, f"{signals} are exported")]


def _state(settings: Settings) -> list[Check]:
    """Return where the state is kept, where that is not the home folder."""
    if settings.state is None:
        return []
    from dynamic_plugins.storage.postgres_state import open_postgres

    try:
        backend = open_postgres(settings.state, settings.home, _STATE_SECONDS)
        found = backend.describe()
    except PluginError as error:
        return [Check("state", False, str(error), needed=True)]  # it says what to do
    backend.close()
    return [Check("state", True, found, needed=True)]


async def _workers(settings: Settings) -> list[Check]:
    """Return how the cluster stands that workers run on, where they do."""
    if (address := settings.workers.address) is None:
        return []
    from dynamic_plugins.errors import LoadError
    from dynamic_plugins.workers.fleet.cluster import ActorSilentError, Needs, cluster_at

    cluster, needs = cluster_at(address), Needs(settings.workers.cpus, settings.workers.memory_bytes)
    remedy = "take DYNAMIC_PLUGINS_WORKERS away to run plugins on this machine"
    try:
        await cluster.connect("doctor", settings.timeouts.start)
        nodes, large = await cluster.nodes(needs)
    except (LoadError, ActorSilentError) as error:
        return [Check("workers", False, getattr(error, "reason", str(error)), remedy, needed=True)]
    found = f"{address}: {nodes} nodes, of which {large} can take a plugin ({needs})"
    return [Check("workers", large > 0, found, "" if large else "start a larger node", needed=True)]


async def _uv() -> Check:
    try:
        from uv import find_uv_bin

        return Check("uv", True, await _version(find_uv_bin()), needed=True)
    except (ImportError, FileNotFoundError):
        return Check("uv", False, "not found", "pip install uv", needed=True)


async def _program(name: str, settings: Settings, remedy: str) -> Check:
    path = shutil.which(name, path=settings.environment.get("PATH"))
    return Check(name, True, await _version(path)) if path else Check(name, False, "not on PATH", remedy)


async def _bun(settings: Settings) -> Check:
    from dynamic_plugins.install.bun import find_bun

    path = find_bun(settings.environment.get("PATH"))
    if path is None:
        without = (
            "none, so npm installs elizaOS plugins in TypeScript: pip install 'agent-dynamic-plugins[bun]' is faster"
        )
        return Check("bun", True, without)
    return Check("bun", True, await _version(path))


async def _version(path: str) -> str:
    process = await asyncio.create_subprocess_exec(
        path, "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), VERSION_SECONDS)
    except TimeoutError:
        process.kill()
        return f"{path} does not answer"
    return f"{said.decode(errors='replace').strip()} ({path})"


def _keyring(settings: Settings) -> Check:
    from dynamic_plugins.storage.backend_choice import open_backend
    from dynamic_plugins.storage.vault import open_vault

    try:
        home = open_backend(settings).vault_home
        return Check("secrets", True, open_vault(settings.home, settings.passphrase, settings.vault, home).name)
    except PluginError as error:
        found = "no keyring and no passphrase" if settings.vault is None else settings.vault
        return Check("secrets", False, found, error.for_person())


def _sandbox(settings: Settings) -> Check:
    from dynamic_plugins.workers.fence.fence import Fence
    from dynamic_plugins.workers.fence.tier import Level

    tier = Fence(settings.sandbox, settings.limits).tier
    remedy = (
        "take DYNAMIC_PLUGINS_SANDBOX away"
        if settings.sandbox == "off"
        else "for plugins that you do not trust: run all of it in a container or a virtual machine"
    )
    fenced = tier.level is not Level.NONE
    return Check("sandbox", fenced, str(tier), "" if fenced else remedy, needed=settings.sandbox == "require")


async def _model(settings: Settings) -> Check:
    from dynamic_plugins.chat.local_models import all_models, look
    from dynamic_plugins.cli.model_at_start import why_gone

    chosen = settings.model
    if chosen.source == "saved" and (gone := await why_gone(settings)) is not None:
        return Check("model", False, gone, "start its server, or: dynamic-plugins model use built-in")
    if not chosen.embedded:
        return Check("model", True, f"{chosen.name or 'default model'} at {chosen.shown_address}")
    here = [each.name for each in all_models(await look(settings.model_servers)) if each.usable]
    larger = f"on this machine: {', '.join(here)}; dynamic-plugins model use NAME" if here else "OPENAI_API_KEY"
    return Check("model", True, f"the built-in model: manages plugins and uses their actions (a larger one: {larger})")


async def _registry(settings: Settings) -> Check:
    from dynamic_plugins.app import App
    from dynamic_plugins.cli.registry_status import registry_in_words, standing

    app = App(settings, door="terminal")
    try:
        count = len(await app.registry.entries())
    except PluginError as error:
        return Check("registry", False, error.for_person(), "dynamic-plugins registry refresh", needed=True)
    known = "; ".join(
        registry_in_words({"name": state.source.name, **standing(state)}) for state in app.registry.states(look=False)
    )
    notices = "".join(f" {notice}" for notice in app.registry.notices)
    return Check("registry", True, f"{count} plugins ({known}){notices}", needed=True)


def _policy(settings: Settings) -> list[Check]:
    """Return how the operator's policy stands, where there is one."""
    from dynamic_plugins.app import App

    policy = App(settings, door="terminal").policy
    if policy.problem:
        remedy = "mend it: until then nothing is installed or started"
        return [Check("policy", False, f"{policy.path}: {policy.problem}", remedy, needed=True)]
    return [Check("policy", True, str(policy.path))] if policy.path.exists() else []


def _home(settings: Settings) -> Check:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        probe = settings.home / ".doctor"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        return Check("home", False, f"{settings.home}: {error.strerror}", "choose another with --home", needed=True)
    return Check("home", True, str(settings.home), needed=True)
