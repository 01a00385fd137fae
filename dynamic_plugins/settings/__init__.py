"""All configuration in one place; the only module that reads the environment."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from dynamic_plugins.settings.environment_values import choice, flag, number
from dynamic_plugins.settings.model_servers import LOOPBACK as LOOPBACK
from dynamic_plugins.settings.model_servers import MODEL_SERVER_KINDS as MODEL_SERVER_KINDS
from dynamic_plugins.settings.model_servers import MODEL_SERVERS as MODEL_SERVERS
from dynamic_plugins.settings.model_servers import ModelServer as ModelServer
from dynamic_plugins.settings.model_servers import model_servers
from dynamic_plugins.settings.reserved_variables import FORBIDDEN_VARIABLES as FORBIDDEN_VARIABLES
from dynamic_plugins.settings.reserved_variables import decides_code as decides_code
from dynamic_plugins.settings.reserved_variables import is_forbidden as is_forbidden
from dynamic_plugins.settings.reserved_variables import is_the_persons_own as is_the_persons_own

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

_CLUSTER = re.compile(r"ray://(auto|([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5})")
SandboxMode = Literal["require", "auto", "off"]
ConfirmCalls = Literal["always", "changing", "never"]
_PASSPHRASE = "DYNAMIC_PLUGINS_PASSPHRASE"  # noqa: S105 - the name of a variable
_STATE, _VAULT = "DYNAMIC_PLUGINS_STATE", "DYNAMIC_PLUGINS_VAULT"


def has_screen() -> bool:
    """Whether a program could ask the person something in a window of its own."""
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


@dataclass(frozen=True)
class Limits:
    """What one worker may use; None is no limit."""

    memory_bytes: int | None = 2 * 2**30
    cpu_seconds: int | None = None
    open_files: int | None = 1024
    processes: int | None = 1024
    """Processes and threads, where a worker has processes of its own."""
    result_bytes: int = 2**20
    """The longest answer a worker may give, as JSON text."""


@dataclass(frozen=True)
class Timeouts:
    """How long things may take, in seconds."""

    install: float = 600.0
    start: float = 60.0
    call: float = 120.0
    turn: float = 600.0
    model: float = 120.0
    registry: float = 10.0
    idle: float = 600.0
    """After this long without a call a worker is ended; the next call starts it again."""
    person: float = 600.0
    """So long is an answer on the home's page waited for, where nobody can be asked otherwise; 0 asks nobody there."""


@dataclass(frozen=True)
class WorkerSettings:
    """Where plugins' workers run: on this machine, or on the Ray cluster at *address*, where each one's place has so
    many *cpus* and so much memory.
    """

    address: str | None = None
    """``ray://HOST:PORT``, or ``ray://auto`` for the cluster that this machine is a node of."""
    cpus: float = 0.1
    memory_bytes: int = 256 * 2**20


@dataclass(frozen=True)
class Telemetry:
    """Which of OpenTelemetry's signals are exported; where to, the ``OTEL_*`` variables tell OpenTelemetry itself.

    *problem* is why what is configured cannot be done.
    """

    traces: bool = False
    metrics: bool = False
    problem: str = ""

    @property
    def on(self) -> bool:
        return self.traces or self.metrics


#: The name by which the built-in model is chosen.
BUILT_IN = "built-in"

#: The variables that choose a model; the last one is a secret.
MODEL_VARIABLES = ("DYNAMIC_PLUGINS_MODEL", "OPENAI_BASE_URL", "OPENAI_API_KEY")


@dataclass(frozen=True)
class ModelSettings:
    """Which model answers: an OpenAI-compatible endpoint, or the embedded model when there is none.

    *source* says where that comes from; ``saved`` is the choice that is kept in the home folder.
    """

    name: str | None = None
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    source: Literal["default", "arguments", "environment", "saved"] = "default"

    @property
    def embedded(self) -> bool:
        """Whether no endpoint is configured, so that the embedded model answers."""
        return not (self.base_url or self.api_key)

    @property
    def is_open(self) -> bool:
        """Whether nothing names an endpoint, nor the built-in model by its name: a saved choice may decide."""
        return self.embedded and (self.source == "default" or self.name is not None)

    @property
    def shown_address(self) -> str:
        """The endpoint's address without the name and password that it may hold."""
        if not self.base_url:
            return "OpenAI"
        parts = urlsplit(self.base_url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


@dataclass(frozen=True)
class Settings:
    """What the application is told from outside."""

    home: Path
    registries: tuple[str, ...] = ()
    """Registry files or addresses given for this run; they replace the configured ones."""
    offline: bool = False
    """No registry is asked: what is on disk answers, however old it is."""
    model: ModelSettings = ModelSettings()
    model_servers: tuple[ModelServer, ...] = MODEL_SERVERS
    """Where on loopback model servers are looked for."""
    passphrase: str | None = field(default=None, repr=False)
    """Opens the encrypted secret file where the machine has no keyring."""
    state: str | None = field(default=None, repr=False)
    """The address ``postgresql://…?home=NAME`` of the database that holds the state of this home, for a fleet; it may
    have a password in it. None keeps the state in the home folder."""
    vault: str | None = None
    """The ``module:factory`` of the platform's own vault; None keeps secrets on this machine."""
    mcp_token: str | None = field(default=None, repr=False)
    """What a client of our MCP server over HTTP has to bring; None asks for nothing."""
    policy: Path | None = None
    """The operator's policy; None is ``policy.toml`` in the home, where there is one."""
    revoked: Literal["warn", "stop"] = "warn"
    """What becomes of a running plugin that its registry revokes, where the policy does not say."""
    result_characters: int = 120_000
    """So long may a result be that a program's or an MCP client's model gets at once; 0 is no limit."""
    confirm_calls: ConfirmCalls | None = None
    """Which calls of plugins' actions a person is asked about; None is what each door does by itself."""
    allow_builds: bool = False
    most_plugins: int | None = None
    """How many plugins may be installed in this home; None is no limit."""
    disk_bytes: int | None = None
    """How much of the disk this home may take; None is no limit."""
    exclude_newer: str | None = None
    cooldown_days: int = 7
    """What nobody has verified is not installed in a version, or with packages, that is younger; 0 for no limit."""
    limits: Limits = Limits()
    timeouts: Timeouts = Timeouts()
    sandbox: SandboxMode = "auto"
    """``require`` starts no plugin whose permissions cannot be enforced here; ``off`` enforces nothing."""
    profile: str | None = None
    """The profile of the home whose plugins are seen; None sees all that is installed."""
    workers: WorkerSettings = WorkerSettings()
    in_process: tuple[str, ...] = ()
    """Exact names of plugins that are loaded into this process, for hosts that need their live objects."""
    meaning: bool = True
    """Whether the search has the embedding as second opinion, where the extra ``search`` is installed."""
    code_mode: bool = False
    """Whether a model is offered one tool that runs programs, in place of the plugins' own tools."""
    max_steps: int = 8
    """How many times the model may call tools in one turn."""
    telemetry: Telemetry = Telemetry()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The process environment, for child processes and for ``configure --from-env``."""

    @property
    def plugins_dir(self) -> Path:
        return self.home / "runtime_plugins"

    @property
    def has_browser(self) -> bool:
        """Whether a browser that is opened here is one that the person sees: not over SSH, nor without a screen."""
        if any(name in self.environment for name in ("SSH_CONNECTION", "SSH_TTY")):
            return False
        return sys.platform in {"darwin", "win32"} or any(
            self.environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
        )

    @property
    def audit_file(self) -> Path:
        return self.home / "audit.jsonl"

    @property
    def state_file(self) -> Path:
        return self.home / "plugin-management-state.json"

    @classmethod
    def from_environment(
        cls,
        environment: Mapping[str, str] | None = None,
        *,
        home: str | Path | None = None,
        profile: str | None = None,
        registries: tuple[str, ...] = (),
        model: str | None = None,
        base_url: str | None = None,
        take_passphrase: bool = False,
    ) -> Settings:
        """Read the settings: arguments first, then ``DYNAMIC_PLUGINS_*`` and ``OPENAI_*``, then the defaults.

        With *take_passphrase* the passphrase and the state's address are taken out of this process's environment, for
        a program that reads them once.

        Raises ValueError for a value that is not of its kind, naming the variable.
        """
        env = dict(os.environ if environment is None else environment)
        passphrase, state = env.pop(_PASSPHRASE, "") or None, _state(env)  # no program that we start needs them
        if take_passphrase and environment is None:
            _forget(_PASSPHRASE, _STATE)
        return cls(
            home=_absolute(home or env.get("DYNAMIC_PLUGINS_HOME") or _user_data_dir()),
            profile=profile or env.get("DYNAMIC_PLUGINS_PROFILE") or None,
            registries=registries,
            offline=flag(env, "DYNAMIC_PLUGINS_OFFLINE"),
            model=_model(env, model, base_url),
            model_servers=model_servers(env, "DYNAMIC_PLUGINS_MODEL_SERVERS"),
            passphrase=passphrase,
            state=state,
            vault=_vault(env),
            mcp_token=env.get("DYNAMIC_PLUGINS_MCP_TOKEN") or None,
            policy=_absolute(policy) if (policy := env.get("DYNAMIC_PLUGINS_POLICY")) else None,
            revoked=choice(env, "DYNAMIC_PLUGINS_REVOKED", "warn", "stop") or "warn",
            result_characters=number(env, "DYNAMIC_PLUGINS_RESULT_CHARACTERS", 120_000),
            confirm_calls=choice(env, "DYNAMIC_PLUGINS_CONFIRM_CALLS", "always", "changing", "never"),
            allow_builds=flag(env, "DYNAMIC_PLUGINS_ALLOW_BUILDS"),
            most_plugins=number(env, "DYNAMIC_PLUGINS_MOST_PLUGINS", 0) or None,
            disk_bytes=number(env, "DYNAMIC_PLUGINS_DISK_MB", 0) * 2**20 or None,
            exclude_newer=env.get("DYNAMIC_PLUGINS_EXCLUDE_NEWER") or None,
            sandbox=choice(env, "DYNAMIC_PLUGINS_SANDBOX", "require", "auto", "off") or "auto",
            workers=_workers(env),
            in_process=tuple(env.get("DYNAMIC_PLUGINS_IN_PROCESS", "").split()),
            meaning=choice(env, "DYNAMIC_PLUGINS_SEARCH", "words", "meaning") != "words",
            code_mode=flag(env, "DYNAMIC_PLUGINS_CODE_MODE"),
            limits=_limits(env),
            timeouts=_timeouts(env),
            telemetry=_telemetry(env),
            environment=env,
        )


def _absolute(path: str | Path) -> Path:
    return Path(path).expanduser().absolute()


def _forget(*names: str) -> None:
    """Take variables out of this process's environment."""
    for name in names:
        os.environ.pop(name, None)


def _state(env: dict[str, str]) -> str | None:
    """Take the state's address out of *env*. It may have a password in it, so an error does not repeat it."""
    address = env.pop(_STATE, "").strip()
    if address and not address.startswith(("postgresql://", "postgres://")):
        raise ValueError(f"{_STATE} must be postgresql://USER@HOST/DATABASE?home=NAME; without it, the folder is used")
    return address or None


def _vault(env: Mapping[str, str]) -> str | None:
    named = env.get(_VAULT, "").strip()
    if named and not all(part.replace(".", "").isidentifier() for part in named.partition(":")[::2]):
        raise ValueError(f"{_VAULT} must be module:factory, not {named!r}")
    return named or None


def _model(env: Mapping[str, str], name: str | None, base_url: str | None) -> ModelSettings:
    env_name, env_base_url, api_key = (env.get(each) or None for each in MODEL_VARIABLES)
    source: Literal["default", "arguments", "environment"] = "default"
    if name or base_url:
        source = "arguments"
    elif env_name or env_base_url or api_key:
        source = "environment"
    if (name or env_name) == BUILT_IN and not base_url:
        return ModelSettings(source=source)
    return ModelSettings(name or env_name, base_url or env_base_url, api_key, source)


def _limits(env: Mapping[str, str]) -> Limits:
    return Limits(
        memory_bytes=number(env, "DYNAMIC_PLUGINS_MEMORY_MB", 2048) * 2**20 or None,
        cpu_seconds=number(env, "DYNAMIC_PLUGINS_CPU_SECONDS", 0) or None,
        open_files=number(env, "DYNAMIC_PLUGINS_OPEN_FILES", 1024) or None,
        processes=number(env, "DYNAMIC_PLUGINS_PROCESSES", 1024) or None,
        result_bytes=number(env, "DYNAMIC_PLUGINS_RESULT_KB", 1024) * 1024,
    )


def _workers(env: Mapping[str, str]) -> WorkerSettings:
    address = env.get("DYNAMIC_PLUGINS_WORKERS", "").strip()
    if address in {"", "local"}:
        return WorkerSettings()
    if not _CLUSTER.fullmatch(address):
        raise ValueError(f"DYNAMIC_PLUGINS_WORKERS must be local, ray://HOST:PORT or ray://auto, not {address!r}")
    hundredths = number(env, "DYNAMIC_PLUGINS_WORKER_CPU_PERCENT", 10)
    memory_bytes = number(env, "DYNAMIC_PLUGINS_WORKER_MEMORY_MB", 256) * 2**20
    return WorkerSettings(address, hundredths / 100, memory_bytes)


def _timeouts(env: Mapping[str, str]) -> Timeouts:
    return Timeouts(
        install=number(env, "DYNAMIC_PLUGINS_INSTALL_TIMEOUT", 600),
        start=number(env, "DYNAMIC_PLUGINS_START_TIMEOUT", 60),
        call=number(env, "DYNAMIC_PLUGINS_CALL_TIMEOUT", 120),
        idle=number(env, "DYNAMIC_PLUGINS_IDLE_SECONDS", 600),
        person=number(env, "DYNAMIC_PLUGINS_PERSON_SECONDS", 600),
    )


def _telemetry(env: Mapping[str, str]) -> Telemetry:
    """Return what is exported: what an exporter ``otlp`` is named for, or an address is given for, and no more."""
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return Telemetry()
    wanted = {signal for signal in ("TRACES", "METRICS") if _is_exported(env, signal)}
    for name in ("OTEL_EXPORTER_OTLP_PROTOCOL", *(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL" for signal in wanted)):
        protocol = env.get(name, "").strip().lower()
        if wanted and protocol not in {"", "http/protobuf"}:
            return Telemetry(
                problem=f"{name} is {protocol}, and nothing is exported: only http/protobuf is spoken here"
            )
    return Telemetry("TRACES" in wanted, "METRICS" in wanted)


def _is_exported(env: Mapping[str, str], signal: str) -> bool:
    exporters = env.get(f"OTEL_{signal}_EXPORTER", "").lower().replace(",", " ").split()
    if exporters:
        return "otlp" in exporters
    return bool(env.get("OTEL_EXPORTER_OTLP_ENDPOINT") or env.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"))


def _user_data_dir() -> str:
    from platformdirs import user_data_dir

    return user_data_dir("dynamic-plugins", appauthor=False)


def process_environment() -> MutableMapping[str, str]:
    """Return this process's own environment, where a plugin that is loaded into it finds its configuration."""
    return os.environ


def default_python() -> str:
    """Return the interpreter that plugin environments are made from: the one that runs us."""
    return sys.executable
