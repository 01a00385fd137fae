"""The form of ``policy.toml``: a mistake in it is named by its place."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dynamic_plugins.storage.policy_rules import OwnNetwork, Revoked, Rules, Unlisted

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 2**18
Pattern = tuple[str, ...]


class _Part(BaseModel):
    # A word that nobody knows may be a rule that is misspelt: it must not be passed over.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Sources(_Part):
    registries: list[str] | None = None
    packages: list[Literal["pypi", "npm", "git", "path", "remote"]] | None = None
    remotes: list[str] | None = None
    unlisted: Unlisted | None = None


class _Plugins(_Part):
    allow: list[str] | None = None
    deny: list[str] = Field(default_factory=list)
    revoked: Revoked | None = None


class _Permissions(_Part):
    network: list[str] | None = None
    own_network: OwnNetwork | None = None
    files: list[str] | None = None
    programs: list[str] | None = None


class _Doors(_Part):
    allow: list[Literal["terminal", "chat", "mcp", "library", "web"]] | None = None


class _PolicyFile(_Part):
    sources: _Sources = Field(default_factory=_Sources)
    plugins: _Plugins = Field(default_factory=_Plugins)
    permissions: _Permissions = Field(default_factory=_Permissions)
    doors: _Doors = Field(default_factory=_Doors)


def read_policy(path: Path) -> tuple[Rules, str]:
    """Return the rules in *path*, and what is wrong with it, and where; no rules count where something is."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            return Rules(), f"it is larger than {MOST_BYTES // 1024} kB"
        told = _PolicyFile.model_validate(tomllib.loads(content.decode()))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return Rules(), f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except tomllib.TOMLDecodeError as error:
        return Rules(), f"it is not TOML: {error}"
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        return Rules(), f"{type(error).__name__}: {error}"
    return _rules(told), ""


def _rules(told: _PolicyFile) -> Rules:
    def patterns(listed: list[str] | None) -> Pattern | None:
        return None if listed is None else tuple(listed)

    return Rules(
        registries=patterns(told.sources.registries),
        unlisted=told.sources.unlisted,
        packages=None if told.sources.packages is None else tuple(told.sources.packages),
        remotes=patterns(told.sources.remotes),
        allow=patterns(told.plugins.allow),
        deny=tuple(told.plugins.deny),
        network=patterns(told.permissions.network),
        own_network=told.permissions.own_network,
        files=patterns(told.permissions.files),
        programs=patterns(told.permissions.programs),
        doors=None if told.doors.allow is None else tuple(told.doors.allow),
        revoked=told.plugins.revoked,
    )
