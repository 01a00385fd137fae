"""uv makes plugins' Python environments and fills them; its own words become a reason that a person understands."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_plugins.core.deep_folders import remove_folder
from dynamic_plugins.errors import InstallError
from dynamic_plugins.install.cache_warmup import CacheWarmup
from dynamic_plugins.install.command import Finished, Tell, run, versions_there_are
from dynamic_plugins.install.locked_packages import wheels_of
from dynamic_plugins.install.python_environment import PythonEnvironment
from dynamic_plugins.install.python_finder import finding_all_pythons, fitted, wanted_python
from dynamic_plugins.install.uv_reasons import BY_LOCK, explain
from dynamic_plugins.registry.entry import canonical

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from dynamic_plugins.install.locked_packages import LockedWheel

_OLDEST_PYTHON = "3.11"
"""What is locked fits every Python from this one on, which is the oldest that plugins are installed with."""
_NEAREST_SECONDS = 20.0
"""How long the versions that there are may be looked for, once it is known that the one asked for is not."""


class Uv:
    """Makes environments and fills them. Wheels only unless *allow_builds*.

    A *cutoff* of the methods is a date, or how long ago: nothing that was published later is installed.
    """

    def __init__(self, *, python: str, allow_builds: bool, environ: Mapping[str, str]) -> None:
        self._python = python
        # Copied, whatever is set: what shares its files with uv's cache shares them with every other plugin, and
        # "clone" falls back to such links. Where the file system can share blocks until one is written, copying does.
        own = {"UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never", "UV_LINK_MODE": "copy"}
        self._environ = dict(environ) | own
        if ssl.get_default_verify_paths().cafile:
            # The machine's own certificates: MCP clients start us without SSL_CERT_FILE, and a company has its own.
            self._environ.setdefault("UV_SYSTEM_CERTS", "1")
        self._warmup = CacheWarmup(lambda: not any(_cache(self._environ).glob("archive-v*")))
        self._wheels_only = () if allow_builds else ("--only-binary", ":all:")

    def _options(self, cutoff: str | None) -> tuple[str, ...]:
        return (*self._wheels_only, *(("--exclude-newer", cutoff) if cutoff else ()))

    @staticmethod
    def binary() -> str:
        """Return the path of the uv that comes with its wheel."""
        from uv import find_uv_bin

        return find_uv_bin()

    def commands(
        self, requirements: Sequence[str], environment: str, cutoff: str | None = None
    ) -> tuple[tuple[str, ...], ...]:
        """Return what :meth:`create` runs, with *environment* for the folder.

        A requirement that ends in ``--hash=…`` can only be given in a file; the file's line stands for it here.
        """
        make = self._make(environment, self._python)
        fill = self._fill(environment, cutoff)
        return (make, (*fill, *_words(requirements, "<a file: {}>"))) if requirements else (make,)

    def locked_commands(self, named: str, direct: Sequence[str], environment: str) -> tuple[tuple[str, ...], ...]:
        """Return what :meth:`create_locked` runs; *named* stands for the file with what is locked."""
        fill = self._fill(environment, None)
        steps = [(*fill, "--require-hashes", "--no-deps", "--requirement", named)] if named else []
        steps += [(*fill, "--no-deps", "--", *direct)] if direct else []
        return (self._make(environment, self._python), *steps)

    def _make(self, environment: str, python: str) -> tuple[str, ...]:
        return ("uv", "venv", "--quiet", "--no-project", "--relocatable", "--python", python, environment)

    def _fill(self, environment: str, cutoff: str | None) -> tuple[str, ...]:
        return ("uv", "pip", "install", "--python", f"{environment}/bin/python", *self._options(cutoff))

    async def resolve(
        self,
        plugin: str,
        folder: Path,
        requirements: Sequence[str],
        cutoff: str | None,
        *,
        may_lift: bool = False,
        loose: str | None = None,
        alone: bool = False,
    ) -> Resolved:
        """Return the version of the first of *requirements* that :meth:`create` would install; *folder* is empty.

        With *may_lift* the cutoff is none where the index does not say when packages were published; with *alone* it is
        asked for nothing that they need. Raises InstallError.
        """
        wanted = folder / "wanted.txt"
        await asyncio.to_thread(_write_lines, wanted, requirements)

        async def attempt(cutoff: str | None, python: str = self._python) -> Finished:
            how = (*(("--no-deps",) if alone else ()), "--python", python)
            return await self._compile(plugin, wanted, how, cutoff, loose)

        done = await attempt(cutoff)
        lifted = done.code != 0 and may_lift and "is missing an upload date" in done.err
        if lifted:
            done = await attempt(None)
        if other := await self._other_python(plugin, folder, done):
            done = await attempt(None if lifted else cutoff, other)
        if done.code != 0:
            instead = await self._instead(plugin, None, folder, done, requirements[0], cutoff)
            raise InstallError(plugin, explain(done, requirements[0], cutoff) + instead)
        name = canonical(re.split(r"[=<>@ ]", requirements[0])[0])
        found = (line.split(" ")[0].partition("==") for line in done.out.splitlines())
        return Resolved(next(version for each, _, version in found if canonical(each) == name), lifted)

    async def _compile(
        self, plugin: str, wanted: Path, how: Sequence[str], cutoff: str | None, loose: str | None
    ) -> Finished:
        """Resolve the requirements in the file *wanted*; *loose* is as for :meth:`create`."""
        fixed = ("--no-header", "--no-annotate", *how)
        command = ("uv", "pip", "compile", *fixed, *self._options(cutoff), str(wanted))
        done = await self._run(plugin, wanted.parent, command)
        if done.code != 0 and loose and (names := _without_version(done.err, loose)):
            overrides = await asyncio.to_thread(_write_overrides, wanted.parent, names)
            done = await self._run(plugin, wanted.parent, (*command, "--overrides", overrides))
        return done

    async def lock(
        self,
        plugin: str,
        folder: Path,
        requirements: Sequence[str],
        cutoff: str | None,
        *,
        loose: str | None = None,
        before: Sequence[LockedWheel] = (),
        direct: int = 0,
    ) -> tuple[LockedWheel, ...]:
        """Return all that *requirements* come to on any system, with the digests of every file; *folder* is empty.

        The versions *before* stay where they fit; *direct* says how many of the requirements are from no index. Raises
        InstallError.
        """
        wanted, found = folder / "wanted.txt", folder / "locked.txt"
        await asyncio.to_thread(_write_lines, wanted, requirements)
        await asyncio.to_thread(_write_lines, found, [each.requirement for each in before])

        async def attempt(python: str, version: str) -> Finished:
            # Written to a file: of what a program prints only the end is kept.
            everywhere = ("--universal", "--generate-hashes", "--no-emit-index-url", "--output-file", str(found))
            how = ("--python", python, "--python-version", version, *everywhere)
            return await self._compile(plugin, wanted, how, cutoff, loose)

        done = await attempt(self._python, _OLDEST_PYTHON)
        if other := await self._other_python(plugin, folder, done):
            done = await attempt(other, _lowest(wanted_python(done.err) or ""))
        if done.code != 0:
            instead = await self._instead(plugin, None, folder, done, requirements[0], cutoff)
            raise InstallError(plugin, explain(done, requirements[0], cutoff) + instead)
        try:
            return wheels_of(await asyncio.to_thread(found.read_text, encoding="utf-8"), direct)
        except ValueError as error:
            raise InstallError(plugin, str(error)) from None

    async def has_package(self, name: str, folder: Path) -> bool | None:
        """Return whether the index has a package *name*, in any version; None where it does not say."""
        into = ("--python", self._python, "--target", str(folder / "nothing"))
        command = (self.binary(), "pip", "install", *into, "--dry-run", "--no-deps", "--", name)
        once = self._environ | {"UV_HTTP_RETRIES": "0"}  # who waits is a person who typed a name
        done = await run(name, command, cwd=folder, environ=once)
        if done.code == 0 or "No solution found" in done.err:
            return "was not found in the package registry" not in done.err
        return None

    async def index_of(self, requirement: str, folder: Path) -> str:
        """Return the address of the index that *requirement* is found at, as uv tells it; empty where it does not."""
        wanted = folder / "told.txt"
        await asyncio.to_thread(_write_lines, wanted, [requirement])
        how = ("--no-deps", "--no-header", "--no-annotate", "--emit-index-annotation", "--python", self._python)
        done = await self._run(requirement, folder, ("uv", "pip", "compile", *how, str(wanted)))
        found = re.search(r"^\s*# from (\S+)$", done.out, re.MULTILINE)
        return found[1] if found else ""

    async def create(
        self,
        plugin: str,
        folder: Path,
        requirements: Sequence[str],
        tell: Tell,
        cutoff: str | None = None,
        *,
        loose: str | None = None,
    ) -> PythonEnvironment:
        """Make an environment in *folder* with *requirements* in it, telling *tell* how far it is.

        Of packages whose names begin with *loose*, whatever version there is will do where none fits. What does not
        run on our Python gets another that is on this machine and does. Raises InstallError.
        """
        if not requirements:
            tell("environment", "", 0.05)
            return await self.empty(plugin, folder, self._python)

        async def fill(environment: PythonEnvironment, fetched: Callable[[], None]) -> Finished:
            return await self._add(plugin, environment, requirements, tell, fetched, cutoff, loose=loose)

        environment, done = await self._filled(plugin, folder, tell, fill)
        if done.code != 0:
            reason = explain(done, requirements[0], cutoff)
            python = str(environment.python)
            instead = await self._instead(plugin, python, folder.parent, done, requirements[0], cutoff)
            raise InstallError(plugin, reason + instead)
        return await fitted(self, plugin, environment, requirements[0], tell, fill)

    async def create_locked(
        self, plugin: str, folder: Path, locked: Sequence[str], direct: Sequence[str], tell: Tell
    ) -> PythonEnvironment:
        """Make an environment in *folder* with exactly what is *locked* in it: requirements with their digests, which
        are compared, and nothing else; then *direct*, addresses or paths without what they need. Raises InstallError.
        """

        async def fill(environment: PythonEnvironment, fetched: Callable[[], None]) -> Finished:
            done = Finished(0, "", "")
            for requirements, exactly in ((locked, ("--require-hashes", "--no-deps")), (direct, ("--no-deps",))):
                if requirements and done.code == 0:
                    done = await self._add(plugin, environment, requirements, tell, fetched, None, exactly=exactly)
            return done

        environment, done = await self._filled(plugin, folder, tell, fill)
        if done.code != 0:
            raise InstallError(plugin, explain(done, "", described=BY_LOCK))
        return environment

    async def _filled(
        self,
        plugin: str,
        folder: Path,
        tell: Tell,
        fill: Callable[[PythonEnvironment, Callable[[], None]], Awaitable[Finished]],
    ) -> tuple[PythonEnvironment, Finished]:
        """Make an environment and *fill* it, with another Python where ours will not do; return how that ended."""
        tell("environment", "", 0.05)
        environment = await self.empty(plugin, folder, self._python)
        tell("download", "finding packages", 0.15)
        async with self._warmup.turn() as fetched:
            done = await fill(environment, fetched)
            if other := await self._other_python(plugin, folder.parent, done):
                tell("environment", f"with {other}, since it does not run on {self._python}", 0.15)
                await asyncio.to_thread(remove_folder, folder)
                environment = await self.empty(plugin, folder, other)
                done = await fill(environment, fetched)
        return environment, done

    async def empty(self, plugin: str, folder: Path, python: str) -> PythonEnvironment:
        """Make an environment with nothing in it. Raises InstallError."""
        done = await self._run(plugin, folder.parent, self._make(str(folder), python))
        if done.code != 0:
            raise InstallError(plugin, explain(done, ""))
        return PythonEnvironment(folder)

    async def _other_python(self, plugin: str, folder: Path, done: Finished) -> str | None:
        """Return a Python of this machine that will do, where *done* failed since ours does not; None otherwise."""
        wanted = wanted_python(done.err) if done.code != 0 else None
        return None if wanted is None else await self.python_for(plugin, folder, wanted)

    async def python_for(self, plugin: str, folder: Path, wanted: str) -> str | None:
        """Return a Python of this machine that is *wanted*, ``>=3.12``; None where there is none."""
        find = (self.binary(), "python", "find", "--no-project", "--system", wanted)
        found = await run(plugin, find, cwd=folder, environ=finding_all_pythons(self._environ))
        return found.out.strip() or None if found.code == 0 else None

    async def _add(
        self,
        plugin: str,
        environment: PythonEnvironment,
        requirements: Sequence[str],
        tell: Tell,
        fetched: Callable[[], None],
        cutoff: str | None,
        *,
        loose: str | None = None,
        exactly: Sequence[str] = (),
    ) -> Finished:
        """Bring *requirements* into an environment, calling *fetched* when all are here; return how that ended.

        *exactly* are options that leave uv nothing to decide.
        """

        def heard(line: str) -> None:
            if found := re.match(r"Resolved (\d+ packages?) in", line):
                tell("download", f"downloading {found.group(1)}", 0.4)
            elif found := re.match(r"Prepared (\d+ packages?) in", line):
                fetched()
                tell("install", f"installing {found.group(1)}", 0.75)

        pinned = environment.folder.with_name("pinned.txt")
        lines = [each for each in requirements if _has_hash(each)]
        if lines:
            await asyncio.to_thread(_write_lines, pinned, lines)
        words = _words(requirements, str(pinned))
        fill, where = (*self._fill(str(environment.folder), cutoff), *exactly), environment.folder.parent
        done = await self._run(plugin, where, (*fill, *words), heard)
        if done.code != 0 and loose and (names := _without_version(done.err, loose)):
            tell("download", f"taking the {', '.join(names)} that there is: none fits what is asked for", 0.2)
            overrides = await asyncio.to_thread(_write_overrides, where, names)
            done = await self._run(plugin, where, (*fill, "--overrides", overrides, *words), heard)
        return done

    async def _run(
        self, plugin: str, cwd: Path, command: Sequence[str], heard: Callable[[str], object] = str
    ) -> Finished:
        return await run(plugin, (self.binary(), *command[1:]), cwd=cwd, environ=self._environ, heard=heard)

    async def _instead(
        self, plugin: str, python: str | None, folder: Path, done: Finished, wanted: str, cutoff: str | None
    ) -> str:
        """Return which versions there are, where it was the version that there is not; empty otherwise."""
        name, _, version = wanted.split(" ")[0].partition("==")
        if not version or "there is no version of" not in done.err:
            return ""
        into = ("--python", python) if python else ("--python", self._python, "--target", str(folder / "nothing"))
        fill = ("uv", "pip", "install", *into, "--dry-run", "--no-deps", *self._options(cutoff))
        questions = ((f"{name}<{version}",), ("--resolution", "lowest", f"{name}>{version}"), (name,))
        runs = (self._run(plugin, folder, (*fill, *each)) for each in questions)
        answers: list[Finished] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_NEAREST_SECONDS):
                answers = await asyncio.gather(*runs)
        versions = [
            m.group(1) for each in answers for m in re.finditer(r"^ \+ [^=\s]+==(\S+)$", each.err, re.MULTILINE)
        ]
        return versions_there_are(versions)


@dataclass(frozen=True)
class Resolved:
    """The version that would be installed, and whether the cutoff had to be lifted for it."""

    version: str
    lifted: bool


def _write_lines(file: Path, lines: Sequence[str]) -> None:
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _lowest(asked: str) -> str:
    """Return the lowest Python version that ``>=3.12,<4`` names; that of ours where it names none."""
    found = re.search(r">=?\s*(3\.\d+)", asked)
    return found[1] if found else _OLDEST_PYTHON


def _write_overrides(folder: Path, names: Sequence[str]) -> str:
    overrides = folder / "overrides.txt"
    overrides.write_text("".join(f"{name}>=0.dev0\n" for name in names), encoding="utf-8")
    return str(overrides)


def _cache(environ: Mapping[str, str]) -> Path:
    """Return where uv keeps what it has fetched, unless a configuration file says otherwise."""
    if folder := environ.get("UV_CACHE_DIR"):
        return Path(folder)
    home = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME", "~"), ".cache"))
    return Path(home, "uv")


def _without_version(words: str, prefix: str) -> list[str]:
    """Return the packages of this *prefix* that uv says are asked for in versions that there are not."""
    names = re.findall(rf"depends? on ({re.escape(prefix)}[\w-]*)[<>=!~]", " ".join(words.split()))
    return list(dict.fromkeys(names)) if "No solution found" in words else []


def _has_hash(requirement: str) -> bool:
    return " --hash=" in requirement


def _words(requirements: Sequence[str], file: str) -> list[str]:
    """Return *requirements* as arguments; those with a digest as a file, which ``{}`` stands for."""
    pinned = [each for each in requirements if _has_hash(each)]
    words = ["--requirement", file.format("; ".join(pinned))] if pinned else []
    plain = [each for each in requirements if not _has_hash(each)]
    return [*words, "--", *plain] if plain else words
