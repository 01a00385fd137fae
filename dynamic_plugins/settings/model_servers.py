"""Where on this machine model servers are looked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LOOPBACK = "127.0.0.1"

#: What model servers are called, and the port of 127.0.0.1 that each of them listens on by itself.
_MODEL_SERVERS = {
    "ollama": ("Ollama", 11434),
    "lm-studio": ("LM Studio", 1234),
    "llama.cpp": ("llama.cpp", 8080),
    "vllm": ("vLLM", 8000),
}


@dataclass(frozen=True)
class ModelServer:
    """A port of this machine's loopback where a model server may listen; *kind* is one of ``MODEL_SERVER_KINDS``."""

    kind: str
    port: int

    @property
    def title(self) -> str:
        return _MODEL_SERVERS[self.kind][0]

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def base_url(self) -> str:
        """Where its OpenAI-compatible interface is; Ollama has one too."""
        return f"http://{self.address}/v1"


MODEL_SERVER_KINDS = tuple(_MODEL_SERVERS)
MODEL_SERVERS = tuple(ModelServer(kind, port) for kind, (_, port) in _MODEL_SERVERS.items())


def model_servers(env: Mapping[str, str], name: str) -> tuple[ModelServer, ...]:
    """Return the servers that the variable *name* says. Raises ValueError for words that are none."""
    words = env.get(name, "").split()
    if not words:
        return MODEL_SERVERS
    return tuple(_model_server(name, word) for word in words if words != ["none"])


def _model_server(variable: str, word: str) -> ModelServer:
    kind, _, port = word.rpartition(":")
    if kind not in _MODEL_SERVERS or not port.isdecimal() or not 0 < int(port) < 2**16:
        known = ", ".join(f"{kind}:PORT" for kind in _MODEL_SERVERS)
        raise ValueError(f"{variable} must be none, or words such as {known}; not {word!r}")
    return ModelServer(kind, int(port))
