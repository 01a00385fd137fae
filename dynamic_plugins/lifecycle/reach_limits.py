"""What a plugin is not let reach from within a conversation, and what a person is warned of before they let it.

A conversation is where a page or a plugin may have put the words into somebody's mouth: what holds keys, passwords or
other programs' settings is granted only by the command that names it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.install.remote_address import is_near
from dynamic_plugins.workers.fence.configured_values import is_shared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dynamic_plugins.core.permissions import FileAccess

# Below a home folder, as their owners document them: keys, tokens, passwords, signed-in sessions.
_SECRETS = """
    .ssh .gnupg .aws .azure .kube .docker .oci .terraform.d .config/gcloud .config/gh .config/hub .config/op
    .config/sops .config/rclone .config/git/credentials .config/google-chrome .config/chromium .config/BraveSoftware
    .config/microsoft-edge .mozilla .thunderbird .password-store .local/share/keyrings .local/share/kwalletd .netrc
    .npmrc .pypirc .pgpass .my.cnf .git-credentials .cargo/credentials.toml .gem/credentials .vault-token .claude.json
    .bash_history .zsh_history .python_history .node_repl_history Library/Keychains Library/Cookies Library/Safari
""".split()  # noqa: SIM905 - a table of words reads better than forty quoted strings
_IN_TWO_WORDS = ("Library/Application Support",)
# What is run when somebody logs in or starts a program: whoever writes there runs what they like.
_RUN_AT_LOGIN = """
    .bashrc .bash_profile .bash_login .profile .zshrc .zshenv .zprofile .login .config/fish .config/autostart
    .config/systemd .config/environment.d .gitconfig .config/git .local/bin bin Library/LaunchAgents
""".split()  # noqa: SIM905
_OF_THE_SYSTEM = ("/proc", "/sys", "/dev", "/boot", "/run", "/var/run", "/root", "/etc/shadow", "/etc/gshadow")
_MORE_OF_THE_SYSTEM = ("/etc/sudoers", "/etc/sudoers.d", "/etc/ssh", "/etc/ssl/private", "/private/etc")
_NOT_WRITTEN = ("/etc", "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt", "/var", "/System", "/Library")
_BELOW_ANYBODY = ("/tmp", "/var/tmp", "/var/folders")  # noqa: S108 - where anybody may write, whatever lies above


class ReachLimits:
    """The limits on this machine. *home* is the person's home folder, *data* where this program keeps its own."""

    def __init__(self, home: str, data: Path) -> None:
        self._home, self._data = Path(os.path.realpath(home)), Path(os.path.realpath(data))
        self._secrets = [self._home / each for each in (*_SECRETS, *_IN_TWO_WORDS)]

    def reason_against(self, file: FileAccess) -> str:
        """Return why nobody is asked about *file* in a conversation; empty where they may be."""
        path = Path(os.path.realpath(file.path))
        if path.is_relative_to(self._data):
            return "that is where this program keeps its plugins, their settings and their secrets"
        if self._home.is_relative_to(path) or self._data.is_relative_to(path):
            return "keys and passwords lie in it as well; name a folder in it"
        if (kept := self._kept_secret(path)) is not None:
            return f"keys, passwords or sessions are kept in {kept}"
        if self._is_of_the_system(path, file.access == "write"):
            return "it belongs to the system"
        if file.access == "write" and any(_touch(path, self._home / each) for each in _RUN_AT_LOGIN):
            return "what is written there is run by other programs"
        return ""

    def warnings(self, file: FileAccess) -> Iterator[str]:
        """Yield what somebody should know who is asked about *file*."""
        real = os.path.realpath(file.path)
        if real != os.path.normpath(file.path):
            yield f"{file.path} leads to {real}."
        if Path(real).is_relative_to("/etc"):
            yield "That is where the settings of this machine are."
        elif is_shared(Path(real), str(self._home)):
            yield f"{real} holds files of many programs; a folder in it may be enough."

    def _kept_secret(self, path: Path) -> Path | None:
        return next((each for each in self._secrets if _touch(path, each)), None)

    def _is_of_the_system(self, path: Path, writes: bool) -> bool:
        if self._home != path and path.is_relative_to(self._home):
            return False
        if any(_touch(path, Path(each)) for each in (*_OF_THE_SYSTEM, *_MORE_OF_THE_SYSTEM)):
            return True
        below_anybody = any(path.is_relative_to(each) for each in _BELOW_ANYBODY)
        return writes and not below_anybody and any(path.is_relative_to(each) for each in _NOT_WRITTEN)


def host_warnings(host: str) -> Iterator[str]:
    """Yield what somebody should know who is asked whether a plugin may reach *host*."""
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    if is_near(host):
        yield f"{name} is this machine, or one in your own network."


def _touch(path: Path, place: Path) -> bool:
    """Return whether *path* is *place*, lies in it, or holds it where it is there."""
    return path.is_relative_to(place) or (place.is_relative_to(path) and os.path.lexists(place))
