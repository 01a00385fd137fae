"""Spans and metrics as OpenTelemetry makes them; imported only where an exporter is configured, or by its own host.

The providers are ours alone. OpenTelemetry's global ones stay unset: through those the ``mcp`` package would export
spans of its own, with the texts of plugins' errors in them.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextvars import copy_context
from typing import TYPE_CHECKING, Self

from opentelemetry import context, metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind, StatusCode

from dynamic_plugins import __version__
from dynamic_plugins.core.spans import AGENT, Attributes, Kind, Span, Value

if TYPE_CHECKING:
    from contextvars import Context, Token
    from types import TracebackType

    from opentelemetry.context import Context as SpanContext
    from opentelemetry.metrics import Counter, Histogram, Meter
    from opentelemetry.trace import Tracer

    from dynamic_plugins.core.spans import ModelAnswer
    from dynamic_plugins.settings import Telemetry

CLOSE_SECONDS = 1.0
"""So long an end waits for a collector that does not answer; what has not gone by then is lost."""

_KINDS = {"internal": SpanKind.INTERNAL, "client": SpanKind.CLIENT, "server": SpanKind.SERVER}
# As the conventions give them.
_GEN_AI_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_MCP_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
_DURATIONS = {
    "gen_ai.invoke_agent.duration": ("How long a turn took.", _GEN_AI_SECONDS),
    "gen_ai.client.inference.duration": ("How long a request to a model took.", _GEN_AI_SECONDS),
    "gen_ai.execute_tool.duration": ("How long a call of a tool took.", _GEN_AI_SECONDS),
    "mcp.client.operation.duration": ("How long a request to a plugin took.", _MCP_SECONDS),
    "mcp.server.operation.duration": ("How long the answer to a request of an MCP client took.", _MCP_SECONDS),
}
_TOKENS = {
    "input": ("gen_ai.client.inference.usage.input_tokens", "Tokens that models have read."),
    "output": ("gen_ai.client.inference.usage.output_tokens", "Tokens that models have written."),
}


def configured(settings: Telemetry) -> OpenTelemetry:
    """Return an exporter to where the ``OTEL_*`` variables say; OpenTelemetry reads the rest of them by itself."""
    resource = Resource.create({"service.name": AGENT, "service.version": __version__})
    resource = resource.merge(OTELResourceDetector().detect())  # what the variables say of it comes before ours
    return OpenTelemetry(
        _traced(resource) if settings.traces else None, _metered(resource) if settings.metrics else None, ours=True
    )


def of_host() -> OpenTelemetry | None:
    """Return an exporter to what the host program has set up for itself; None where it has not."""
    tracers, meters = trace.get_tracer_provider(), metrics.get_meter_provider()
    if not isinstance(tracers, TracerProvider):
        return None
    return OpenTelemetry(tracers, meters if isinstance(meters, MeterProvider) else None, ours=False)


def _traced(resource: Resource) -> TracerProvider:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _metered(resource: Resource) -> MeterProvider:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    return MeterProvider([reader], resource=resource, shutdown_on_exit=False)


class OpenTelemetry:
    """An exporter. *ours* says whether the providers end with it."""

    def __init__(self, tracers: TracerProvider | None, meters: MeterProvider | None, *, ours: bool) -> None:
        self._tracers, self._meters, self._ours = tracers, meters, ours
        scope = trace.NoOpTracerProvider() if tracers is None else tracers
        self.tracer: Tracer = scope.get_tracer("dynamic_plugins", __version__)
        meter: Meter = (metrics.NoOpMeterProvider() if meters is None else meters).get_meter(
            "dynamic_plugins", __version__
        )
        self.durations: dict[str, Histogram] = {
            name: meter.create_histogram(name, "s", about, explicit_bucket_boundaries_advisory=bounds)
            for name, (about, bounds) in _DURATIONS.items()
        }
        self.tokens: dict[str, Counter] = {
            which: meter.create_counter(name, "{token}", about) for which, (name, about) in _TOKENS.items()
        }

    def begin(self, name: str, kind: Kind, attributes: Attributes, metric: str) -> Span:
        return _Recorded(self, name, kind, attributes, metric)

    def detached_context(self) -> Context:
        made = copy_context()
        made.run(context.attach, trace.set_span_in_context(trace.INVALID_SPAN))
        return made

    def close(self) -> None:
        if not self._ours:
            return
        ending = threading.Thread(target=self._shut_down, name="last spans and metrics", daemon=True)
        ending.start()
        ending.join(CLOSE_SECONDS)

    def _shut_down(self) -> None:
        if self._tracers is not None:
            self._tracers.shutdown()
        if self._meters is not None:
            self._meters.shutdown()


class _Recorded(Span):
    """A span that is recorded, and its duration with it."""

    recording = True

    def __init__(self, to: OpenTelemetry, name: str, kind: Kind, attributes: Attributes, metric: str) -> None:
        self._to, self._name, self._kind, self._metric = to, name, kind, metric
        self._attributes: dict[str, Value] = dict(attributes)
        self._failed = ""
        self._tokens: tuple[int, int] | None = None
        self._first: float | None = None

    def __enter__(self) -> Self:
        self._span = self._to.tracer.start_span(
            self._name, kind=_KINDS[self._kind], attributes=self._attributes, record_exception=False
        )
        self._token: Token[SpanContext] = context.attach(trace.set_span_in_context(self._span))
        self._begun = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = time.perf_counter() - self._begun
        if error is not None:
            self.fail(_type_of(error))
        if self._failed:
            self._span.set_status(StatusCode.ERROR)
        context.detach(self._token)
        self._span.end()
        labels = {**self._attributes, **({"error.type": self._failed} if self._failed else {})}
        if self._metric:
            self._to.durations[self._metric].record(seconds, labels)
        if self._attributes.get("gen_ai.operation.name") == "chat":
            self._count_tokens()

    def set(self, name: str, value: Value | None) -> None:
        if value is not None:
            self._span.set_attribute(name, value)

    def fail(self, error_type: str) -> None:
        if not self._failed:
            self._failed = error_type
            self._span.set_attribute("error.type", error_type)

    def answered(self, answer: ModelAnswer) -> None:
        self.set("gen_ai.response.model", answer.model)
        self.set("gen_ai.response.id", answer.id)
        self.set("gen_ai.response.finish_reasons", tuple(answer.reasons) or None)
        if answer.tokens is not None:
            self._tokens = answer.tokens
            self.set("gen_ai.usage.input_tokens", answer.tokens[0])
            self.set("gen_ai.usage.output_tokens", answer.tokens[1])

    def first_piece(self) -> None:
        if self._first is None:
            self._first = time.perf_counter() - self._begun
            self.set("gen_ai.response.time_to_first_chunk", self._first)

    def _count_tokens(self) -> None:
        """Count what a request used; the conventions want a 0 where it was not told."""
        wanted = ("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "server.address")
        labels = {key: self._attributes[key] for key in (*wanted, "server.port") if key in self._attributes}
        labels["gen_ai.token.modality"] = "unknown"
        for which, count in zip(("input", "output"), self._tokens or (0, 0), strict=True):
            self._to.tokens[which].add(count, labels)


def _type_of(error: BaseException) -> str:
    """Return what kind of failure *error* is: its code where it has one of ours, never its text."""
    if isinstance(error, asyncio.CancelledError):
        return "cancelled"
    code = getattr(error, "code", None)
    return code if isinstance(code, str) else type(error).__qualname__
