"""A model behind a cassette: recorded from an endpoint, or replayed without one."""

from __future__ import annotations

import contextlib
import json
import os
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from dynamic_plugins.settings import ModelSettings, Settings
from dynamic_plugins.testing.cassette_messages import (
    NOWHERE,
    credentials_of,
    scrubbed_path,
    scrubbed_request,
    scrubbed_response,
)
from dynamic_plugins.testing.scrub_rules import Hidden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

RECORD = "pytest --record-conversations"
SHOWN = 6
AROUND = 60
"""Characters that are shown before and after the place where two texts part."""


class RecordedModel:
    """The model of one test. While replaying it needs no endpoint; while recording it may start the embedded one's.

    *model* and *base_url* say what to record; what they leave open is taken from the environment.
    """

    def __init__(self, path: Path, *, recording: bool, model: str | None, base_url: str | None, scratch: Path) -> None:
        self.path, self.recording = path, recording
        self._asked, self._scratch = (model, base_url), scratch
        self._cassette: Any = None
        self._hidden = Hidden()
        self._endpoint = contextlib.ExitStack()
        self._settings: ModelSettings | None = None

    @contextlib.contextmanager
    def running(self, passed: Callable[[], bool]) -> Iterator[None]:
        """Record or replay what is sent in this block; at its end *passed* says whether the test did."""
        if self.path.exists() and not self.path.is_file():
            pytest.fail(f"{self.path} is not a regular file.", pytrace=False)
        if not self.recording and not self.path.exists():
            pytest.fail(f"{self.path} does not exist. Record it with: {RECORD}", pytrace=False)
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}.recording")
        try:
            with contextlib.ExitStack() as stack:
                stack.enter_context(self._endpoint)
                if not self.recording:
                    from dynamic_plugins.testing.network_guard import no_network

                    stack.enter_context(no_network())
                self._cassette = stack.enter_context(
                    _tape(beside if self.recording else self.path, self.recording, self._hidden)
                )
                if not self.recording:
                    self._tell_what_is_missing()
                yield
                if self.recording:  # it is written where there is something to keep, and not at all otherwise
                    self._cassette.dirty = passed() and len(self._cassette) > 0
            if beside.exists():
                beside.replace(self.path)
        finally:
            beside.unlink(missing_ok=True)
        if passed():
            self._check_something_recorded() if self.recording else self._check_all_played()

    def _check_something_recorded(self) -> None:
        if not len(self._cassette):
            stays = "stays as it was" if self.path.exists() else "was not written"
            told = f"The test passed, but the model answered nothing that could be recorded: {self.path} {stays}."
            pytest.fail(told, pytrace=False)

    def _check_all_played(self) -> None:
        """Fail the test when it did not use every answer of its cassette."""
        if not self._cassette.all_played:
            told = f"{self._cassette.play_count} of {len(self._cassette)} answers of {self.path} were used."
            pytest.fail(f"{told} If that is right, record it anew with: {RECORD}", pytrace=False)

    # ---------------------------------------------------------------- for clients

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.settings().name)

    @property
    def base_url(self) -> str:
        """The endpoint's address."""
        return str(self.settings().base_url)

    @property
    def api_key(self) -> str:
        """The endpoint's key; while replaying any will do."""
        return self.settings().api_key or "none"

    def settings(self, home: Path | None = None, registries: Sequence[str] = ()) -> ModelSettings:
        """Return which model to use. *home* and *registries* are for the embedded one, which knows plugins by name."""
        if self._settings is None:
            self._settings = self._recorded_from(home, registries) if self.recording else self._replayed()
        return self._settings

    def hide(self, value: str, instead: str) -> None:
        """Write *instead* for *value* in the cassette, and in what is compared with it: folders that change."""
        self._hidden.replace(value, instead)

    def _replayed(self) -> ModelSettings:
        told = self._cassette.get_metadata("from", {})
        return ModelSettings(name=told["model"], base_url=NOWHERE + told["path"], api_key="none")

    def _recorded_from(self, home: Path | None, registries: Sequence[str]) -> ModelSettings:
        model, base_url = self._asked
        wanted = Settings.from_environment(model=model, base_url=base_url).model
        endpoint = urlsplit(wanted.base_url or "https://api.openai.com/v1").netloc.rpartition("@")[2]
        if wanted.embedded:
            from dynamic_plugins.testing.endpoint import embedded_model

            home = home or self._scratch / "home"
            wanted = self._endpoint.enter_context(embedded_model(home, registries, wanted.name))
            endpoint = "the embedded model, by serve-model"
        elif wanted.base_url is None:
            wanted = ModelSettings(wanted.name, "https://api.openai.com/v1", wanted.api_key)
        wanted = wanted if wanted.name else ModelSettings("gpt-5-mini", wanted.base_url, wanted.api_key)
        self._hidden.add([*credentials_of(wanted.base_url or ""), wanted.api_key or ""])
        told = {
            "model": wanted.name,
            "endpoint": endpoint,
            "path": scrubbed_path(wanted.base_url or "", self._hidden),
            "package": f"agent-dynamic-plugins {metadata.version('agent-dynamic-plugins')}",
            "date": datetime.now(UTC).date().isoformat(),
        }
        self._cassette.get_metadata("from", told)
        return wanted

    # ---------------------------------------------------------------- replaying

    def _tell_what_is_missing(self) -> None:
        """Fail at once, and say how the request differs: a client would take it for a connection that broke."""
        known = self._cassette.can_play_response_for

        def can_play(request: Any) -> bool:
            if known(request):
                return True
            pytest.fail(self._missing(self._cassette.filter_request(request)), pytrace=False)

        self._cassette.can_play_response_for = can_play

    def _missing(self, request: Any) -> str:
        played, recorded = self._cassette.play_count, self._cassette.requests
        told = f"{self.path} has no answer to request {played + 1} of the test. Record it anew with: {RECORD}"
        unplayed = [each for index, each in enumerate(recorded) if not self._cassette.play_counts[index]]
        if not unplayed:
            return f"{told}\nAll its {len(recorded)} answers were used before."
        return "\n".join([told, *differences(unplayed[0].body, request.body)])


def _tape(path: Path, recording: bool, hidden: Hidden) -> Any:
    try:
        import vcr
    except ImportError:
        raise pytest.UsageError(
            "Recorded conversations need vcrpy. Install it with: pip install 'agent-dynamic-plugins[testing]'"
        ) from None
    from dynamic_plugins.testing.cassette_file import CassetteFile

    tapes = vcr.VCR(
        serializer="conversation",
        record_mode="all" if recording else "none",
        match_on=("method", "path", "query", "body"),
        before_record_request=lambda request: scrubbed_request(request, hidden),
        before_record_response=lambda response: scrubbed_response(response, hidden),
        decode_compressed_response=True,
    )
    tapes.register_serializer("conversation", CassetteFile())
    return tapes.use_cassette(str(path))


def differences(recorded: bytes | None, sent: bytes | None) -> list[str]:
    """Return the places where two JSON bodies differ, as lines; at most a handful."""
    try:
        found = list(_walk(json.loads(recorded or b"null"), json.loads(sent or b"null"), "body"))
    except ValueError:
        return ["body: not JSON, and not the same"]
    more = [f"… and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return [*found[:SHOWN], *more]


def _walk(recorded: Any, sent: Any, place: str) -> Iterator[str]:
    if recorded == sent:
        return
    if isinstance(recorded, dict) and isinstance(sent, dict):
        for key in [*recorded, *(key for key in sent if key not in recorded)]:
            if key not in recorded or key not in sent:
                yield f"{place}.{key}: {'not sent' if key in recorded else 'not recorded'}"
            else:
                yield from _walk(recorded[key], sent[key], f"{place}.{key}")
    elif isinstance(recorded, list) and isinstance(sent, list):
        for index, (one, other) in enumerate(zip(recorded, sent, strict=False)):
            yield from _walk(one, other, f"{place}[{index}]")
        if len(recorded) != len(sent):
            yield f"{place}: {len(recorded)} recorded, {len(sent)} sent"
    else:
        yield f"{place}:\n  recorded {_part(recorded, sent)}\n  sent     {_part(sent, recorded)}"


def _part(value: Any, other: Any) -> str:
    """Return *value*, or the part of a long text where it parts from *other*."""
    text, against = (each if isinstance(each, str) else json.dumps(each) for each in (value, other))
    same = next(
        (i for i, (a, b) in enumerate(zip(text, against, strict=False)) if a != b), min(len(text), len(against))
    )
    start, end = max(0, same - AROUND), same + AROUND
    return f"{'…' if start else ''}{text[start:end]!r}{'…' if end < len(text) else ''}"
