"""The end of a sign-in: one redirect of the person's browser to a port of this machine, or what they paste instead."""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qs, urlsplit

LOOPBACK = "127.0.0.1"
PATH = "/callback"
_MOST_BYTES = 16 * 1024
_SECONDS = 10.0
"""How long one browser may take to say what it wants."""
_CODE = re.compile(r"[\x21-\x7e]{1,4000}")

_PAGE = (
    "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {length}\r\n"
    "Cache-Control: no-store\r\nContent-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
    "Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
)


@dataclass(frozen=True)
class Redirect:
    """What came back: a *code*, or an *error* code of the server's that says why not."""

    code: str = field(default="", repr=False)
    issuer: str | None = None
    """Who says so (RFC 9207), where it is said."""
    error: str = ""


class NotTheRedirectError(ValueError):
    """What came is not the end of this sign-in; the text says why and quotes nothing.

    It never leaves this folder, whose attempts name the plugin: no PluginError.
    """


class RedirectListener:
    """Waits on the loopback interface for the redirect that carries *state*: the first one ends it.

    Requests under another host's name (DNS rebinding), from a page of another origin, or with another state are
    turned away and end nothing.
    """

    def __init__(self, port: int = 0) -> None:
        """Listen on *port*, or one that is free. Raises OSError where *port* is taken."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._socket.bind((LOOPBACK, port))
            self._socket.listen()
        except OSError:
            self._socket.close()
            raise
        self._host = f"{LOOPBACK}:{self._socket.getsockname()[1]}"
        self._state = ""
        self._came: asyncio.Future[Redirect] = asyncio.get_running_loop().create_future()
        self._server: asyncio.Server | None = None

    @property
    def uri(self) -> str:
        """The address to be redirected to."""
        return f"http://{self._host}{PATH}"

    async def open(self) -> Self:
        """Begin to answer."""
        self._server = await asyncio.start_server(self._serve, sock=self._socket, limit=_MOST_BYTES)
        return self

    def expect(self, state: str) -> None:
        """Take the redirect that carries *state*."""
        self._state = state

    async def redirect(self) -> Redirect:
        """Wait for it; the caller bounds the time."""
        return await asyncio.shield(self._came)

    def paste(self, text: str) -> None:
        """Take what the person copied from their browser: the whole address it ended at, or the code alone.

        Raises NotTheRedirectError.
        """
        text = text.strip()
        if "://" not in text:
            # The code alone: it says no state, but without this sign-in's own PKCE secret it is worth nothing.
            if not _CODE.fullmatch(text) or "=" in text[:6]:
                raise NotTheRedirectError("that is neither the address that the browser ended at nor a code")
            self._finish(Redirect(text))
            return
        if not text.startswith(f"{self.uri}?"):
            raise NotTheRedirectError(f"the address has to begin with {self.uri}?")
        self._finish(self._redirect_in(text))

    async def close(self) -> None:
        """Stop listening; safe to repeat."""
        self._came.cancel()
        if self._server is not None:
            self._server.close()
        self._socket.close()

    def _finish(self, redirect: Redirect) -> None:
        if not self._came.done():
            self._came.set_result(redirect)
        if self._server is not None:
            self._server.close()

    def _redirect_in(self, target: str) -> Redirect:
        """Return what *target* says. Raises NotTheRedirectError where it is of another sign-in."""
        try:
            told = parse_qs(urlsplit(target).query, max_num_fields=20, keep_blank_values=True)
        except ValueError:
            raise NotTheRedirectError("the address cannot be read") from None
        if any(len(values) > 1 for name, values in told.items() if name in {"code", "state", "iss", "error"}):
            raise NotTheRedirectError("the address says one thing twice")
        one = {name: values[0] for name, values in told.items()}
        if not self._state or not secrets.compare_digest(one.get("state", "").encode(), self._state.encode()):
            raise NotTheRedirectError("the address is of another sign-in (its state is not this one's)")
        if "error" in one:
            return Redirect(error=one["error"] or "unknown", issuer=one.get("iss"))
        if not _CODE.fullmatch(one.get("code", "")):
            raise NotTheRedirectError("the address holds no code")
        return Redirect(one["code"], one.get("iss"))

    # ---------------------------------------------------------------- what a browser is told

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                status, text = self._answer(await _head(reader))
                body = f"<!doctype html><title>dynamic-plugins</title><p>{text}</p>".encode()
                writer.write(_PAGE.format(status=status, length=len(body)).encode() + body)
                await writer.drain()
        except (TimeoutError, OSError, asyncio.LimitOverrunError, asyncio.IncompleteReadError, ValueError):
            return  # not a browser that was sent here
        finally:
            writer.close()

    def _answer(self, head: list[str]) -> tuple[str, str]:
        method, target, _ = head[0].split(" ")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        if headers.get("host") != self._host:
            return "421 Misdirected Request", "Wrong host."
        # The browser is sent here from the server's page: that is a navigation, which says no origin or a hidden one.
        if headers.get("origin", "null") not in {"null", f"http://{self._host}"} or (
            headers.get("sec-fetch-mode", "navigate") != "navigate"
        ):
            return "403 Forbidden", "Wrong origin."
        if method != "GET" or urlsplit(target).path != PATH or self._came.done():
            return "404 Not Found", "There is nothing here."
        try:
            redirect = self._redirect_in(target)
        except NotTheRedirectError:
            return "400 Bad Request", "This is not the sign-in that is waited for."
        self._finish(redirect)
        done = "You did not sign in." if redirect.error else "You are signed in as far as this page knows."
        return "200 OK", f"{done} You can close this page and go back to dynamic-plugins."


async def _head(reader: asyncio.StreamReader) -> list[str]:
    raw = await reader.readuntil(b"\r\n\r\n")
    return raw.decode("ascii").rstrip("\r\n").split("\r\n")
