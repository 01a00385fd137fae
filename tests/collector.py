"""An OpenTelemetry collector on loopback: it keeps the spans and metrics that are sent to it over OTLP and HTTP."""

from __future__ import annotations

import gzip
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.loopback import serving

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KINDS = {1: "internal", 2: "server", 3: "client"}
Attributes = dict[str, Any]


@dataclass(frozen=True)
class Sent:
    """A span as it came; ids are in hexadecimal digits, and ``parent`` is empty where it has none."""

    name: str
    kind: str
    attributes: Attributes
    trace: str
    id: str
    parent: str
    failed: bool
    told: tuple[str, ...]
    """The texts that came with it beside attributes: of its status and its events."""


class Collector:
    """The collector; ``address`` is what ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set to."""

    def __init__(self) -> None:
        self.spans: list[Sent] = []
        self.metrics: dict[str, list[Attributes]] = {}
        """The attributes of the points of each metric."""
        self.counted: dict[str, float] = {}
        """What the points of a metric add up to: the number of what was measured, or the sum of what was counted."""
        self.resource: Attributes = {}
        self.bytes = b""
        """All that came, one request after the other."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def serving(self) -> Iterator[Collector]:
        with serving(self._server):
            yield self

    def named(self, name: str) -> Sent:
        """Return the one span of that name."""
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def take(self, path: str, body: bytes) -> None:
        self.bytes += body
        if path == "/v1/traces":
            for traced in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resource = _read(traced.resource.attributes)
                self.spans += [_sent(span) for scope in traced.scope_spans for span in scope.spans]
        elif path == "/v1/metrics":
            for measured in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for metric in (each for scope in measured.scope_metrics for each in scope.metrics):
                    self._take_metric(metric)

    def _take_metric(self, metric: Any) -> None:
        data = metric.histogram if metric.HasField("histogram") else metric.sum
        self.metrics[metric.name] = [_read(point.attributes) for point in data.data_points]
        self.counted[metric.name] = sum(
            point.count if metric.HasField("histogram") else point.as_int for point in data.data_points
        )


def _sent(span: Any) -> Sent:
    told = [span.status.message, *(event.name for event in span.events)]
    told += [str(value) for event in span.events for value in _read(event.attributes).values()]
    return Sent(
        span.name,
        KINDS[span.kind],
        _read(span.attributes),
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.status.code == 2,
        tuple(text for text in told if text),
    )


def _read(attributes: Iterable[Any]) -> Attributes:
    return {each.key: _value(each.value) for each in attributes}


def _value(value: Any) -> Any:
    which = value.WhichOneof("value")
    return [_value(each) for each in value.array_value.values] if which == "array_value" else getattr(value, which)


def _handler(collector: Collector) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.take(self.path, gzip.decompress(body) if self.headers["content-encoding"] == "gzip" else body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *values: Any) -> None:  # noqa: A002 - its name in the base class
            pass

    return Handler
