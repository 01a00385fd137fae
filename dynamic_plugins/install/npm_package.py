"""The modules of an npm package, in its archive or where it is installed, read as text: nothing of it is run."""

from __future__ import annotations

import posixpath
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dynamic_plugins.core.deep_folders import walk
from dynamic_plugins.core.outside_data import parse_json, read_file
from dynamic_plugins.install.javascript_names import JavaScript

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# As Node resolves an `import`.
_CONDITIONS = ("node", "import", "default", "module-sync", "node-addons")
_GUESSES = ("", ".js", ".mjs", ".cjs", "/index.js", "/index.mjs", "/index.cjs")
_MOST_MODULES = 400
_MOST_BYTES = 2**24
_MOST_IN_ALL = 2**26
_READ = (".js", ".mjs", ".cjs", "package.json")


class NpmPackage:
    """A package by its *files*: their contents by their paths in it. Raises ValueError for no ``package.json``."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files, self._modules = files, dict[str, JavaScript]()
        manifest = parse_json(files.get("package.json", b"null"))
        if not isinstance(manifest, dict):
            raise ValueError("it has no package.json")  # noqa: TRY004 # of another's file, as what cannot be read is
        self.manifest: dict[str, Any] = manifest

    @classmethod
    def packed(cls, archive: Path) -> Self:
        """Return the package in an *archive* that ``npm pack`` has made. Raises ValueError where it is none."""
        files: dict[str, bytes] = {}
        left = _MOST_IN_ALL
        try:
            with tarfile.open(archive, "r:gz") as tar:
                for member in tar:
                    path = posixpath.normpath(member.name).partition("/")[2]
                    if member.isfile() and path.endswith(_READ) and (left := left - min(member.size, _MOST_BYTES)) > 0:
                        content = tar.extractfile(member)
                        files[path] = content.read(_MOST_BYTES) if content else b""
        except (OSError, EOFError, tarfile.TarError) as error:
            raise ValueError(f"{archive.name} is no archive of a package: {error}") from error
        return cls(files)

    @classmethod
    def installed(cls, folder: Path) -> Self:
        """Return the package in *folder*, without those within it. Raises ValueError where there is none."""
        files: dict[str, bytes] = {}
        left = _MOST_IN_ALL
        try:
            for place, folders, names in walk(folder):
                folders[:] = sorted(set(folders) - {"node_modules"})
                for path in (Path(place, name) for name in sorted(names) if name.endswith(_READ)):
                    size = path.stat().st_size
                    if path.is_file() and size <= _MOST_BYTES and (left := left - size) > 0:
                        files[path.relative_to(folder).as_posix()] = read_file(path, _MOST_BYTES)
        except OSError as error:
            raise ValueError(f"{folder.name} cannot be read: {error}") from error
        return cls(files)

    def entry(self, subpath: str = ".") -> str | None:
        """Return the file that an import of the package, or of *subpath* of it (``./v1``), leads to."""
        exports = self.manifest.get("exports")
        if isinstance(exports, dict) and any(key.startswith(".") for key in exports):
            exports = exports.get(subpath)
        elif subpath != ".":
            exports = None
        if exports is not None and (found := _target(exports)) is not None:
            return self._file(found)
        main = self.manifest.get("main")
        return self._file(main if isinstance(main, str) else "index.js") if subpath == "." else None

    def _file(self, path: str, beside: str = "") -> str | None:
        where = posixpath.normpath(posixpath.join(posixpath.dirname(beside), path))
        return next((where + end for end in _GUESSES if where + end in self._files), None)

    def module(self, path: str) -> JavaScript:
        """Return the module in the file *path*."""
        if path not in self._modules:
            self._modules[path] = JavaScript(self._files[path].decode(errors="replace"))
        return self._modules[path]

    def modules(self, entry: str) -> Iterator[JavaScript]:
        """Yield the module in the file *entry*, and all of this package that it comes to import."""
        waiting, seen = [entry], {entry}
        while waiting and len(seen) < _MOST_MODULES:
            path = waiting.pop()
            module = self.module(path)
            yield module
            for name in module.imports():
                inner = self._file(name, path) if name.startswith(".") else None
                if inner is not None and inner not in seen:
                    seen.add(inner)
                    waiting.append(inner)

    def exports(self, entry: str) -> frozenset[str]:
        """Return all that the module in the file *entry* exports, with what it passes on of this package's others."""
        names: set[str] = set()
        waiting, seen = [entry], {entry}
        while waiting and len(seen) < _MOST_MODULES:
            path = waiting.pop()
            module = self.module(path)
            names |= module.exports() if path == entry else module.exports() - {"default"}
            for name in module.passed_on():
                inner = self._file(name, path) if name.startswith(".") else None
                if inner is not None and inner not in seen:
                    seen.add(inner)
                    waiting.append(inner)
        return frozenset(names)


def _target(exports: Any, depth: int = 0) -> str | None:
    """Return the file that *exports*, of a ``package.json``, names for Node."""
    if isinstance(exports, str):
        return exports
    if isinstance(exports, list):
        return next(filter(None, (_target(each, depth + 1) for each in exports)), None)
    if not isinstance(exports, dict) or depth > 10:
        return None
    for condition, each in exports.items():
        if condition in _CONDITIONS and (found := _target(each, depth + 1)) is not None:
            return found
    return None
