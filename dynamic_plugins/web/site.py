"""What every page is made with: the application, the templates, and what a person is told of something that failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse

from dynamic_plugins.storage.approval_queue import ApprovalQueue
from dynamic_plugins.text.printable import printable
from dynamic_plugins.web.listing import Listing
from dynamic_plugins.web.operations import Operations
from dynamic_plugins.web.presence import Presence
from dynamic_plugins.web.worker_lines import WorkerLines

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from dynamic_plugins.app import App

HERE = Path(__file__).parent
MOST_FIELDS = 500
"""A form with more fields is none of ours."""


@dataclass(frozen=True)
class Site:
    """What the pages share: *app* does the work, *operations* are what browsers began, *lines* what plugins printed,
    *presence* is who looks.
    """

    app: App
    operations: Operations = field(default_factory=Operations)
    lines: WorkerLines = field(default_factory=WorkerLines)
    presence: Presence = field(default_factory=Presence)

    def page(self, request: Request, template: str, *, code: int = 200, **values: Any) -> Response:
        """Return a page made from *template*; whatever *values* hold is escaped, and shown without what controls text.

        *here* among them says which part of the page it belongs to: ``browse``, ``installed``, ``asked``, ``happened``.
        """
        self.presence.shown()
        done = self.operations.get(request.query_params.get("done", ""))
        asked = len(self.queue.open())
        common = {"here": "", "done": done if done is not None and done.is_over else None, "asked_count": asked}
        common["profile"] = self.app.settings.profile or ""
        return HTMLResponse(templates().get_template(template).render(common | values), code)

    @cached_property
    def queue(self) -> ApprovalQueue:
        """What is asked on this home, by whichever process."""
        return ApprovalQueue(self.app.settings.home)

    @cached_property
    def listing(self) -> Listing:
        """What finds plugins for a person."""
        return Listing(self.app)


@cache
def templates() -> Environment:
    """Return the templates, which escape whatever they are given: one set for a process, each compiled at first use."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.globals["link"] = link
    environment.filters["moment"] = moment
    environment.filters["at_slashes"] = at_slashes
    return environment


def _shown(value: Any) -> Any:
    """Return what a template shows of *value*: a stranger's text without what hides or reorders what stands there."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def at_slashes(text: str) -> Markup:
    """Return *text* so that a narrow line may end behind each slash, and not in the middle of a name."""
    return Markup("/<wbr>").join(printable(text).split("/"))


def moment(at: float, form: str = "%H:%M:%S") -> str:
    """Return a time, in seconds since 1970, as this machine's clock shows it."""
    return datetime.fromtimestamp(at).astimezone().strftime(form)


def link(path: str, **query: object) -> str:
    """Return an address of the page, without what is empty in *query*. Names of plugins hold slashes: they go there."""
    given = {name: value for name, value in query.items() if value not in ("", None, False)}
    return f"{path}?{urlencode(given, doseq=True, errors='replace')}" if given else path


def see(path: str, **query: object) -> Response:
    """Return an answer that has the browser go to another page, by GET."""
    return RedirectResponse(link(path, **query), 303)


async def fields_of(request: Request) -> dict[str, str]:
    """Return what a form sent; of a name that is there twice, the last. Raises HTTPException for what is no form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "This is not a form.")
    try:
        pairs = parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise HTTPException(400, "This is not a form.") from None
    return dict(pairs)
