"""The manifests of the page on Kubernetes: they are YAML, fit together, and hold no secret."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from dynamic_plugins.text.secret_names import looks_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml [^\n]*\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
MANIFESTS = [yaml.safe_load(text) for text in BLOCKS]
KINDS = {manifest["kind"]: manifest for manifest in MANIFESTS}


def templates() -> Iterator[dict[str, Any]]:
    cluster = KINDS["RayCluster"]["spec"]
    yield cluster["headGroupSpec"]["template"]["spec"]
    yield from (group["template"]["spec"] for group in cluster["workerGroupSpecs"])
    yield KINDS["Deployment"]["spec"]["template"]["spec"]


def test_the_page_has_what_a_fleet_is_made_of() -> None:
    assert set(KINDS) == {"ExternalSecret", "RayCluster", "Deployment"}
    assert all(manifest["apiVersion"] and manifest["metadata"]["name"] for manifest in MANIFESTS)


def test_what_is_mounted_is_there_and_every_secret_is_from_the_vault() -> None:
    kept = {each["secretKey"] for each in KINDS["ExternalSecret"]["spec"]["data"]}
    for template in templates():
        volumes = {volume["name"] for volume in template["volumes"]}
        for container in template["containers"]:
            assert container["image"]
            assert {mount["name"] for mount in container.get("volumeMounts", ())} <= volumes
            for variable in container.get("env", ()):
                told = variable.get("valueFrom", {}).get("secretKeyRef")
                if told is not None:
                    assert told["key"] in kept
                else:
                    assert not looks_secret(variable["name"]) or variable["value"].startswith("/"), variable["name"]


def test_its_variables_are_those_that_the_settings_read() -> None:
    known = (ROOT / "dynamic_plugins" / "settings" / "__init__.py").read_text(encoding="utf-8")
    named = set(re.findall(r"DYNAMIC_PLUGINS_[A-Z_]+", PAGE))
    assert {name for name in named if name not in known} == set()


def test_agents_and_nodes_have_one_ray() -> None:
    named = re.findall(r"(?:ray\[client\]==|rayproject/ray:)(\d+\.\d+\.\d+)", PAGE)
    assert {*named, KINDS["RayCluster"]["spec"]["rayVersion"]} == {"2.60.0"}
