"""What the pages on frameworks say can be checked without the frameworks; with them, ``evals.frameworks`` runs it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evals.anthropic_stand_in import AnthropicStandIn
from evals.frameworks import FRAMEWORKS, PAGES, SAY_WHAT_CAME, Framework, Held, scripted
from tests.test_docs import ROOT, packages_not_here

EACH = pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda framework: framework.page)


@EACH
def test_a_page_says_what_to_install_and_has_a_program_that_compiles(framework: Framework) -> None:
    assert framework.requirements
    assert any(each.partition("[")[0] in {framework.package, str(ROOT)} for each in framework.requirements)
    compile(framework.snippet, framework.page, "exec")
    for said in ("mcp-server-time", "Tokyo"):
        assert said in framework.snippet


@EACH
def test_a_program_asks_a_person_or_lets_one_agree_beforehand(framework: Framework) -> None:
    if '"--allow-installs"' in framework.snippet:
        assert "input(" in framework.snippet, "who agrees beforehand must be asked by the framework"
        assert "**Never leave" in framework.text
    else:
        assert "input(" in framework.snippet or "approve_everything" in framework.snippet


def test_the_table_has_a_row_for_each_page() -> None:
    text = (PAGES / "frameworks.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| [")]
    assert [row.partition("](")[2].partition(".md")[0] for row in rows] == [each.page for each in FRAMEWORKS]
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in [*(each.page for each in FRAMEWORKS), "frameworks"]:
        assert f"integrations/{page}.md" in nav


def test_a_row_says_why_a_conversation_was_not_held() -> None:
    row = Held(FRAMEWORKS[0], "1.2", "", 3.0, "exit code 1").row()
    assert "no: exit code 1" in row
    assert "1.2" in row


def test_what_a_program_needs_and_is_not_here_is_known() -> None:
    program = (
        "import json\nimport no_such_package.part\nfrom another_that_is_not import x\n"
        "import google.nothing\nfrom mcp import Client\n"
    )
    assert packages_not_here(program) == {"no_such_package.part", "another_that_is_not", "google.nothing"}


@pytest.mark.parametrize("streamed", [False, True])
def test_the_stand_in_for_anthropic_is_understood_by_the_official_sdk(streamed: bool) -> None:
    import anthropic

    with AnthropicStandIn(scripted([[("install", {"x": 1})], SAY_WHAT_CAME], "p__")).serving() as server:
        client = anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0)
        tool: Any = {"name": "p__install", "description": "d", "input_schema": {"type": "object"}}
        asked: Any = {"model": "m", "max_tokens": 9, "tools": [tool], "messages": [{"role": "user", "content": "go"}]}
        seen = []
        for _ in range(2):
            if streamed:
                with client.messages.stream(**asked) as stream:
                    seen.append(stream.get_final_message())
            else:
                seen.append(client.messages.create(**asked))
        client.close()
    (use,), (text,) = (message.content for message in seen)
    assert use.type == "tool_use"
    assert (use.name, use.input) == ("p__install", {"x": 1})
    assert text.type == "text"
    assert json.loads(text.text) == asked["messages"][0]
