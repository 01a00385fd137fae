"""Who built a package, as its index attests it: PyPI's provenance (PEP 740) and npm's.

https://packaging.python.org/specifications/index-hosted-attestations/,
https://docs.npmjs.com/generating-provenance-statements. The indexes check the signatures when a package is published;
here they are not checked again, and whoever is shown this is told so.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dynamic_plugins.core.outside_data import parse_json
from dynamic_plugins.registry.formats import fields

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST = 160
_PROVENANCE = "https://slsa.dev/provenance/"
_HOSTS = {"GitHub": "github.com", "GitLab": "gitlab.com"}
_UNCHECKED = "as {index} attests (its signature is not checked here)"


def provenance_addresses(files: Any, version: str, index: str) -> tuple[list[str], int]:
    """Return where the provenance of one version's *files* is told, in *index*'s own list, and how many files it has.

    An address on another host than *index* is none.
    """
    mine = [each for each in files if _is_of(each.get("filename"), version)]
    addresses = [each.get("provenance") for each in mine]
    return [each for each in addresses if isinstance(each, str) and is_at(each, index)], len(mine)


def of_pypi(provenance: Any, index: str) -> str:
    """Return who published a file, out of its provenance object; empty where that does not say."""
    publishers = (each.get("publisher") for each in provenance["attestation_bundles"])
    return _told((_publisher(each) for each in publishers), index)


def of_npm(attestations: Any, index: str) -> str:
    """Return who built a package, out of what npm's registry holds of it; empty where that does not say."""
    found = (each for each in attestations["attestations"] if str(each.get("predicateType")).startswith(_PROVENANCE))
    statements = (parse_json(base64.b64decode(each["bundle"]["dsseEnvelope"]["payload"])) for each in found)
    return _told((_workflow(each["predicate"]) for each in statements), index)


def is_at(address: str, index: str) -> bool:
    """Return whether *address* is at the host of *index*, in the same way."""
    return urlsplit(address)[:2] == urlsplit(index)[:2]


def _told(builders: Iterator[str], index: str) -> str:
    known = list(dict.fromkeys(filter(None, builders)))
    if not known:
        return ""
    return f"built by {' and '.join(known[:3])}, {_UNCHECKED.format(index=urlsplit(index).hostname)}"


def _publisher(said: Any) -> str:
    """Return a publisher as PyPI knows it by its sign-in: a workflow in a repository, or an account."""
    host = _HOSTS.get(said.get("kind"), "")
    place = said.get("repository") or said.get("email") or said.get("activestate_project_name")
    how = said.get("workflow") or said.get("workflow_filepath")
    where = fields.text(f"{host}/{place}" if host else place, _LONGEST)
    return f"{fields.text(how, _LONGEST)} of {where}" if how and where else where


def _workflow(predicate: Any) -> str:
    """Return the workflow that a statement of SLSA, version 1 or 0.2, says."""
    if (built := predicate.get("buildDefinition")) is not None:
        flow = built["externalParameters"]["workflow"]
        address, path = flow["repository"], flow["path"]
    else:
        source = predicate["invocation"]["configSource"]
        address, path = source["uri"].removeprefix("git+").rpartition("@")[0] or source["uri"], source["entryPoint"]
    parts = urlsplit(address)
    where = fields.text(f"{parts.hostname or ''}{parts.path}".removesuffix(".git"), _LONGEST)
    return f"{fields.text(path.rpartition('/')[2], _LONGEST)} of {where}"


def _is_of(filename: Any, version: str) -> bool:
    """Return whether a file is one of *version*: ``tea-1.0-py3-none-any.whl``, ``tea-1.0.tar.gz``."""
    return isinstance(filename, str) and f"-{version}-" in filename.replace(".tar.gz", "-").replace(".zip", "-")
