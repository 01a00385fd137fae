"""What stands beside the code says what is so: the pages for contributors, the reference, the version, the marks."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from dynamic_plugins import __version__

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "dynamic_plugins"
PAGES = ["CHANGELOG.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "SECURITY.md"]


def public_modules() -> set[str]:
    """Return what docs/api-policy.md calls public, from its table."""
    names: set[str] = set()
    for row in re.findall(r"^\| (`.+?) \|", (ROOT / "docs" / "api-policy.md").read_text(), re.MULTILINE):
        first, *others = re.findall(r"`([^`]+)`", row)
        names |= {first, *(first.rpartition(".")[0] + name for name in others)}
    return names


def test_the_files_at_the_top_of_the_package_are_public_and_nothing_else_is_that_is_not_there() -> None:
    top = {f"dynamic_plugins.{path.stem}" for path in PACKAGE.glob("*.py") if not path.stem.startswith("__")}
    public = public_modules()
    assert public >= top
    for name in public:
        path = ROOT.joinpath(*name.split("."))
        assert path.with_suffix(".py").is_file() or (path / "__init__.py").is_file(), name


def test_each_public_module_has_its_place_in_the_reference() -> None:
    pages = (path.read_text() for path in (ROOT / "docs" / "reference").glob("*.md"))
    shown = {name for page in pages for name in re.findall(r"^::: (\S+)$", page, re.MULTILINE)}
    missing = {name for name in public_modules() if not any(f"{each}.".startswith(f"{name}.") for each in shown)}
    assert missing == set()


@pytest.mark.parametrize("page", PAGES)
def test_its_links_lead_somewhere(page: str) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", (ROOT / page).read_text())
    assert [target for target in targets if "://" not in target and not (ROOT / target).exists()] == []


def test_the_measurements_that_contributors_are_told_of_are_there() -> None:
    rows = re.findall(r"^\| (`python -m .+?) \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert rows
    for row in rows:
        folder = re.findall(r"python -m (\w+)\.", row)[0]
        names = re.findall(r"`(?:python -m \w+)?\.(\w+)", row)
        assert [name for name in names if not (ROOT / folder / f"{name}.py").is_file()] == []


def test_the_changelog_knows_the_version() -> None:
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert __version__ in headings


def test_the_workflow_runs_what_must_pass_on_each_python_that_is_named_as_supported() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    named = {each.rpartition(" ")[2] for each in classifiers if re.search(r":: 3\.\d+$", each)}
    assert set(jobs["check"]["strategy"]["matrix"]["python"]) == named
    assert "bash .ci/run" in [step.get("run") for step in jobs["check"]["steps"]]
    assert (jobs["build"]["needs"], jobs["release"]["needs"]) == ("check", "build")
