"""Where packages come from on this machine, as uv and npm are set up: what an approval calls the source."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PYPI, _NPM = "PyPI", "npm"


def package_index(environ: Mapping[str, str]) -> str:
    """Return where uv finds packages: ``PyPI``, or the hosts and folders that it is told of, in its order."""
    tables = list(_uv_tables(environ))
    extra = [*_words(environ, "UV_INDEX", "UV_EXTRA_INDEX_URL"), *(u for t in tables for u in _extra(t))]
    links = environ.get("UV_FIND_LINKS", "").split(",") + [u for t in tables for u in _listed(t.get("find-links"))]
    default = _words(environ, "UV_DEFAULT_INDEX", "UV_INDEX_URL") or [u for t in tables for u in _default(t)]
    nowhere = environ.get("UV_NO_INDEX", "").lower() in {"1", "true", "yes"} or any(t.get("no-index") for t in tables)
    indexes = [] if nowhere else [*map(_host, extra), _host(default[0]) if default else _PYPI]
    return " or ".join(dict.fromkeys(filter(None, (*indexes, *map(_host, links))))) or _PYPI


def npm_index(environ: Mapping[str, str], package: str, node: str | None) -> str:
    """Return where npm finds *package*: ``npm``, or the host that it is told of. *node* is the program."""
    told = dict(_npm_settings(environ, node))
    scope = package.partition("/")[0] if package.startswith("@") else ""
    address = told.get(f"{scope}:registry") if scope else None
    address = address or told.get("registry")
    return _host(address) if address else _NPM


def _uv_tables(environ: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield what uv's configuration files say, the first that counts first; of each its ``[pip]`` table before it."""
    if environ.get("UV_NO_CONFIG"):
        return
    import tomllib

    own = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME", "~"), ".config"))
    places = [Path(own, "uv", "uv.toml"), Path("/etc/uv/uv.toml")]
    for place in [Path(given)] if (given := environ.get("UV_CONFIG_FILE")) else places:
        with contextlib.suppress(OSError, ValueError):
            table = tomllib.loads(place.read_text(encoding="utf-8"))
            yield from (each for each in (table.get("pip"), table) if isinstance(each, dict))


def _words(environ: Mapping[str, str], *names: str) -> list[str]:
    """Return the addresses in these variables; ``name=address`` is how uv lets an index be called."""
    words = [word for name in names for word in environ.get(name, "").split()]
    return [word.partition("=")[2] if "=" in word.partition("://")[0] else word for word in words]


def _extra(table: dict[str, Any]) -> list[str]:
    return [*(i["url"] for i in _indexes(table) if not i.get("default")), *_listed(table.get("extra-index-url"))]


def _default(table: dict[str, Any]) -> list[str]:
    return [*(i["url"] for i in _indexes(table) if i.get("default")), *_listed(table.get("index-url"))]


def _indexes(table: dict[str, Any]) -> list[dict[str, Any]]:
    found = table.get("index")
    return [each for each in found if isinstance(each, dict) and "url" in each] if isinstance(found, list) else []


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(each) for each in value] if isinstance(value, list) else []


def _npm_settings(environ: Mapping[str, str], node: str | None) -> Iterator[tuple[str, str]]:
    """Yield npm's settings, those that count most last."""
    given = {
        k.lower().removeprefix("npm_config_"): v for k, v in environ.items() if k.lower().startswith("npm_config_")
    }
    prefix = Path(node).resolve().parent.parent if node else Path("/usr")
    places = (
        given.get("globalconfig") or prefix / "etc" / "npmrc",
        given.get("userconfig") or _home(environ) / ".npmrc",
    )
    for place in places:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            for line in Path(place).read_text(encoding="utf-8").splitlines():
                name, equals, value = line.partition("=")
                if equals and not name.lstrip().startswith(("#", ";")):
                    yield name.strip(), value.strip().strip("'\"")
    yield from given.items()


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or environ.get("USERPROFILE") or "~").expanduser()


def _host(address: str) -> str:
    """Return the host of an address, with its port and without a password; or the folder that it is."""
    if "://" not in address:
        return address.strip()
    parts = urlsplit(address)
    return parts.netloc.rpartition("@")[2] or parts.path
