"""What a client's command starts: a package of npm or PyPI, an address, or a program of this machine.

Nothing is run to find that out, and no shell reads it: a command line for a shell is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from dynamic_plugins.clients.placeholders import Filled, Value, plain
from dynamic_plugins.install.mcpb import NODE_OPTION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_plugins.registry.entry import Transport

LaunchKind = Literal["npm", "pypi", "remote", "local", "ours"]
OUR_COMMAND = "dynamic-plugins"

_SPEC = re.compile(r"(?P<name>@?[^@=<>~!\[\]\s]+)(?P<extras>\[[^\]]*\])?(?:(?:@|==)(?P<version>.+))?")
_BASENAME = re.compile(r"[^/\\]*$")
_NODE_MODULE = re.compile(r".*[/\\]node_modules[/\\](?P<name>(?:@[^/\\]+[/\\])?[^/\\]+)[/\\]")
_SHELLS = {"sh", "bash", "zsh", "dash", "fish", "powershell", "pwsh"}
_CONTAINERS = {"docker", "podman", "nerdctl"}
_STARTERS = {"env", "sudo", "doas", "nohup", "nice", "timeout", "setsid", "stdbuf", "xvfb-run", "wsl", "start"}
_BRIDGES = {"mcp-remote", "@geelen/mcp-remote"}
# Options of a runner that decide where a package comes from, and that no install here would follow.
_OTHER_INDEX = ("--registry", "--index-url", "--index", "--default-index", "--extra-index-url", "--find-links", "-i")


AS_BUNDLE = "Pack it as an MCP bundle (.mcpb) with all that it needs, and: dynamic-plugins install --path FILE.mcpb"


class CannotImportError(ValueError):
    """The command starts nothing that could be installed as a plugin; the text says why.

    It is no PluginError: it becomes a candidate with that reason.
    """


@dataclass(frozen=True)
class Launch:
    """What a command starts.

    *certain* is false where only the registry can say that the package is what it seems: a program of this machine is
    called like it. *server_command* is the one of the package's commands that is named, *rest* its arguments. A remote
    one has a *url*, its *transport* and *headers*. A local one is the file *script*, which *package* (python, node)
    runs; *folder* is where it is started, where that is said.
    """

    kind: LaunchKind
    package: str = ""
    version: str | None = None
    server_command: str = ""
    rest: tuple[Filled, ...] = ()
    certain: bool = True
    url: Filled | None = None
    transport: Transport = "streamable-http"
    headers: tuple[tuple[str, Filled], ...] = ()
    script: Filled | None = None
    folder: str = ""
    notes: tuple[str, ...] = ()


def parse_launch(command: Filled, args: Sequence[Filled]) -> Launch:
    """Return what *command* with *args* starts. Raises CannotImportError."""
    if command.missing:
        raise CannotImportError(f"its command is not known here: {command.text}")
    program = program_name(command.text)
    words = list(args)
    if program == "cmd" and words and words[0].text.lower() == "/c":
        if len(words) < 2:
            raise CannotImportError("its command is empty")
        return parse_launch(words[1], words[2:])
    if program in _SHELLS:
        raise CannotImportError("it is a command line for a shell, and nothing is run through a shell here")
    if program in _STARTERS:
        raise CannotImportError(f"it is started through {program}, and nothing is run through another program here")
    if program in _CONTAINERS:
        raise CannotImportError(_container(words))
    if program in ("npx", "bunx", "pnpx"):
        return _of_npm(words)
    if program in ("bun", "pnpm", "yarn", "npm") and words and words[0].text in ("x", "dlx", "exec"):
        return _of_npm(words[1:])
    if program == "uvx":
        return _of_pypi(words)
    if program == "uv" and [each.text for each in words[:2]] == ["tool", "run"]:
        return _of_pypi(words[2:])
    if program == "pipx" and words and words[0].text == "run":
        return _of_pipx(words[1:])
    if program == "uv":
        return _of_uv(words)
    if re.fullmatch(r"python[0-9.]*|py", program):
        return _of_python(words)
    if program in ("node", "bun", "deno"):
        return _of_node(program, words)
    if program == OUR_COMMAND:
        return Launch("ours")
    return _of_program(command.text, program, words)


def program_name(command: str) -> str:
    """Return the name of a program without its folder and Windows' ending."""
    found = _BASENAME.search(command)
    return re.sub(r"\.(exe|cmd|bat|ps1)$", "", (found[0] if found else command).lower())


def _container(words: Sequence[Filled]) -> str:
    named = [each.text for each in words if re.fullmatch(r"[a-z0-9.-]+(?::\d+)?(?:/[\w.-]+)+(?:[:@]\S+)?", each.text)]
    image = f" ({named[-1]})" if named else ""
    return (
        f"it runs in a container{image}; only packages of npm and PyPI, files and addresses are run here. If it is one "
        "of those as well, install that; or run the container yourself, and import the address that it answers at"
    )


def _of_npm(words: list[Filled]) -> Launch:
    package = ""
    while words and words[0].text.startswith("-"):
        option, equals, value = words.pop(0).text.partition("=")
        if option in ("-c", "--call"):
            raise CannotImportError("it is a command line for a shell, and nothing is run through a shell here")
        _check_index(option)
        if option in ("-p", "--package"):
            package = value if equals else words.pop(0).text if words else ""
        elif option == "--":
            break
    if not words:
        raise CannotImportError("it names no package")
    first = words.pop(0)
    if first.missing:
        raise CannotImportError(f"its package is not known here: {first.text}")
    name, version = _npm_spec(package or first.text)
    if name in _BRIDGES:
        return _bridge(words)
    return Launch("npm", name, version, first.text if package else "", tuple(words))


def _npm_spec(text: str) -> tuple[str, str | None]:
    if re.match(r"[a-z+]+:|[./~\\]|[A-Za-z]:[\\/]", text) or text.endswith((".tgz", ".git")) or text.count("/") > 1:
        raise CannotImportError(f"{text} is no package of the npm registry")
    if not text.startswith("@") and "/" in text:
        raise CannotImportError(f"{text} is a repository, and no package of the npm registry")
    found = _SPEC.fullmatch(text)
    if found is None or found["extras"]:
        raise CannotImportError(f"{text} is no package of the npm registry")
    return found["name"], _version(found["version"])


def _version(text: str | None) -> str | None:
    return None if text == "latest" else text


def _of_pypi(words: list[Filled]) -> Launch:
    source, notes = "", list[str]()
    while words and words[0].text.startswith("-"):
        option, equals, value = words.pop(0).text.partition("=")
        _check_index(option)
        if option in ("--with", "--with-editable", "--with-requirements", "-w"):
            raise CannotImportError(
                f"it is started with further packages ({option}), which are not installed with it here"
            )
        if option in ("--from", "--python", "-p", "--prerelease", "--cache-dir", "--constraints", "-c", "--env-file"):
            value = value if equals else words.pop(0).text if words else ""
        if option == "--from":
            source = value
        elif option in ("--python", "-p", "--prerelease", "--constraints", "-c", "--env-file"):
            notes.append(f"{option} {value} is not taken")
    if not words:
        raise CannotImportError("it names no package")
    first = words.pop(0)
    launch = replace(_pypi_spec(source or first.text), rest=tuple(words), notes=tuple(notes))
    return replace(launch, server_command=first.text) if source else launch


def _of_pipx(words: list[Filled]) -> Launch:
    source = ""
    while words and words[0].text.startswith("-"):
        option, equals, value = words.pop(0).text.partition("=")
        _check_index(option)
        if option in ("--spec", "--python", "--pip-args"):
            value = value if equals else words.pop(0).text if words else ""
            source = value if option == "--spec" else source
    if not words:
        raise CannotImportError("it names no package")
    first = words.pop(0)
    launch = replace(_pypi_spec(source or first.text), rest=tuple(words))
    return replace(launch, server_command=first.text) if source else launch


def _pypi_spec(text: str) -> Launch:
    if text.startswith(("git+https://", "git+ssh://")):
        raise CannotImportError(f"it is built from a repository ({text}), and no registry lists that")
    if re.match(r"[a-z+]+:|[./~\\]|[A-Za-z]:[\\/]", text) or text.endswith((".whl", ".py", ".gz")) or "/" in text:
        raise CannotImportError(f"{text} is no package of the Python index")
    found = _SPEC.fullmatch(text)
    if found is None:
        raise CannotImportError(f"{text} is no package of the Python index in one exact version")
    if found["extras"]:
        raise CannotImportError(f"{text} asks for extras of the package, which are not installed here")
    return Launch("pypi", found["name"], _version(found["version"]))


def _check_index(option: str) -> None:
    if option in _OTHER_INDEX:
        raise CannotImportError(f"it takes its package from an index of its own ({option})")


def _of_python(words: list[Filled]) -> Launch:
    while words and words[0].text in ("-u", "-I", "-B", "-E", "-s", "-O"):
        words.pop(0)
    if len(words) > 1 and words[0].text == "-m":
        module = words[1].text
        if module == "dynamic_plugins":
            return Launch("ours")
        return Launch("pypi", module.partition(".")[0].replace("_", "-"), rest=tuple(words[2:]), certain=False)
    if words and words[0].text.endswith(".py"):
        return Launch("local", "python", script=words[0], rest=tuple(words[1:]))
    raise CannotImportError(f"it runs a file of this machine{_file(words)}, and no package. {AS_BUNDLE}")


def _of_uv(words: list[Filled]) -> Launch:
    """Return what ``uv run`` starts: a file; what a project calls its commands is known once it is installed."""
    folder, said = "", list(words)
    while said:
        word = said.pop(0)
        option, equals, value = word.text.partition("=")
        if option in ("--directory", "--project"):
            folder = value if equals else said.pop(0).text if said else ""
        elif option in ("-p", "--python"):
            said = said if equals else said[1:]
        elif word.text.endswith(".py"):
            return Launch("local", "python", script=word, folder=folder, rest=tuple(said))
        elif word.text in ("python", "python3"):
            return replace(_of_python(said), folder=folder)
        elif word.text not in ("run", "-q", "--quiet", "--frozen", "--locked", "--no-sync", "--script", "-s"):
            break
    raise CannotImportError(f"it runs a project of this machine{_file(words)}, and no package. {AS_BUNDLE}")


def _of_node(program: str, words: list[Filled]) -> Launch:
    script = next((index for index, each in enumerate(words) if not each.text.startswith("-")), None)
    if program == "node" and script is not None and (found := _NODE_MODULE.match(words[script].text)):
        name = found["name"].replace("\\", "/")
        return Launch("npm", name, rest=tuple(words[script + 1 :]), certain=False)
    if program == "node" and script is not None:
        if strange := next((each.text for each in words[:script] if not NODE_OPTION.fullmatch(each.text)), None):
            raise CannotImportError(f"its Node.js is started with {strange}, which is not done here")
        return Launch("local", "node", script=words[script], rest=tuple(words[script + 1 :]))
    raise CannotImportError(f"it runs a file of this machine{_file(words)}, and no package. {AS_BUNDLE}")


def _file(words: Sequence[Filled]) -> str:
    named = next((each.text for each in words if not each.text.startswith("-") and each.text != "run"), "")
    return f" ({named})" if named else ""


def _of_program(command: str, program: str, words: list[Filled]) -> Launch:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", program):
        raise CannotImportError(f"it runs a program of this machine{_file(words)}, and no package. {AS_BUNDLE}")
    # A program that was installed by hand: what the registry lists under that name is most likely it.
    return Launch("pypi", program, rest=tuple(words), certain=False, notes=(f"it started the program {command}",))


def _bridge(words: list[Filled]) -> Launch:
    """Return the address that ``mcp-remote`` passes on to; here addresses are spoken to directly."""
    url: Filled | None = None
    headers: list[tuple[str, Filled]] = []
    transport: Transport = "streamable-http"
    notes: list[str] = []
    while words:
        word = words.pop(0)
        if word.text == "--header" and words:
            headers.append(_header(words.pop(0)))
        elif word.text == "--transport" and words:
            transport = "sse" if words.pop(0).text.startswith("sse") else "streamable-http"
        elif word.text.startswith("--"):
            notes.append(f"{word.text} of mcp-remote is not taken")
            if (
                words
                and not words[0].text.startswith("--")
                and word.text not in ("--allow-http", "--debug", "--silent")
            ):
                words.pop(0)
        elif url is None:
            url = word
    if url is None:
        raise CannotImportError("it names no address")
    return Launch("remote", url=url, transport=transport, headers=tuple(headers), notes=tuple(notes))


def _header(word: Filled) -> tuple[str, Filled]:
    """Return the name and the value of ``Name: value``; ``${VAR}`` in it is filled from the server's own ``env``."""
    name, _, text = word.text.partition(":")
    shown, _, rest = word.value.spelling.partition(":")
    value = plain(rest.strip()) if not word.value.references else _behind(word.value, len(shown) + 1)
    return name.strip(), replace(word, text=text.strip(), value=value)


def _behind(value: Value, length: int) -> Value:
    """Return *value* without the *length* characters that it begins with, which hold no placeholder."""
    first, *others = value.parts
    if not isinstance(first, str):
        return value
    begin = first[length:].lstrip()
    return Value((*((begin,) if begin else ()), *others))
