"""The tenants of a gateway: ``tenants.toml``, with a home, the digest of a token and limits for each.

A token is 256 random bits and is written down nowhere: its SHA-256 is kept. A password would need a hash that is slow,
since it can be guessed; of 256 random bits nobody guesses one, however fast the hash is. Digests are compared in
constant time, and all of them, so that the time of an answer says nothing about any.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import tomllib
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dynamic_plugins.core.atomic_file import write_atomically
from dynamic_plugins.core.outside_data import read_file
from dynamic_plugins.errors import BadArgumentsError, TenantsFileError, UnknownTenantError
from dynamic_plugins.project.toml_text import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

FILE = "tenants.toml"
FOLDER = "tenants"
"""Beside the file: where the home of a tenant is made for which none is named."""
TOKEN_PREFIX = "dpt_"  # noqa: S105 - what tokens begin with, so that scanners for secrets know them
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,38}")
_DIGEST = r"sha256:[0-9a-f]{64}"
_MOST_BYTES = 2**24
_LOCK_SECONDS = 10.0
_HEAD = """\
# The tenants of a gateway (dynamic-plugins mcp --http --tenants). Written by "dynamic-plugins tenants": a change by
# hand is read at once, and comments are not kept. Tokens are in here as digests only.

"""


@dataclass(frozen=True)
class TenantLimits:
    """What one tenant may use."""

    calls_per_minute: int = 120
    """Calls of tools. Other requests, such as lists of tools, may be ten times as many."""
    concurrent: int = 8
    """Calls that are under way at once."""
    plugins: int = 20
    """Plugins that are installed."""
    memory_mb: int = 1024
    """The memory of one worker."""
    processes: int = 128
    """Processes and threads of one worker."""
    request_kb: int = 1024
    """The size of one request."""
    disk_mb: int = 4096
    """What the home takes of the disk: what is installed, what plugins write, and what is kept for installs."""


@dataclass(frozen=True)
class Tenant:
    """One tenant. *token* is the digest of its token; *policy* names its operator's policy, None the one at home."""

    name: str
    home: Path
    token: str
    limits: TenantLimits = TenantLimits()
    policy: Path | None = None

    @property
    def policy_file(self) -> Path:
        return self.policy or self.home / "policy.toml"

    def to_dict(self) -> dict[str, Any]:
        """Return this as a JSON-able dict, without the token's digest."""
        return {"name": self.name, "home": str(self.home), "policy": str(self.policy_file), **asdict(self.limits)}


class _TenantTable(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    home: str = Field(min_length=1)
    token: str = Field(pattern=f"^{_DIGEST}$")
    policy: str | None = None
    calls_per_minute: int = Field(TenantLimits.calls_per_minute, ge=1, le=100_000)
    concurrent: int = Field(TenantLimits.concurrent, ge=1, le=1000)
    plugins: int = Field(TenantLimits.plugins, ge=1, le=10_000)
    memory_mb: int = Field(TenantLimits.memory_mb, ge=64)
    processes: int = Field(TenantLimits.processes, ge=8)
    request_kb: int = Field(TenantLimits.request_kb, ge=1, le=4096)
    disk_mb: int = Field(TenantLimits.disk_mb, ge=1)


class _TenantsTable(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    tenants: dict[str, _TenantTable] = Field(default_factory=dict)


def new_token() -> str:
    """Return a new token of 256 random bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """Return what is written down of *token*."""
    return f"sha256:{hashlib.sha256(token.encode()).hexdigest()}"


def whose(token: str, tenants: Iterable[Tenant]) -> Tenant | None:
    """Return the tenant whose *token* that is; None for nobody's."""
    digest, found = digest_of(token), None
    for tenant in tenants:
        if hmac.compare_digest(tenant.token, digest):
            found = tenant
    return found


def check_name(name: str) -> str:
    """Return *name*; raises BadArgumentsError for what is no tenant's name, and could lead out of a folder."""
    if not _NAME.fullmatch(name):
        raise BadArgumentsError(
            f"tenant {name[:60]!r}",
            "its name has small letters, digits and -, at most 39, and begins with a letter or digit",
        )
    return name


class TenantsFile:
    """The file *path*. Methods raise TenantsFileError for one that cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Tenant]:
        """Return the tenants by name; none where there is no file. Homes are absolute, links in them not followed."""
        try:
            content = read_file(self.path, _MOST_BYTES).decode()
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._error(f"it cannot be read ({error})") from None
        try:
            told = _TenantsTable.model_validate(tomllib.loads(content)).tenants
            return {check_name(name): self._tenant(name, each) for name, each in told.items()}
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise self._error(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise self._error(f"it is not TOML: {error}") from None
        except BadArgumentsError as error:
            raise self._error(str(error)) from None

    def get(self, name: str) -> Tenant:
        """Return one tenant. Raises UnknownTenantError."""
        tenants = self.read()
        if name not in tenants:
            raise UnknownTenantError(name, tuple(tenants))
        return tenants[name]

    def default_home(self, name: str) -> Path:
        """Return where the home of a tenant is made for which none is named."""
        return self.path.parent / FOLDER / check_name(name)

    def add(self, tenant: Tenant) -> None:
        """Add a tenant. Raises BadArgumentsError where there is one of its name."""
        with self._changing() as tenants:
            if check_name(tenant.name) in tenants:
                raise BadArgumentsError(f"tenant {tenant.name}", "there is one of this name already")
            tenants[tenant.name] = tenant

    def change(self, name: str, **facts: Any) -> Tenant:
        """Change *facts* of a tenant, limits by their own names, and return it as it is then."""
        with self._changing() as tenants:
            if name not in tenants:
                raise UnknownTenantError(name, tuple(tenants))
            names = {each.name for each in fields(TenantLimits)}
            limits = {key: value for key, value in facts.items() if key in names}
            others = {key: value for key, value in facts.items() if key not in names}
            changed = replace(tenants[name], limits=replace(tenants[name].limits, **limits), **others)
            tenants[name] = changed
        return changed

    def remove(self, name: str) -> Tenant:
        """Take a tenant out of the file; its home stays. Raises UnknownTenantError."""
        with self._changing() as tenants:
            if name not in tenants:
                raise UnknownTenantError(name, tuple(tenants))
            return tenants.pop(name)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Tenant]]:
        from filelock import FileLock, Timeout

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(f"{self.path}.lock", timeout=_LOCK_SECONDS):
                tenants = self.read()
                yield tenants
                write_atomically(self.path, self._text(tenants), ours=False)
        except Timeout:
            raise self._error("another command is changing it. Try again") from None
        except OSError as error:
            raise self._error(f"it cannot be written ({error.strerror})") from None

    def _text(self, tenants: Mapping[str, Tenant]) -> str:
        return _HEAD + "\n".join(table(f"[tenants.{each.name}]", self._facts(each)) for each in tenants.values())

    def _facts(self, tenant: Tenant) -> dict[str, Any]:
        home = tenant.home
        shown = home.relative_to(self.path.parent) if home.is_relative_to(self.path.parent) else home
        policy = {} if tenant.policy is None else {"policy": str(tenant.policy)}
        return {"home": str(shown), "token": tenant.token, **policy, **asdict(tenant.limits)}

    def _tenant(self, name: str, told: _TenantTable) -> Tenant:
        limits = TenantLimits(**{each.name: getattr(told, each.name) for each in fields(TenantLimits)})
        policy = None if told.policy is None else self.path.parent / told.policy
        return Tenant(name, self.path.parent / told.home, told.token, limits, policy)

    def _error(self, problem: str) -> TenantsFileError:
        return TenantsFileError(str(self.path), problem)
