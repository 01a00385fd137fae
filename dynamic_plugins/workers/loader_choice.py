"""Which loaders start plugins, by the settings: on this machine or on a cluster, in this process, and elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_plugins.settings import process_environment
from dynamic_plugins.workers.loader import Loader
from dynamic_plugins.workers.loader_selector import LoaderSelector

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_plugins.install.installer import Installer
    from dynamic_plugins.oauth.sign_ins import SignIns
    from dynamic_plugins.settings import Settings
    from dynamic_plugins.workers.backend import WorkerBackend
    from dynamic_plugins.workers.in_process import InProcessLoader
    from dynamic_plugins.workers.remote.remote_loader import RemoteLoader


def _workers(
    settings: Settings, owner: str, installer: Installer, log_line: Callable[[str, str], None]
) -> WorkerBackend:
    """Return what starts workers: on this machine, or on the cluster that the operator names."""
    data_dir = settings.home / "plugin_data"
    if settings.workers.address is None:
        return Loader(
            limits=settings.limits,
            start_timeout=settings.timeouts.start,
            call_timeout=settings.timeouts.call,
            log=log_line,
            environment=settings.environment,
            data_dir=data_dir,
            sandbox=settings.sandbox,
            own_home=settings.home,
        )
    from dynamic_plugins.workers.fleet.cluster import Needs
    from dynamic_plugins.workers.fleet.ray_loader import RayLoader

    return RayLoader(
        settings.workers.address,
        owner=owner,
        limits=settings.limits,
        timeouts=settings.timeouts,
        log=log_line,
        data_dir=data_dir,
        needs=Needs(settings.workers.cpus, settings.workers.memory_bytes),
        make_recipe=installer.recipe,
        sandbox=settings.sandbox,
        person_home=settings.environment.get("HOME", ""),
    )


def open_loader(
    settings: Settings, owner: str, installer: Installer, sign_ins: SignIns, log_line: Callable[[str, str], None]
) -> LoaderSelector:
    """Return what starts plugins: in workers, those of *owner*'s, and in this process where the operator says so."""
    data_dir = settings.home / "plugin_data"
    workers = _workers(settings, owner, installer, log_line)

    def in_process() -> InProcessLoader:
        from dynamic_plugins.workers.in_process import InProcessLoader

        return InProcessLoader(call_timeout=settings.timeouts.call, data_dir=data_dir, environ=process_environment())

    def remote() -> RemoteLoader:
        from dynamic_plugins.workers.remote.remote_loader import RemoteLoader

        return RemoteLoader(
            limits=settings.limits,
            start_timeout=settings.timeouts.start,
            call_timeout=settings.timeouts.call,
            log=log_line,
            environment=settings.environment,
            auth_for=sign_ins.auth_for,
        )

    return LoaderSelector(workers, in_process, settings.in_process, remote)
