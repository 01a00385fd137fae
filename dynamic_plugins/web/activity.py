"""What plugins did, and what was agreed to: pictures over time, the actions behind them, the log of consents."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from dynamic_plugins.storage.call_log import CallRecord
from dynamic_plugins.web import charts
from dynamic_plugins.web.call_statistics import FIRST, PERIODS, by_action, in_words, over_time, summary
from dynamic_plugins.web.charts import Series
from dynamic_plugins.web.listing import SCREEN, page_number
from dynamic_plugins.web.site import moment, see

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from dynamic_plugins.web.call_statistics import Period
    from dynamic_plugins.web.charts import Chart
    from dynamic_plugins.web.site import Site

_CONSENT = "consent to "
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula; the last four are its signs as wide as Chinese letters."""
_POINTS = 100
"""Where there can be points on a line; what is nearer to one another is one point."""
_TOLD = 3
_TOKEN_COLOURS = ("c4", "c1", "c2", "c3", "c5")
_OTHERS = "all others"
_ROWS = ("Installed, removed, switched", "Agreed to", "Declined")


@dataclass(frozen=True)
class View:
    """What the page is asked to show."""

    period: Period
    plugin: str = ""
    action: str = ""

    @classmethod
    def of(cls, request: Request) -> View:
        """Return what the address of *request* asks for; what it does not say is everything of the last day."""
        query = request.query_params
        period = PERIODS.get(query.get("period", ""), PERIODS[FIRST])
        return cls(period, query.get("plugin", "")[:200], query.get("action", "")[:200])

    def shows(self, record: CallRecord) -> bool:
        """Return whether a call is of the plugin and the action that are asked for."""
        return self.plugin in ("", record.plugin) and self.action in ("", record.action)

    @property
    def query(self) -> dict[str, str]:
        """What its address has, without what it shows anyway."""
        period = "" if self.period.key == FIRST else self.period.key
        return {"period": period, "plugin": self.plugin, "action": self.action}


def routes(site: Site) -> list[BaseRoute]:
    """Return the routes of this part of the page."""
    pages = _Activity(site)
    return [
        Route("/happened", pages.activity),
        Route("/happened/calls.csv", pages.calls_csv),
        Route("/happened/audit.csv", pages.audit_csv),
        Route("/happened/all.json", pages.all_json),
        Route("/happened/erase", pages.erase, methods=["POST"]),
    ]


class _Activity:
    def __init__(self, site: Site) -> None:
        self._site, self._calls, self._audit = site, site.app.service.calls, site.app.audit

    async def activity(self, request: Request) -> Response:
        """Show the pictures and what they are made of."""
        view = View.of(request)
        bounds = view.period.bounds()
        read = await asyncio.to_thread(self._calls.read, bounds[0])
        records = [record for record in read if view.shows(record)]
        noted = await asyncio.to_thread(self._audit.read, view.plugin or None)
        noted = [line for line in noted if _time(line) is not None]
        actions = by_action(records, bounds)
        last, log_last = (max(1, -(-len(each) // SCREEN)) for each in (actions, noted))
        query = request.query_params
        page, log_page = page_number(query.get("page", ""), last), page_number(query.get("log", ""), log_last)
        noted.reverse()
        return self._site.page(
            request,
            "happened.html",
            here="happened",
            view=view,
            periods=PERIODS.values(),
            plugins=sorted({record.plugin for record in read} | ({view.plugin} if view.plugin else set())),
            all=summary(records),
            charts=_charts(records, view, bounds),
            actions=[(each, *_small(each, actions)) for each in actions[(page - 1) * SCREEN : page * SCREEN]],
            strip=_strip(noted, bounds),
            strip_labels=_ends(view, bounds),
            rows=_ROWS,
            noted=[_shown(line) for line in noted[(log_page - 1) * SCREEN : log_page * SCREEN]],
            pages=(page, last),
            log_pages=(log_page, log_last),
            in_words=in_words,
            size=self._calls.size,
            erased=request.query_params.get("erased") == "1",
        )

    async def erase(self, request: Request) -> Response:  # noqa: ARG002 # as it is called
        """Erase the record of calls."""
        await asyncio.to_thread(self._calls.erase)
        return see("/happened", erased=1)

    async def calls_csv(self, request: Request) -> Response:
        """Give the calls as a table."""
        records = await self._asked_for(request)
        names = ("time", *(name for name in CallRecord.__dataclass_fields__ if name != "at"))
        rows = [{"time": _iso(record.at)} | asdict(record) for record in records]
        return _file("calls.csv", "text/csv", _csv(names, rows))

    async def audit_csv(self, request: Request) -> Response:
        """Give the log of consents as a table."""
        noted = await asyncio.to_thread(self._audit.read, View.of(request).plugin or None)
        names = ("at", "user", "door", "what", "plugin", "version", "source", "digest", "answer", "detail")
        return _file("audit.csv", "text/csv", _csv(names, noted))

    async def all_json(self, request: Request) -> Response:
        """Give both as one JSON document."""
        calls = [{"time": _iso(record.at)} | asdict(record) for record in await self._asked_for(request)]
        noted = await asyncio.to_thread(self._audit.read, View.of(request).plugin or None)
        text = json.dumps({"schema": 1, "calls": calls, "audit": noted}, ensure_ascii=False, indent=1)
        return _file("what-happened.json", "application/json", text)

    async def _asked_for(self, request: Request) -> list[CallRecord]:
        view = View.of(request)
        since = view.period.bounds()[0] if "period" in request.query_params else 0.0
        return [record for record in await asyncio.to_thread(self._calls.read, since) if view.shows(record)]


# ---------------------------------------------------------------- pictures


def _charts(records: Sequence[CallRecord], view: View, bounds: Sequence[float]) -> list[Chart]:
    found = over_time(records, bounds)
    steps = [moment(at, view.period.form) for at in bounds[:-1]]
    all_of_it = summary(records)

    def row(value: Callable[[Any], float]) -> tuple[float, ...]:
        return tuple(value(each) for each in found)

    calls = charts.stacked_bars(
        "Calls",
        f"{all_of_it.calls:,} calls, of which {all_of_it.errors:,} failed.",
        [Series("done", "c1", row(lambda each: each.done)), Series("failed", "bad", row(lambda each: each.errors))],
        steps,
    )
    latency = charts.lines(
        "How long they took",
        f"Half of all calls took at most {in_words(all_of_it.p50)}, 95 % at most {in_words(all_of_it.p95)}.",
        [Series("p95", "c3", row(lambda each: each.p95)), Series("p50", "c2", row(lambda each: each.p50))],
        steps,
        in_words,
    )
    tokens = charts.stacked_bars(
        "Tokens of results",
        f"What was returned comes to about {all_of_it.tokens:,} tokens.",
        _token_series(records, view, bounds),
        steps,
    )
    return [calls, latency, tokens]


def _token_series(records: Sequence[CallRecord], view: View, bounds: Sequence[float]) -> list[Series]:
    """Return the tokens of each plugin over time, or of each action where one plugin is shown: the largest by name."""
    by: dict[str, list[CallRecord]] = defaultdict(list)
    for record in records:
        by[record.action if view.plugin else record.plugin].append(record)
    totals = {name: sum(record.tokens for record in mine) for name, mine in by.items()}
    largest = sorted((name for name in by if totals[name]), key=lambda name: (-totals[name], name))
    if len(largest) > len(_TOKEN_COLOURS):
        rest = largest[len(_TOKEN_COLOURS) - 1 :]
        by[_OTHERS] = [record for name in rest for record in by[name]]
        largest = [*largest[: len(_TOKEN_COLOURS) - 1], _OTHERS]
    return [
        Series(name, colour, tuple(float(each.tokens) for each in over_time(by[name], bounds)))
        for name, colour in zip(largest or ["tokens"], _TOKEN_COLOURS, strict=False)
    ]


def _small(each: Any, actions: Sequence[Any]) -> tuple[Any, Any]:
    slowest = max(other.all.p95 for other in actions)
    went = charts.spark(f"{each.all.calls:,} calls over time", each.over_time)
    took = f"Half took at most {in_words(each.all.p50)}, 95 % at most {in_words(each.all.p95)}"
    return went, charts.latency_strip(took, each.all.p50, each.all.p95, slowest)


def _strip(noted: Iterable[dict[str, Any]], bounds: Sequence[float]) -> Any:
    """Return the consents and changes of the period as points on three lines."""
    rows: list[dict[int, list[str]]] = [defaultdict(list), defaultdict(list), defaultdict(list)]
    for line in noted:
        at = _time(line)
        if at is not None and bounds[0] <= at < bounds[-1]:
            where = int((at - bounds[0]) / (bounds[-1] - bounds[0]) * _POINTS)
            rows[_row_of(line)][where].append(f"{moment(at, '%d %b %H:%M')}: {_in_words(line)}")
    counts = [sum(map(len, row.values())) for row in rows]
    about = ", ".join(f"{name}: {count}" for name, count in zip(_ROWS, counts, strict=True))
    points = [[(where / _POINTS, _several(words)) for where, words in row.items()] for row in rows]
    return charts.dots("What was agreed to and changed", about, list(zip(("c1", "c2", "bad"), points, strict=True)))


def _several(words: list[str]) -> str:
    """Return what a point says that stands for several things."""
    more = f"; and {len(words) - _TOLD} more" if len(words) > _TOLD else ""
    return "; ".join(words[:_TOLD]) + more


def _row_of(line: dict[str, Any]) -> int:
    if not str(line.get("what", "")).startswith(_CONSENT):
        return 0
    return 2 if line.get("answer") in ("no", "nobody could be asked") else 1


def _in_words(line: dict[str, Any]) -> str:
    what, plugin = str(line.get("what", "")), str(line.get("plugin", ""))
    version = f" {line['version']}" if line.get("version") else ""
    answer = f": {line['answer']}" if line.get("answer") else ""
    return f"{what} {plugin}{version}{answer}"


def _shown(line: dict[str, Any]) -> dict[str, Any]:
    """Return a line of the log as the page shows it."""
    told = {
        name: str(line.get(name, "")) for name in ("what", "plugin", "version", "door", "answer", "detail", "source")
    }
    return told | {"at": _time(line), "kind": ("", "good", "bad")[_row_of(line)]}


def _ends(view: View, bounds: Sequence[float]) -> tuple[str, str]:
    return moment(bounds[0], f"%d %b {view.period.form}"), moment(bounds[-1], f"%d %b {view.period.form}")


# ---------------------------------------------------------------- small things


def _time(line: dict[str, Any]) -> float | None:
    try:
        at = datetime.fromisoformat(str(line.get("at", ""))).timestamp()
        moment(at)  # raises where this machine's clock cannot show it
    except (ValueError, OverflowError):
        return None
    return at


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _csv(names: Sequence[str], rows: Iterable[dict[str, Any]]) -> str:
    """Return a table as CSV; what a spreadsheet would take for a formula, it is told to take for text."""
    out = io.StringIO()
    writer = csv.DictWriter(out, names, extrasaction="ignore", restval="")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _as_text(value) for name, value in row.items()})
    return out.getvalue()


def _as_text(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _file(name: str, kind: str, text: str) -> Response:
    # Half of a surrogate pair may stand in a name that came as JSON, and has no bytes.
    return Response(
        text.encode(errors="replace"),
        media_type=kind,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
