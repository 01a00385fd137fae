"""What one worker may use of the machine, as far as each process can be limited by itself."""

from __future__ import annotations

TYPE_CHECKING = False  # as typing has it, which takes as long to import as all the rest
if TYPE_CHECKING:
    from typing import Any


def set_limits(wanted: dict[str, int | None]) -> None:
    """Set limits for this process and all that it starts: memory in bytes, CPU in seconds, no core files."""
    try:
        import resource
    except ImportError:  # Windows has none
        return
    # Data, not address space: V8 and others reserve far more addresses than they ever use.
    for name, kind in (
        ("memory_bytes", resource.RLIMIT_DATA),
        ("cpu_seconds", resource.RLIMIT_CPU),
        ("open_files", resource.RLIMIT_NOFILE),
        ("file_bytes", resource.RLIMIT_FSIZE),
    ):
        if (limit := wanted.get(name)) is not None:
            _lower(resource, kind, limit)
    _lower(resource, resource.RLIMIT_CORE, 0)


def limit_processes(most: int) -> None:
    """Let this user have at most *most* processes and threads, in a user namespace of its own."""
    import resource

    _lower(resource, resource.RLIMIT_NPROC, most)


def _lower(resource: Any, kind: int, limit: int) -> None:
    _, hard = resource.getrlimit(kind)
    value = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    try:
        resource.setrlimit(kind, (value, value))
    except (ValueError, OSError):  # a system that has the name but not the limit
        return
