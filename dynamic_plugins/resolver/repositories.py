"""Addresses of repositories, as people and registries write them."""

from __future__ import annotations

import re

_SHORT = re.compile(r"(github|gitlab|bitbucket):([\w.-]+/[\w.-]+?)(?:\.git)?(?:#(?:[^:#]*:)?([^#]*))?")
_LONG = re.compile(
    r"(?:git\+)?(?:(?:https?|ssh|git)://)?(?:git@)?(?:www\.)?([a-z0-9-]+(?:\.[a-z0-9-]+)+)[/:]"
    r"([\w.-]+/[\w.-]+?)(?:\.git)?(?:/(?:-/)?(?:tree|blob)/[^/]+/([^?#]+))?/?(?:[?#].*)?"
)
_HOSTS = {"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org"}


def address(text: str) -> tuple[str, str] | None:
    """Return ``("github.com/owner/repo", "folder")`` in lower case, or None for what is no repository's address.

    Takes ``github:owner/repo#ref:folder``, ``https://github.com/owner/repo/tree/main/folder``, ``….git`` and the like.
    The folder is empty where none is told; a bare ``owner/repo`` is not an address.
    """
    text = text.strip().lower()
    if found := _SHORT.fullmatch(text):
        host, repository, folder = found.groups()
        is_folder = "#" in text and ":" in text.rpartition("#")[2]
        return f"{_HOSTS[host]}/{repository}", (folder or "").strip("/") if is_folder else ""
    if ("://" in text or "git@" in text or text.startswith(tuple(_HOSTS.values()))) and (
        found := _LONG.fullmatch(text)
    ):
        host, repository, folder = found.groups()
        return f"{host}/{repository}", (folder or "").strip("/")
    return None
