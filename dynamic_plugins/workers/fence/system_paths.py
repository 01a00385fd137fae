"""Where on a machine lies what programs need to run at all: libraries, certificates, the program itself."""

from __future__ import annotations

import os
import shutil
import struct
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CERTIFICATES = (
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("AWS_CA_BUNDLE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"),
)
"""The variables that name the certificates of a machine, or a company's: of OpenSSL, and of what does not ask it."""


def certificates_in(environment: Mapping[str, str]) -> dict[str, list[str]]:
    """Return which files and folders of certificates *environment* names, by variable, as they are from anywhere.

    ``SSL_CERT_DIR`` may name several.
    """
    named = {name: environment[name] for name in CERTIFICATES if environment.get(name)}
    split = {name: value.split(os.pathsep) if name.endswith("_DIR") else [value] for name, value in named.items()}
    return {name: [os.path.abspath(path) for path in paths if path] for name, paths in split.items()}  # noqa: PTH100 # a link stays one


# Libraries and data, no programs: what can be read can be copied and run.
LIBRARIES = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64")
_DATA = ("/usr/share", "/usr/local/share", "/nix/store", "/proc", "/dev/fd")
_ABOUT_THE_MACHINE = ("/sys/devices/system", "/sys/fs/cgroup", "/sys/kernel/mm/transparent_hugepage")
# Of /etc, what says how names, certificates, time and libraries are found; not what says who may log in with
# what, nor this machine's own keys, which lie beside the certificates.
_SETTINGS = """
    alternatives ca-certificates ca-certificates.conf crypto-policies debian_version fonts gai.conf gitconfig group
    host.conf hosts ld.so.cache ld.so.conf ld.so.conf.d locale.alias locale.conf localtime lsb-release magic mime.types
    nsswitch.conf os-release passwd protocols python3 resolv.conf services timezone xdg
    ssl/ca-bundle.pem ssl/cert.pem ssl/certs ssl/ct_log_list.cnf ssl/openssl.cnf
    pki/ca-trust pki/java pki/tls/cert.pem pki/tls/certs pki/tls/ct_log_list.cnf pki/tls/openssl.cnf pki/tls/openssl.d
    pki/trust
""".split()  # noqa: SIM905 - a table of words reads better than thirty quoted strings
# What programs start of their own to do their work.
_PARTS = {"git": ("/usr/lib/git-core", "/usr/libexec/git-core", "/usr/local/libexec/git-core")}
_ELF, _PT_INTERP = b"\x7fELF", 3


def readable() -> list[str]:
    """Return what every program may read."""
    return [*LIBRARIES, *_DATA, *_ABOUT_THE_MACHINE, *(f"/etc/{name}" for name in _SETTINGS)]


@lru_cache(maxsize=64)
def parts_of(program: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what has to be executed for *program* to run, and the folders that it reads.

    The first are the program itself without links, what runs it (a script's interpreter, the dynamic loader) and
    programs of its own; the second are the libraries that lie beside it.
    """
    path = Path(os.path.realpath(program))
    executed, read = [str(path)], [str(path.parent.parent / name) for name in ("lib", "lib64")]
    if path.parent.name not in ("bin", "sbin"):
        read = []
    if (runner := _runner(path)) is not None:
        more, needs = parts_of(runner) if runner != str(path) else ((), ())
        executed += more
        read += needs
    executed += _PARTS.get(path.name, ())
    return tuple(executed), tuple(read)


def environment_of(python: str) -> str | None:
    """Return the folder of the virtual environment that *python* belongs to; None where it is in none."""
    folder = Path(python).parent.parent
    return str(folder) if (folder / "pyvenv.cfg").is_file() else None


def found_on(path: str, names: Iterable[str]) -> dict[str, str]:
    """Return where the programs *names* lie; those that this machine has not are left out."""
    return {name: where for name in names if (where := shutil.which(name, path=path)) is not None}


def _runner(program: Path) -> str | None:
    """Return the program that the kernel starts to run *program*: a script's interpreter, or the dynamic loader."""
    try:
        with program.open("rb") as file:
            start = file.read(4096)
            if start.startswith(b"#!"):
                return _interpreter(start)
            if start.startswith(_ELF) and start[4] == 2:  # of 64 bits
                return _loader(start)
    except OSError:
        pass
    return None


def _interpreter(start: bytes) -> str | None:
    words = start[2:].split(b"\n", 1)[0].decode(errors="replace").split()
    if not words:
        return None
    if Path(words[0]).name == "env":
        named = next((word for word in words[1:] if not word.startswith("-") and "=" not in word), None)
        return shutil.which(named) if named else None
    return words[0]


def _loader(start: bytes) -> str | None:
    """Return the dynamic loader that an ELF file names in its program headers; None for one that needs none."""
    (offset,) = struct.unpack_from("<Q", start, 32)
    size, count = struct.unpack_from("<HH", start, 54)
    for index in range(count):
        at = offset + index * size
        if at + 56 > len(start):
            return None
        kind, _, begins = struct.unpack_from("<IIQ", start, at)
        if kind == _PT_INTERP:
            (length,) = struct.unpack_from("<Q", start, at + 32)
            return start[begins : begins + length].rstrip(b"\0").decode() or None
    return None
