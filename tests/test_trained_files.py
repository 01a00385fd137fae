"""What the trainers write is what the package reads."""

from __future__ import annotations

from dynamic_plugins.embedded.actions.action_ranker import WEIGHTS
from evals import train_actions, train_arbiter, train_intents, train_questions


def test_each_trainer_writes_the_file_that_ships() -> None:
    written = [train_actions.TREES, WEIGHTS, train_arbiter.TREES, train_questions.TARGET]
    written += [train_intents.PACKAGE / f"{name}.model" for name in ("message_act", "mood", "plugin_intent")]
    assert [path for path in written if not path.is_file()] == []
