"""A tenant's home: kept apart from every other one, with rules and an environment of its own."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.core.atomic_file import keep_private, write_atomically
from dynamic_plugins.storage.policy_file import read_policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dynamic_plugins.gateway.tenants_file import Tenant
    from dynamic_plugins.settings import SandboxMode

_POLICY = """\
# What this tenant's plugins may be and reach, whoever agrees to it. No client and no plugin can change it.

[sources]
packages = ["pypi", "npm", "remote"]  # not "path": no code from this machine's folders; not "git": nothing is built

[permissions]
own_network = "refuse"  # neither this machine nor its network
files = []              # no path of this machine outside a plugin's own folder
"""

# What a tenant's process has of the gateway's environment: how programs and packages are found, and those of our own
# settings that are about no home, no model and no person: whatever else there may be one day is not handed on.
_HANDED_ON = re.compile(
    r"PATH|LANG|LC_\w+|TZ|TMPDIR|USER|LOGNAME|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|NODE_EXTRA_CA_CERTS"
    r"|(HTTPS?|ALL|NO)_PROXY|UV_\w+|NPM_CONFIG_\w+|OTEL_\w+"
    r"|DYNAMIC_PLUGINS_(OFFLINE|REVOKED|CONFIRM_CALLS|EXCLUDE_NEWER|SEARCH|IDLE_SECONDS|PERSON_SECONDS|RESULT_KB"
    r"|RESULT_CHARACTERS|CPU_SECONDS|OPEN_FILES|(INSTALL|START|CALL)_TIMEOUT)",
    re.IGNORECASE,
)
_CACHES = {"UV_CACHE_DIR": "uv", "NPM_CONFIG_CACHE": "npm", "XDG_CACHE_HOME": "others"}


def make_home(home: Path, policy: Path | None) -> None:
    """Make the folder *home*, closed to others, and in it a policy, where none is there and no other *policy* named.

    Raises OSError.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    keep_private(home)
    if policy is None and not (home / "policy.toml").exists():
        write_atomically(home / "policy.toml", _POLICY)


Identity = tuple[int, int]
"""What a folder is on the disk, whatever way leads there: through links, a mount or another case."""


def problems(tenants: Iterable[Tenant], operators_home: Path) -> dict[str, str]:
    """Return why tenants cannot be served, by name: a home that is not one's own, or rules that are missing."""
    tenants = list(tenants)
    found = {tenant.name: _problem(tenant) for tenant in tenants}
    return {name: problem for name, problem in found.items() if problem} | overlaps(tenants, operators_home)


def overlaps(tenants: Iterable[Tenant], operators_home: Path) -> dict[str, str]:
    """Return by name which homes are another one's, lie in one, hold one, or hold the gateway's own."""
    chains = {tenant.name: _chain(tenant.home) for tenant in tenants}
    owners: dict[Identity | Path, list[str]] = {}
    for name, chain in chains.items():
        owners.setdefault(chain[0], []).append(name)
    gateway = set(_chain(operators_home))
    found: dict[str, str] = {}
    for name, chain in chains.items():
        if chain[0] in gateway:
            found[name] = "its home is or holds the gateway's own"
        for other in (each for above in chain for each in owners.get(above, ()) if each != name):
            found[name] = f"its home is or lies in that of {other}"
            found[other] = f"its home is or holds that of {name}"
    return found


def _problem(tenant: Tenant) -> str:
    home = tenant.home
    if not home.is_dir():
        return f"its home {home} is not there"
    if home.stat().st_uid != os.geteuid():
        return f"its home {home} belongs to another user"
    if (link := next(_links_out(home), None)) is not None:
        return f"{link} leads out of its home"
    rules, wrong = read_policy(tenant.policy_file)
    if wrong:
        return f"its policy {tenant.policy_file} cannot be followed: {wrong}"
    if rules.files is None or rules.packages is None:
        return f"its policy {tenant.policy_file} must say permissions.files and sources.packages"
    return ""


def _chain(path: Path) -> list[Identity | Path]:
    """Return what *path* and each folder above it are; of one that is not there, its path."""
    real = Path(os.path.realpath(path))
    return [_identity(each) for each in (real, *real.parents)]


def _identity(path: Path) -> Identity | Path:
    try:
        facts = path.stat()
    except OSError:
        return path
    return facts.st_dev, facts.st_ino


def _links_out(home: Path) -> Iterator[Path]:
    real = Path(os.path.realpath(home))
    for each in sorted(home.iterdir()):
        if each.is_symlink() and not Path(os.path.realpath(each)).is_relative_to(real):
            yield each


def environment(
    tenant: Tenant, host: Mapping[str, str], passphrase: str | None, sandbox: SandboxMode
) -> dict[str, str]:
    """Return the environment of a tenant's process, made of the gateway's: *host*, without its passphrase.

    HOME and all caches are the tenant's own: what is in the operator's own home folder (keys for git, tokens for
    indexes) is used for nobody, and what one tenant downloads no other one's install reads. A keyring is one person's,
    so none is used; secrets are kept in a file, under a passphrase that is derived from the gateway's for each tenant.
    """
    home = Path(os.path.realpath(tenant.home))
    kept = {name: value for name, value in host.items() if _HANDED_ON.fullmatch(name)}
    own = {name: str(home / "caches" / folder) for name, folder in _CACHES.items()}
    limits = tenant.limits
    own |= {
        "HOME": str(home / "user"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "DYNAMIC_PLUGINS_HOME": str(home),
        "DYNAMIC_PLUGINS_POLICY": str(tenant.policy_file),
        "DYNAMIC_PLUGINS_SANDBOX": sandbox,
        "DYNAMIC_PLUGINS_MODEL_SERVERS": "none",
        "DYNAMIC_PLUGINS_MOST_PLUGINS": str(limits.plugins),
        "DYNAMIC_PLUGINS_MEMORY_MB": str(limits.memory_mb),
        "DYNAMIC_PLUGINS_PROCESSES": str(limits.processes),
        "DYNAMIC_PLUGINS_DISK_MB": str(limits.disk_mb),
    }
    if passphrase:
        own["DYNAMIC_PLUGINS_PASSPHRASE"] = tenants_passphrase(tenant.name, passphrase)
    return {name: value for name, value in kept.items() if name.upper() not in own} | own


def tenants_passphrase(name: str, passphrase: str) -> str:
    """Return the passphrase of one tenant's secrets: whoever has it opens those of no other one."""
    return hmac.new(passphrase.encode(), f"dynamic-plugins tenant {name}".encode(), hashlib.sha256).hexdigest()
