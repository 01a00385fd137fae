"""A conversation in a test: what is said, what comes of it, and what the person was asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dynamic_plugins.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dynamic_plugins.app import App
    from dynamic_plugins.approval import ApprovalRequest, AskValues
    from dynamic_plugins.chat.conversation import Conversation
    from dynamic_plugins.chat.turn import Turn
    from dynamic_plugins.testing.model_recorder import RecordedModel

Agree = Callable[["ApprovalRequest"], bool]


@dataclass
class Talk:
    """One conversation. *app* has the plugins, *asked* what the person was asked to agree to.

    *cassette* is the file that it is recorded in, or replayed from.
    """

    app: App
    conversation: Conversation
    cassette: Path
    asked: list[ApprovalRequest] = field(default_factory=list)

    async def say(self, text: str, on_text: Callable[[str], None] | None = None) -> Turn:
        """Say *text* and return the turn: ``reply``, and ``calls`` with ``tool``, ``arguments``, ``result``.

        With *on_text* the answer is streamed: it is called with each piece.
        """
        from dynamic_plugins.chat.turn import Watch

        return await self.conversation.respond(text, Watch(on_text=on_text))

    def status(self) -> dict[str, str]:
        """Return the installed plugins' statuses by name."""
        return {info.name: str(info.status) for info in self.app.service.status()}


class OpenConversation:
    """Opens conversations in a test's own home; called as a function."""

    def __init__(self, model: RecordedModel, home: Path) -> None:
        self._model, self._home = model, home

    @asynccontextmanager
    async def __call__(
        self,
        *,
        registries: Sequence[str | Path] = (),
        agree: Agree | bool = True,
        ask_values: AskValues | None = None,
        passphrase: str | None = "only for tests",  # noqa: S107 - of a file that goes with the test
    ) -> AsyncIterator[Talk]:
        """Give a :class:`Talk`.

        *registries* are files or addresses (default: the bundled one, without a network). *agree* says what the person
        answers when asked for consent: True, False, or a function of the request. *ask_values* answers for a person
        who is asked for a plugin's values; *passphrase* opens the file that pasted secrets are kept in.
        """
        from dynamic_plugins.app import App

        places = tuple(str(each) for each in registries)
        self._model.hide(str(self._home), "<home>")
        for number, place in enumerate(places):
            self._model.hide(place, f"<registry {number + 1}>")
        told = Settings.from_environment(home=self._home, registries=places)
        settings = Settings(
            home=told.home,
            registries=places,
            model=self._model.settings(told.home, places),
            passphrase=passphrase,
            environment=told.environment,
        )
        asked: list[ApprovalRequest] = []

        async def approve(request: ApprovalRequest) -> bool:
            asked.append(request)
            return agree(request) if callable(agree) else agree

        async with App(settings, approve=approve, ask_values=ask_values) as app:
            yield Talk(app, app.conversation(), self._model.path, asked)
