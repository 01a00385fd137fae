"""What is known of one MCP client: how its file names servers, and how it spells what is not to stand in the file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from dynamic_plugins.clients.client_server import ClientServer
from dynamic_plugins.clients.placeholders import PLAIN, Dialect, Reference, Value, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.clients.config_documents import Document, Format
    from dynamic_plugins.registry.entry import Transport


class UnwritableError(ValueError):
    """A server has no form in this client's file; the text says why.

    It is no PluginError: the plugin is left out, and the others are written.
    """


class BadServerError(ValueError):
    """What stands in the file is no server, or only in part; the text says why.

    It is no PluginError: it becomes a candidate with that reason.
    """


class Client(ABC):
    """One client's form of a server. :meth:`read` and :meth:`entry` are each other's inverse, but for secrets."""

    name: ClassVar[str]
    title: ClassVar[str]
    format: ClassVar[Format] = "json"
    key: ClassVar[tuple[str, ...]]
    """Where the servers stand in the file."""
    dialect: ClassVar[Dialect] = PLAIN
    patience: ClassVar[Mapping[str, int]] = {}
    """The fields by which it waits long enough for a tool that installs something."""

    def read(self, data: Mapping[str, Any]) -> list[ClientServer]:
        """Return the servers of a file, in order; of what is none, an entry with the reason."""
        return self._read_table(_table(data, self.key), self.key)

    def _read_table(self, table: Mapping[str, Any], key: tuple[str, ...]) -> list[ClientServer]:
        servers = []
        for name, said in table.items():
            path = (*key, name)
            try:
                if not isinstance(said, dict):
                    raise BadServerError("it is no table of settings")  # noqa: TRY301 - all faults end alike
                servers.append(self._server(name, path, said))
            except BadServerError as error:
                servers.append(ClientServer(name, path, problem=str(error)))
        return servers

    @abstractmethod
    def _server(self, name: str, path: tuple[str, ...], said: dict[str, Any]) -> ClientServer:
        """Return the server that *said* describes. Raises BadServerError."""

    @abstractmethod
    def entry(self, server: ClientServer) -> dict[str, Any]:
        """Return *server* as this client's file has it. Raises UnwritableError."""

    def spell(self, reference: Reference) -> str:
        """Return *reference*, to a variable of the environment, as this client writes it in a value."""
        return f"<{reference.name}>"

    def write(self, document: Document, server: ClientServer, *, patient: bool = False) -> None:
        """Put *server* into *document*; fields of it that the form has no word for stay. Raises UnwritableError.

        One that is *patient* has the time that an install takes.
        """
        known = _table(document.data, (*self.key, server.name))
        new = self.entry(server) | dict(self.patience if patient and not self.patience.keys() & known.keys() else {})
        if not known or not self._is_same_kind(known, new):
            document.set((*self.key, server.name), new)
            return
        for field, value in new.items():
            document.set((*self.key, server.name, field), value)

    def _is_same_kind(self, known: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        return ("command" in known or "cmd" in known) == ("command" in new or "cmd" in new)

    def take_out(self, document: Document, path: tuple[str, ...], where: str, name: str) -> None:
        """Put a placeholder in the place of the value *name* in ``env`` or ``headers`` of the server at *path*."""
        old = _table(document.data, (*path, where)).get(name)
        if old is None:
            return
        variable = header_variable(path[-1], name) if where == "headers" else variable_name(name)
        scheme = f"{old.split(' ')[0]} " if where == "headers" and str(old).lower().startswith("bearer ") else ""
        document.set((*path, where, name), scheme + self.spell(Reference("env", variable, secret=True)))

    # ---------------------------------------------------------------- for the forms

    def _usual(
        self,
        name: str,
        path: tuple[str, ...],
        said: dict[str, Any],
        url: Value | None,
        transport: Transport,
        known: Sequence[str],
    ) -> ClientServer:
        """Return the server of the form that most clients share: a command with arguments and variables, or an address.

        What *said* has besides the *known* fields is left out. Raises BadServerError.
        """
        if url is None and said.get("command") is None:
            raise BadServerError("it has neither a command nor an address")
        return ClientServer(
            name,
            path,
            command=None if url is not None else self._value(said["command"]),
            args=self._words(said.get("args")),
            env=self._values(said.get("env"), "env"),
            cwd=self._optional(said.get("cwd")),
            url=url,
            transport=transport,
            headers=self._values(said.get("headers"), "headers"),
            left_out=rest(said, *known),
        )

    def _value(self, said: Any) -> Value:
        """Return one text of the file, with its placeholders. Raises BadServerError."""
        if isinstance(said, bool):
            return plain("true" if said else "false")
        if isinstance(said, int | float):
            return plain(str(said))
        if not isinstance(said, str):
            raise BadServerError("a value of it is no text")
        return self.dialect.parse(said)

    def _values(self, said: Any, what: str) -> dict[str, Value]:
        if said is None:
            return {}
        if not isinstance(said, dict):
            raise BadServerError(f"its {what} is no table")
        return {str(name): self._value(value) for name, value in said.items() if value is not None}

    def _words(self, said: Any) -> tuple[Value, ...]:
        if said is None:
            return ()
        if not isinstance(said, list):
            raise BadServerError("its arguments are no list")
        return tuple(self._value(each) for each in said)

    def _optional(self, said: Any) -> Value | None:
        return None if said is None else self._value(said)

    def _written(self, values: Mapping[str, Value]) -> dict[str, str]:
        return {name: value.written(self.spell) for name, value in values.items()}

    def _list(self, values: tuple[Value, ...]) -> list[str]:
        return [value.written(self.spell) for value in values]


def variable_name(said: str) -> str:
    """Return *said*, the name of a header or an input, as the name of a variable: ``X-Api-Key`` as ``X_API_KEY``."""
    name = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in said).strip("_").upper()
    return f"_{name}" if name[:1].isdigit() else name or "VALUE"


def header_variable(server: str, header: str) -> str:
    """Return the variable for a header of a server: clients have one environment for all of them."""
    return variable_name(f"{server}_{'token' if header.lower() == 'authorization' else header}")


def names(said: Any) -> tuple[str, ...]:
    """Return the texts of a list of names; nothing for what is none."""
    return tuple(each for each in said if isinstance(each, str)) if isinstance(said, list) else ()


def rest(said: Mapping[str, Any], *known: str) -> tuple[str, ...]:
    """Return the fields of *said* that are not *known*, and so are told as left out."""
    return tuple(name for name in said if name not in known)


def _table(data: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any]:
    found: Any = data
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
