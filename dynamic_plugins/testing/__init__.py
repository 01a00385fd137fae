"""A pytest plugin: conversations held against a cassette, so that tests of an agent need no model and no network.

::

    async def test_it_finds_the_clock(recorded_conversation):
        async with recorded_conversation(registries=["tests/registry.json"]) as talk:
            turn = await talk.say("which plugin can tell me the time?")
        assert [call.tool for call in turn.calls] == ["list_available_plugins"]

``pytest --record-conversations`` asks a model and keeps what it answers in ``cassettes/<module>/<test>.yaml``; without
the option the answers come from there, the test fails when a request is not in the cassette or an answer is left over,
and nothing reaches the network. It is there once the package is installed; it needs the extra ``testing``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from dynamic_plugins.testing.conversation_recorder import OpenConversation
    from dynamic_plugins.testing.model_recorder import RecordedModel

# Everything else is imported by the fixtures: this module is read at the start of every pytest run.

_FIXTURE = "recorded_model"
_PASSED = pytest.StashKey[bool]()
_MARK = "cassette(name): the cassette's name, in place of the test's"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("dynamic-plugins", "recorded conversations")
    group.addoption(
        "--record-conversations",
        action="store_true",
        help="ask the model and record its answers anew (without this they come from the cassettes)",
    )
    group.addoption("--record-model", metavar="NAME", help="record this model (default: DYNAMIC_PLUGINS_MODEL)")
    group.addoption(
        "--record-base-url",
        metavar="URL",
        help="record this OpenAI-compatible endpoint (default: OPENAI_BASE_URL, else the embedded model)",
    )
    parser.addini("cassettes", "the folder of the cassettes, from the root folder", default="cassettes")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARK)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Note which tests have cassettes, so that no two have the same one."""
    recorded = [item for item in items if _FIXTURE in getattr(item, "fixturenames", ())]
    if recorded:
        from dynamic_plugins.testing.cassette_paths import remember

        remember(recorded)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether the test passed: a test that failed has not used its whole cassette, nor recorded one."""
    report = yield
    if call.when == "call":
        item.stash[_PASSED] = report.passed
    return report


@pytest.fixture
def recorded_model(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RecordedModel]:
    """A model behind a cassette, for an agent of your own: give your client its ``base_url``, ``api_key``, ``name``."""
    from dynamic_plugins.testing.cassette_paths import own_path
    from dynamic_plugins.testing.model_recorder import RecordedModel

    config = request.config
    model = RecordedModel(
        own_path(request.node),
        recording=bool(config.getoption("record_conversations")),
        model=config.getoption("record_model"),
        base_url=config.getoption("record_base_url"),
        scratch=tmp_path,
    )
    model.hide(str(config.rootpath), "<root>")
    with model.running(passed=lambda: request.node.stash.get(_PASSED, False)):
        yield model


@pytest.fixture
def recorded_conversation(recorded_model: RecordedModel, tmp_path: Path) -> OpenConversation:
    """Opens a conversation with the plugins of a registry: ``async with recorded_conversation(…) as talk``.

    The arguments are those of :class:`dynamic_plugins.testing.conversation_recorder.OpenConversation`.
    """
    from dynamic_plugins.testing.conversation_recorder import OpenConversation

    return OpenConversation(recorded_model, tmp_path / "home")
