"""Where clients keep their files, on Linux, macOS and Windows; and whose file a file is."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dynamic_plugins.clients.codex_client import Codex
from dynamic_plugins.clients.goose_client import Goose
from dynamic_plugins.clients.mcp_servers_clients import ClaudeCode, ClaudeDesktop, Cursor, GeminiCli, Windsurf
from dynamic_plugins.clients.vscode_client import VsCode
from dynamic_plugins.clients.zed_client import Zed
from dynamic_plugins.errors import BadArgumentsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_plugins.clients.client import Client
    from dynamic_plugins.clients.config_documents import Format

Scope = Literal["user", "project"]

CLIENTS: dict[str, Client] = {
    client.name: client
    for client in (ClaudeDesktop(), ClaudeCode(), VsCode(), Cursor(), Windsurf(), GeminiCli(), Goose(), Codex(), Zed())
}
_ALIASES = {
    "code": "vscode",
    "vs-code": "vscode",
    "gemini-cli": "gemini",
    "codex-cli": "codex",
}
_IN_PROJECTS = {
    "claude-code": (".mcp.json",),
    "vscode": (".vscode", "mcp.json"),
    "cursor": (".cursor", "mcp.json"),
    "gemini": (".gemini", "settings.json"),
    "codex": (".codex", "config.toml"),
    "zed": (".zed", "settings.json"),
}
_BY_NAME = {
    "claude_desktop_config.json": "claude-desktop",
    ".mcp.json": "claude-code",
    ".claude.json": "claude-code",
    "mcp_config.json": "windsurf",
    "mcp.json": "cursor",
    "settings.json": "gemini",
}
_BY_FOLDER = {".cursor": "cursor", "windsurf": "windsurf", ".gemini": "gemini", ".vscode": "vscode", ".zed": "zed"}
_BY_KEY = {"context_servers": "zed", "servers": "vscode", "mcp_servers": "codex", "extensions": "goose"}
_FORMATS: dict[str, Format] = {".toml": "toml", ".yaml": "yaml", ".yml": "yaml"}


@dataclass(frozen=True)
class Machine:
    """The system (as ``sys.platform`` has it), the person's environment and the folder that they are in."""

    platform: str
    environment: Mapping[str, str]
    folder: Path

    @property
    def home(self) -> Path:
        """The person's own folder."""
        names = ("USERPROFILE", "HOME") if self.platform == "win32" else ("HOME",)
        found = next((self.environment[name] for name in names if self.environment.get(name)), "")
        return Path(found) if found else Path.home()

    @property
    def _settings(self) -> Path:
        """Where programs with a window keep their settings."""
        if self.platform == "win32":
            return Path(self.environment.get("APPDATA") or self.home / "AppData" / "Roaming")
        if self.platform == "darwin":
            return self.home / "Library" / "Application Support"
        return self._config

    @property
    def _config(self) -> Path:
        xdg = self.environment.get("XDG_CONFIG_HOME", "")
        return Path(xdg) if xdg and self.platform == "linux" else self.home / ".config"

    def own_file(self, client: Client) -> Path:
        """Return the file that *client* keeps for the person, in all projects."""
        windows = self.platform == "win32"
        codex = self.environment.get("CODEX_HOME")
        claude = self.environment.get("CLAUDE_CONFIG_DIR")
        places = {
            "claude-desktop": self._settings / "Claude" / "claude_desktop_config.json",
            "claude-code": (Path(claude) if claude else self.home) / ".claude.json",
            "vscode": self._settings / "Code" / "User" / "mcp.json",
            "cursor": self.home / ".cursor" / "mcp.json",
            "windsurf": self.home / ".codeium" / "windsurf" / "mcp_config.json",
            "gemini": self.home / ".gemini" / "settings.json",
            "goose": (self._settings / "Block" / "goose" / "config" if windows else self._config / "goose")
            / "config.yaml",
            "codex": (Path(codex) if codex else self.home / ".codex") / "config.toml",
            "zed": (self._settings / "Zed" if windows else self._config / "zed") / "settings.json",
        }
        return places[client.name]

    def project_file(self, client: Client) -> Path | None:
        """Return the file that *client* reads in the person's folder; None where it reads none there."""
        words = _IN_PROJECTS.get(client.name)
        return self.folder.joinpath(*words) if words else None

    def writable_project_file(self, client: Client) -> Path:
        """Return :meth:`project_file`, to be written. Raises BadArgumentsError for none, and one that leads elsewhere.

        Links of the person's own are followed; those of a project may be anybody's.
        """
        if (path := self.project_file(client)) is None:
            raise BadArgumentsError(client.title, "it has no file in projects")
        if not (real := path.resolve()).is_relative_to(self.folder.resolve()):
            problem = f"it is a link to {real}, which is not of this project. To change that file: --file {real}"
            raise BadArgumentsError(str(path), problem)
        return path

    def files(self, client: Client) -> list[Path]:
        """Return the files of *client* that there are: that of the project before that of the person."""
        places = [self.project_file(client), self.own_file(client)]
        return [path for path in places if path is not None and path.is_file()]


def client_named(said: str) -> Client | None:
    """Return the client that is called so."""
    name = said.lower().replace("_", "-").replace(" ", "-")
    return CLIENTS.get(_ALIASES.get(name, name))


def client_called(said: str) -> Client:
    """Return the client that *said* names. Raises BadArgumentsError."""
    client = client_named(said)
    if client is None:
        raise BadArgumentsError(said, f"no client is called so. Known are: {', '.join(CLIENTS)}")
    return client


def this_machine(environment: Mapping[str, str]) -> Machine:
    """Return where clients' files are looked for: in a person's *environment*, from the folder that they are in."""
    return Machine(sys.platform, environment, Path.cwd())


def format_of(path: Path) -> Format:
    """Return the format of a file, by its ending."""
    return _FORMATS.get(path.suffix.lower(), "json")


def client_of(path: Path, data: Mapping[str, Any], text: str = "") -> Client:
    """Return the client whose file this is: by its keys, else by where it lies and how it writes placeholders.

    Raises BadArgumentsError for a file of none.
    """
    for key, name in _BY_KEY.items():
        if isinstance(data.get(key), dict) and CLIENTS[name].format == format_of(path):
            return CLIENTS[name]
    if (known := _BY_NAME.get(path.name)) is not None:
        return CLIENTS[known]
    by_folder = next((_BY_FOLDER[part] for part in reversed(path.parts[:-1]) if part in _BY_FOLDER), None)
    if by_folder is not None:
        return CLIENTS[by_folder]
    if isinstance(data.get("mcpServers"), dict):
        return CLIENTS["cursor" if "${env:" in text else "claude-code"]
    raise BadArgumentsError(str(path), "it has no servers in the form of any client that is known here")
