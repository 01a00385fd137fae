"""The approvals that agents, clients and commands on one home are waiting for: put there by one process, answered by
another.

Each open question is three files in ``<home>/approvals``::

    <id>.lock      held by the process that asks, for as long as it lives
    <id>.json      the question, written once
    <id>.answer    the answer of whoever was first

A question whose lock nobody holds is dead, and is removed by whoever sees it. An answer is given, and a question taken
away, under one lock of the folder: so whoever answers learns whether theirs is the one that counts.

Questions for values (:mod:`dynamic_plugins.storage.value_questions`) are kept the same way.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from dynamic_plugins.approval import Answer
from dynamic_plugins.core.atomic_file import keep_private, read_json, write_atomically
from dynamic_plugins.core.held_lock import HeldLock, is_held
from dynamic_plugins.registry.entry import Variable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dynamic_plugins.approval import ApprovalRequest, Verb

FOLDER = "approvals"
LOCK_SECONDS = 5.0
MOST_OPEN = 200
"""So many open questions are shown; a program that asks more at once is none that a person can answer."""
MOST_CHARACTERS = 500_000
"""A question that is longer is not put here: whoever has to read it must be able to."""

YES, NO = "yes", "no"
VALUES = "values"
"""The answer to a question for values: with what the person entered, sealed."""
CONFIGURE: Final = "configure"
"""What a question for values is about, in place of an approval's verb."""

_ANSWERS = {
    "call": (str(Answer.ONCE), str(Answer.CONVERSATION), str(Answer.ALWAYS), NO),
    "reach": (str(Answer.CONVERSATION), str(Answer.ALWAYS), NO),
    CONFIGURE: (VALUES, NO),
}
_ID = re.compile(r"[0-9a-f]{32}")

Ending = Literal["counted", "too late", "gone"]
"""What became of an answer: it counts; another was first; nobody asks that any more."""


@dataclass(frozen=True)
class Question:
    """One approval that somebody is waiting for, as the person is shown it; times are seconds since 1970."""

    id: str
    verb: Verb | Literal["configure"]
    name: str
    version: str
    question: str
    facts: tuple[str, ...]
    """All that the terminal would show, a line each; the first eleven columns of each are its label."""
    answers: tuple[str, ...]
    """What may be answered: ``yes`` and ``no``, or how long a yes holds, as :class:`Answer` has it, and ``no``."""
    door: str
    pid: int
    since: float
    until: float
    fields: tuple[Variable, ...] = ()
    """What is to be entered, of a question for values."""
    key: str = ""
    """The public key of whoever asks for values: what is entered is sealed with it."""
    ticket: str = ""
    """A digest of what opens the form of these values alone, without the page's cookie."""


@dataclass(frozen=True)
class Given:
    """An answer, where it was given (``page``), and when, in seconds since 1970; *sealed* is what was entered."""

    answer: str
    by: str
    at: float
    sealed: str = ""

    @property
    def as_answer(self) -> bool | Answer:
        """The answer as whoever asked has it."""
        return self.answer == YES if self.answer in (YES, NO) else Answer(self.answer)


class OpenQuestion:
    """A question that this process has put on the queue; :meth:`close` it in any case."""

    def __init__(self, folder: Path, question: Question, lock: HeldLock) -> None:
        self.question, self._folder, self._lock = question, folder, lock

    def given(self) -> Given | None:
        """Return the answer, once there is one."""
        return _given(self._folder, self.question)

    def close(self) -> Given | None:
        """Take the question off the queue, and return the answer where somebody had given one; safe to repeat.

        Afterwards nobody can answer any more, and whoever tries is told so.
        """
        try:
            with _changing(self._folder):
                given = self.given()
                _remove(self._folder, self.question.id)
        except OSError:
            given = self.given()  # the home is gone, or its disk is broken: the lock's end is the question's
        self._lock.release()
        return given


class ApprovalQueue:
    """The questions of one home, for a process that came through *door* (``chat``, ``mcp``, …)."""

    def __init__(self, home: Path, door: str = "library") -> None:
        self.folder, self._door = home / FOLDER, door

    def put(self, request: ApprovalRequest, seconds: float) -> OpenQuestion:
        """Ask *request* of whoever looks at the queue, for at most *seconds*. Raises OSError, and ValueError for one
        that is too long to be put there.
        """
        facts, answers = tuple(request.facts), answers_to(request.verb)
        question = Question(
            *(os.urandom(16).hex(), request.verb, request.name, request.version, request.question, facts, answers),
            *self.asker(seconds),
        )
        return self.place(question)

    def asker(self, seconds: float) -> tuple[str, int, float, float]:
        """Return the door, the process, the beginning and the end of a question that this process asks now."""
        now = time.time()
        return self._door, os.getpid(), now, now + seconds

    def place(self, question: Question) -> OpenQuestion:
        """Ask *question*; raises as :meth:`put` does."""
        text = json.dumps({"schema": 1, **asdict(question)}, ensure_ascii=False)
        if len(text) > MOST_CHARACTERS:
            raise ValueError(f"{question.name}: what is asked is longer than {MOST_CHARACTERS:,} characters")
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        keep_private(self.folder)
        with _changing(self.folder):
            _sweep(self.folder)
            lock = HeldLock(_path(self.folder, question.id, "lock"))
            try:
                write_atomically(_path(self.folder, question.id, "json"), text)
            except BaseException:  # a cancelled or failed question leaves nothing that others would answer
                _remove(self.folder, question.id)
                lock.release()
                raise
        return OpenQuestion(self.folder, question, lock)

    def open(self) -> list[Question]:
        """Return what is asked now and not answered yet, the oldest first; what is dead is removed."""
        found = [question for question in self._living() if not self._is_answered(question)]
        return sorted(found, key=lambda question: (question.since, question.id))[:MOST_OPEN]

    def get(self, identifier: str) -> Question | None:
        """Return the open question of this id."""
        question = self._read(identifier) if _ID.fullmatch(identifier) else None
        return None if question is None or self._is_answered(question) else question

    def answer(self, identifier: str, answer: str, by: str = "page", sealed: str = "") -> Ending:
        """Give *answer* to the question of this id, and return what became of it; *sealed* are the values entered.

        Raises ValueError for an answer that the question does not have, and OSError where it cannot be written.
        """
        with _changing(self.folder):
            question = self._read(identifier) if _ID.fullmatch(identifier) else None
            if question is None:
                return "gone"
            if answer not in question.answers or (answer == VALUES) is not bool(sealed):
                raise ValueError(f"{answer!r} is no answer to this")
            if self._is_answered(question):
                return "too late"
            given = json.dumps(asdict(Given(answer, by, time.time(), sealed)))
            write_atomically(_path(self.folder, identifier, "answer"), given)
        return "counted"

    def _living(self) -> Iterator[Question]:
        # The names of questions alone: a lock without one may be of a question that is being put there.
        try:
            names = os.listdir(self.folder)  # noqa: PTH208 # names
        except OSError:
            return
        for name in names:
            identifier, _, kind = name.partition(".")
            if kind == "json" and _ID.fullmatch(identifier) and (question := self._read(identifier)) is not None:
                yield question

    def _read(self, identifier: str) -> Question | None:
        if not is_held(_path(self.folder, identifier, "lock")):
            _remove(self.folder, identifier)
            return None
        try:
            question = _parsed(read_json(_path(self.folder, identifier, "json")))
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            return None  # not written yet, just taken away, or none that a page could show
        return question if question.id == identifier and time.time() < question.until else None

    def _is_answered(self, question: Question) -> bool:
        return _path(self.folder, question.id, "answer").exists()


def key_of(request: ApprovalRequest) -> str:
    """Return what two requests have in common that are the same to a person: a digest of all that is shown of them."""
    shown = [request.verb, request.question, *request.facts, request.suggested_by, str(request.by_itself)]
    return hashlib.sha256("\0".join(shown).encode(errors="surrogatepass")).hexdigest()


def _parsed(data: dict[str, Any]) -> Question:
    """Return the question in *data*. Raises one of several errors for what is none: another program wrote it."""
    texts = [data[name] for name in ("id", "verb", "name", "version", "question", "door")] + [*data["facts"]]
    texts += [data.get(name, "") for name in ("key", "ticket")]
    answers = tuple(data["answers"])
    since, until = float(data["since"]), float(data["until"])
    for at in (since, until):
        datetime.fromtimestamp(at, UTC)  # raises for what no clock shows
    if not all(isinstance(text, str) for text in texts) or answers != answers_to(data["verb"]):
        raise ValueError("that is no question")
    told = {"facts": tuple(data["facts"]), "answers": answers, "pid": int(data["pid"]), "since": since, "until": until}
    told["fields"] = tuple(_field(each) for each in data.get("fields", ()))
    del data["schema"]
    return Question(**data | told)


def _field(data: dict[str, Any]) -> Variable:
    """Return the variable in *data*. Raises one of several errors for what is none."""
    field = Variable(**{**data, "choices": tuple(data["choices"])})
    texts = (field.name, field.description, field.default or "", field.format, *field.choices)
    if not field.name or not all(isinstance(text, str) for text in texts):
        raise ValueError("that is no variable")
    return field


def answers_to(verb: str) -> tuple[str, ...]:
    """Return what may be answered to a question about *verb*."""
    return _ANSWERS.get(verb, (YES, NO))


def _given(folder: Path, question: Question) -> Given | None:
    try:
        told = read_json(_path(folder, question.id, "answer"))
        given = Given(told["answer"], str(told["by"]), float(told["at"]), str(told.get("sealed", "")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return given if given.answer in question.answers else None


@contextlib.contextmanager
def _changing(folder: Path) -> Iterator[None]:
    """Be the only process that answers or takes away questions. Raises OSError."""
    from filelock import FileLock

    if not folder.is_dir():  # nothing was ever asked here
        yield
        return
    with FileLock(folder / "changing.lock", timeout=LOCK_SECONDS, mode=0o600):
        yield


def _sweep(folder: Path) -> None:
    """Remove what processes have left that were killed: nobody holds the lock of such a question."""
    for path in folder.glob("*.lock"):
        if _ID.fullmatch(path.stem) and not is_held(path):
            _remove(folder, path.stem)


def _remove(folder: Path, identifier: str) -> None:
    """Remove the files of a question, the question itself first."""
    for kind in ("json", "answer", "lock"):
        with contextlib.suppress(OSError):
            _path(folder, identifier, kind).unlink(missing_ok=True)


def _path(folder: Path, identifier: str, kind: str) -> Path:
    return folder / f"{identifier}.{kind}"
