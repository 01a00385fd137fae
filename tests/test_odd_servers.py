"""What is odd in a server costs only itself, and is named: its lists, schemas, names, versions and results."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest
from mcp.client.session import _later_revision_fields
from mcp_types.methods import SERVER_RESULTS
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from dynamic_plugins.core.argument_validation import check_arguments
from dynamic_plugins.core.schema_repair import repaired
from dynamic_plugins.errors import ActionError, BadArgumentsError, LoadError, PluginTimeoutError
from dynamic_plugins.workers import discovery
from dynamic_plugins.workers.handshake_client import _LATER_FIELDS
from tests.loading import PLUGINS, call, children, component, connected, loader, server, until

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from dynamic_plugins.install.installation import Installation
    from dynamic_plugins.workers.connection import WorkerConnection


def odd(path: Path, **answers: Any) -> Installation:
    """Return a server that gives *answers*; without tools of theirs it has one, ``fine``."""
    answers = {name.replace("__", "/"): value for name, value in answers.items()}
    answers.setdefault("tools/list", {"tools": [tool("fine")]})
    (path / "answers.json").write_text(json.dumps(answers))
    return server(path, sys.executable, str(PLUGINS / "servers" / "odd.py"), str(path / "answers.json"), name="odd")


def tool(name: Any, schema: Any = None) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object"} if schema is None else schema}


def odd_tools(path: Path, answers: Iterable[Any]) -> Installation:
    """Return a server with a tool for each of *answers*, ``t0`` and on, which is called with it."""
    calls = {f"t{number}": answer for number, answer in enumerate(answers)}
    return odd(path, tools__list={"tools": [tool(name) for name in calls]}, calls=calls)


def names(connection: WorkerConnection) -> list[str]:
    return [each.name for each in connection.offers.components]


# ------------------------------------------------------------------------------------------- names and lists


async def test_an_odd_name_is_mapped_and_called_by_its_own(tmp_path: Path) -> None:
    said = ["fine", "Create A Share", "db:query", "查询", "x" * 140, "a b", "a_b", "prompt:me"]
    prompts = {"prompts": [{"name": "Review my code"}]}
    can: dict[str, Any] = {"capabilities": {"tools": {}, "prompts": {}}}
    installation = odd(
        tmp_path, tools__list={"tools": [tool(each) for each in said]}, prompts__list=prompts, initialize=can
    )
    async with connected(installation) as connection:
        offered = names(connection)
        assert offered[:3] == ["fine", "Create_A_Share", "db_query"]
        assert offered[-1] == "prompt_Review_my_code"
        assert len(set(offered)) == len(said) + 1
        for name, own in zip(offered, said, strict=False):
            assert await call(connection, name, q=1) == [own, {"q": 1}]


async def test_what_is_there_twice_counts_once_and_is_named(tmp_path: Path) -> None:
    async with connected(odd(tmp_path, tools__list={"tools": [tool("a"), tool("a"), tool("b")]})) as connection:
        assert names(connection) == ["a", "b"]
        assert connection.offers.left_out == ("'a' is there more than once; the first one counts",)


async def test_a_tool_that_cannot_be_read_is_left_out_alone_and_named(tmp_path: Path) -> None:
    log: list[str] = []
    tools = [tool("fine"), tool("text", {"type": "string"}), tool(5), "nothing", tool("deep", nested(80))]
    async with connected(odd(tmp_path, tools__list={"tools": tools}), loader(log=log)) as connection:
        assert names(connection) == ["fine"]
        assert len(connection.offers.left_out) == 4
        told = " ".join(log)
    assert all(name in told for name in ("'text'", "number 3", "number 4", "'deep'"))


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


async def test_a_server_all_of_whose_tools_are_left_out_says_why(tmp_path: Path) -> None:
    installation = odd(tmp_path, tools__list={"tools": [tool("text", {"type": "string"})]})
    with pytest.raises(LoadError, match=r"offers nothing that can be called: tools: 'text' is left out"):
        await loader().connect(installation, {})


async def test_a_server_that_offers_nothing_says_it_in_its_own_words(tmp_path: Path) -> None:
    installation = odd(tmp_path, tools__list={"tools": []}, says="No services configured, set URL\n")
    with pytest.raises(LoadError, match="offers nothing that can be called: No services configured"):
        await loader().connect(installation, {})


@pytest.mark.parametrize(
    "capabilities", [{}, None, {"tools": None}, {"tools": True}, {"logging": {}}, {"tools": {"listChanged": None}}]
)
async def test_tools_are_asked_for_whatever_a_server_forgets_to_say(capabilities: Any, tmp_path: Path) -> None:
    async with connected(odd(tmp_path, initialize={"capabilities": capabilities})) as connection:
        assert await call(connection, "fine") == ["fine", {}]


async def test_a_list_that_is_advertised_and_missing_costs_only_itself(tmp_path: Path) -> None:
    can: dict[str, Any] = {"capabilities": {"tools": {}, "resources": {}, "prompts": {}}}
    prompts = {"review": {"arguments": {"code": {"required": True}}}, "tell": {"arguments": ["topic"]}}
    async with connected(odd(tmp_path, initialize=can, prompts__list={"prompts": prompts})) as connection:
        assert names(connection) == ["fine", "prompt_review", "prompt_tell"]
        assert (component(connection, "prompt_review").parameters or {})["required"] == ["code"]
        assert connection.offers.left_out == ("its resources cannot be listed: Method not found",)


async def test_pages_that_go_round_are_read_once(tmp_path: Path) -> None:
    pages = [{"tools": [tool(f"t{number}")]} for number in range(60)]
    async with connected(odd(tmp_path, tools__list=pages)) as connection:
        assert len(names(connection)) == 60
        assert "its list begins anew" in " ".join(connection.offers.left_out)


async def test_of_a_server_with_templates_alone_a_resource_is_read_by_its_address(tmp_path: Path) -> None:
    templates = {
        "resourceTemplates": [{"uriTemplate": "notes://{day}", "name": "day", "description": "Notes of a day"}]
    }
    installation = odd(
        tmp_path,
        initialize={"capabilities": {"resources": {}}},
        tools__list={"tools": []},
        resources__list={"resources": []},
        resources__templates__list=templates,
        resources__read={"contents": [{"uri": "notes://monday", "text": "Tea with Ada"}]},
    )
    async with connected(installation) as connection:
        assert await call(connection, "read_resource", uri="notes://monday") == "Tea with Ada"


@pytest.mark.parametrize(
    "calls", [{"tools__list": {"error": {"message": "Method not found"}}}, {}], ids=["tools", "one"]
)
async def test_prompts_of_like_names_are_all_there_whatever_its_tools_do(calls: dict[str, Any], tmp_path: Path) -> None:
    prompts = {"prompts": [{"name": name} for name in ("a b", "a_b", "x" * 140, "x" * 141, "a b")]}
    can: dict[str, Any] = {"capabilities": {"tools": {}, "prompts": {}}}
    async with connected(odd(tmp_path, initialize=can, prompts__list=prompts, **calls)) as connection:
        found = [name for name in names(connection) if name.startswith("prompt_")]
        assert found[1] == "prompt_a_b"
        assert len(set(found)) == 4
        told = " ".join(connection.offers.left_out)
    assert ("its tools cannot be listed: Method not found" in told) is bool(calls)
    assert "is there more than once" in told


async def test_a_list_that_nobody_answers_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "LIST_SECONDS", 0.2)
    can: dict[str, Any] = {"capabilities": {"tools": {}, "resources": {}, "prompts": {}}}
    installation = odd(tmp_path, initialize=can, silent=["prompts/list"], resources__list={"resources": []})
    async with connected(installation) as connection:
        assert await call(connection, "fine") == ["fine", {}]
        assert connection.offers.left_out == ("its prompts cannot be listed: it did not answer within 0.2 s",)


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ({"tools": [{"name": "fine"}], "nextCursor": 7}, "breaks off after 1: Invalid cursor"),
        ({"tools": [{"name": "fine"}], "nextCursor": "b"}, "breaks off after 1: Invalid cursor"),
        ({"tools": [{"name": "fine"}], "nextCursor": ["b"]}, r'the next page is left out: it is named by \["b"\]'),
        ([{"name": "fine"}], None),
        ({"tools": [{"type": "function", "function": {"name": "fine", "parameters": {"type": "object"}}}]}, None),
    ],
    ids=["number", "text", "list", "a bare list", "as for OpenAI"],
)
async def test_of_a_list_that_is_odd_what_can_be_read_is_there(page: Any, told: str | None, tmp_path: Path) -> None:
    installation = odd(tmp_path, tools__list=page, bare=True, breaks=["tools/list"])
    async with connected(installation) as connection:
        assert await call(connection, "fine") == ["fine", {}]
        assert re.search(told or "^$", " ".join(connection.offers.left_out))


async def test_a_server_that_changes_whenever_it_is_asked_is_asked_less_and_less(tmp_path: Path) -> None:
    log: list[str] = []
    tools = {"tools": [tool("fine"), tool("fine")]}  # each time that they are listed, a sentence is logged
    installation = odd(tmp_path, tools__list=tools, changes=["tools/list"])
    async with connected(installation, loader(log=log)) as connection:
        await until(lambda: len(log) > 2)
        assert await call(connection, "fine") == ["fine", {}]
        assert len(log) < 6


async def test_a_list_that_is_too_long_is_named_with_the_setting(tmp_path: Path) -> None:
    tools = [tool(f"t{number}", {"type": "object", "description": "y" * 900}) for number in range(100)]
    with pytest.raises(LoadError, match=r"its list of tools was too long .* DYNAMIC_PLUGINS_RESULT_KB"):
        await loader(result_bytes=50_000).connect(odd(tmp_path, tools__list={"tools": tools}), {})


# ------------------------------------------------------------------------------------------- schemas

ODD_SCHEMAS: dict[str, Any] = {
    "required_true": {"type": "object", "properties": {"q": {"type": "string", "required": True}}},
    "required_null": {"type": "object", "properties": {"o": {"type": "object", "required": None}}},
    "enum_null": {"type": "object", "properties": {"o": {"type": "string", "enum": None}}},
    "items_null": {"type": "object", "properties": {"o": {"type": "array", "items": None}}},
    "type_any": {"type": "object", "properties": {"q": {"type": "any"}}},
    "type_names": {"type": "OBJECT", "properties": {"q": {"type": ["STRING", "none"]}, "n": "int"}},
    "php": {"type": "object", "properties": [], "required": []},
    "true": {"type": "object", "properties": {"q": True}},
    "marker": {"$schema": "http://json-schema.org/draft-07/schema#"},
    "union": {"anyOf": [{"type": "object", "properties": {"a": {"type": "string"}}}]},
    "bounds": {"type": "object", "properties": {"n": {"type": "number", "minimum": "1", "multipleOf": 0}}},
    "elsewhere": {"type": "object", "properties": {"n": {"$ref": "https://example.com/schema.json"}}},
    "none": None,
    "anything": True,
    "written twice": '{"type": "object", "properties": {"q": {"type": "string"}}}',
    "among them": {"type": "object", "properties": {"q": {"type": "string"}, "required": ["q", "z"]}},
}


async def test_odd_schemas_are_mended_and_their_tools_called(tmp_path: Path) -> None:
    tools = [{"name": name, "inputSchema": schema} for name, schema in ODD_SCHEMAS.items()] + [{"name": "no_schema"}]
    async with connected(odd(tmp_path, tools__list={"tools": tools})) as connection:
        assert names(connection) == [*(name.replace(" ", "_") for name in ODD_SCHEMAS), "no_schema"]
        assert (component(connection, "among_them").parameters or {})["required"] == ["q"]
        assert (component(connection, "written_twice").parameters or {})["properties"].keys() == {"q"}
        for name in names(connection)[:-4]:
            parameters = component(connection, name).parameters
            assert parameters is not None
            assert parameters["type"] == "object"
            assert await call(connection, name) == [name, {}]
        assert component(connection, "required_true").parameters == {
            "type": "object",
            "properties": {"q": {"type": "string"}},
            "required": ["q"],
        }


def takes(schema: dict[str, Any], **arguments: Any) -> bool:
    """Whether *schema*, put right, has nothing against *arguments*."""
    mended = repaired(schema)
    assert isinstance(mended, dict)
    try:
        check_arguments("go", arguments, mended)
    except BadArgumentsError:
        return False
    return True


@pytest.mark.parametrize("draft", [{}, {"$schema": "http://json-schema.org/draft-04/schema#"}], ids=["", "draft 4"])
def test_the_bounds_of_draft_4_hold(draft: dict[str, Any]) -> None:
    n = {"type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 9, "exclusiveMaximum": False}
    schema = {**draft, "type": "object", "properties": {"n": n}}
    assert takes(schema, n=1)
    assert takes(schema, n=0.5)
    assert takes(schema, n=9)
    assert not takes(schema, n=0)
    assert not takes(schema, n=10)


@pytest.mark.parametrize(
    "shape",
    [{"type": "string"}, {"enum": ["a"]}, {"anyOf": [{"type": "string"}]}, {"$ref": "#/$defs/text"}],
    ids=["type", "enum", "any of", "reference"],
)
def test_what_is_nullable_may_be_null(shape: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"a": {**shape, "nullable": True}}, "$defs": {"text": {"type": "string"}}}
    assert takes(schema, a=None)
    assert takes(schema, a="a")
    assert not takes(schema, a=5)


def test_a_reference_to_nothing_is_left_to_the_server_and_the_rest_is_checked() -> None:
    pet = {"$ref": "#/components/schemas/Pet"}
    schema = {"type": "object", "properties": {"pet": pet, "n": {"type": "integer"}, "m": {"$ref": "#/$defs/m"}}}
    schema["$defs"] = {"m": {"type": "integer"}}
    assert takes(schema, pet={"name": "Rex"}, n=1)
    assert not takes(schema, pet={"name": "Rex"}, n="one")
    assert not takes(schema, m="one")


def test_what_a_schema_calls_itself_changes_nothing() -> None:
    a = {"$id": "https://example.com/a.json", "$ref": "#/$defs/A"}
    b = {"$ref": "https://example.com/whole.json#/$defs/A"}
    whole = {"$id": "https://example.com/whole.json", "$defs": {"A": {"type": "integer"}}}
    schema = {**whole, "type": "object", "properties": {"a": a, "b": b}}
    assert takes(schema, a=1, b=1)
    assert not takes(schema, a="one")
    assert not takes(schema, b="one")


@pytest.mark.parametrize("draft", [{}, {"$schema": "http://json-schema.org/draft-07/schema#"}], ids=["", "draft 7"])
def test_a_list_with_a_schema_for_each_place_is_checked(draft: dict[str, Any]) -> None:
    pair = {"type": "array", "items": [{"type": "string"}, {"type": "integer"}], "additionalItems": False}
    schema = {**draft, "type": "object", "properties": {"a": pair}}
    assert takes(schema, a=["x", 1])
    assert not takes(schema, a=[1, "x"])
    assert not takes(schema, a=["x", 1, 2])


# ------------------------------------------------------------------------------------------- messages


@pytest.mark.parametrize(
    "form",
    [
        {"written": "[%s]"},
        {"written": '{"level": "info", "id": 1} %s'},
        {"written": "[INFO] handled %s in 3 ms"},
        {"written": "\x1b[32m%s\x1b[0m"},
        {"written": '%s{"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": 1}}'},
        {"written": "%s\r\n%s\r"},
        {"written": "Content-Length: 100\r\n\r\n%s"},
        {"indent": 2},
        {"members": {"jsonrpc": None}},
        {"members": {"jsonrpc": "1.0"}},
        {"members": {"jsonrpc": 2.0, "error": False}},
    ],
    ids=str,
)
async def test_a_message_is_found_however_it_is_written(form: dict[str, Any], tmp_path: Path) -> None:
    async with connected(odd(tmp_path, **form), loader(start=10, call=10)) as connection:
        assert await call(connection, "fine") == ["fine", {}]


async def test_what_lies_within_a_message_that_is_cut_is_no_message(tmp_path: Path) -> None:
    cut = '{"jsonrpc": "2.0", "id": %s, "result": {"content": [], "x": {"jsonrpc": "2.0", "id": %s, "result": {}}'
    async with connected(odd(tmp_path, calls={"fine": {"verbatim": cut}}), loader(call=10)) as connection:
        with pytest.raises(ActionError, match="the answer cannot be read"):
            await call(connection, "fine")


ANSWERS: list[tuple[str, Any]] = [
    ('{"jsonrpc": "2.0", "id": %s, "result": {"content": [{"type": "text", "text": "caf\xe9\t!"}]}}', "caf\ufffd\t!"),
    ('{"jsonrpc": "2.0", "id": %s.0, "result": "hello"}', "hello"),
    ('{"jsonrpc": "2.0", "id": %s, "result": [{"type": "text", "text": "hello"}]}', "hello"),
    ('{"jsonrpc": "2.0", "id": "%s", "result": [{"a": 2}]}', [{"a": 2}]),
    ('{"jsonrpc": "2.0", "id": %s, "result": null}', ""),
    ('{"jsonrpc": "2.0", "id": %s, "result": {"content": [{"text": "hello"}], "_meta": "x"}}', "hello"),
]


async def test_an_answer_is_read_as_far_as_it_can_be(tmp_path: Path) -> None:
    installation = odd_tools(tmp_path, ({"verbatim": answer} for answer, _ in ANSWERS))
    async with connected(installation, loader(call=10)) as connection:
        for number, (answer, value) in enumerate(ANSWERS):
            assert await call(connection, f"t{number}") == value, answer


@pytest.mark.parametrize("before", ["\ufeff", "Welcome! ", "\ufeffReady: "])
async def test_what_stands_before_the_first_message_is_passed_over(before: str, tmp_path: Path) -> None:
    async with connected(odd(tmp_path, before=before), loader(start=10)) as connection:
        assert await call(connection, "fine") == ["fine", {}]


@pytest.mark.parametrize("version", ["2025-06-18", "2025-03-26", "2024-11-05"])
async def test_a_server_is_asked_in_the_version_that_it_knows(version: str, tmp_path: Path) -> None:
    async with connected(odd(tmp_path, only=version)) as connection:
        assert await call(connection, "fine") == ["fine", {}]


@pytest.mark.parametrize("version", ["2024-10-07", "2025-05-01", None, 20241105])
async def test_a_version_between_those_that_are_known_is_the_older(version: Any, tmp_path: Path) -> None:
    async with connected(odd(tmp_path, initialize={"protocolVersion": version})) as connection:
        assert await call(connection, "fine") == ["fine", {}]


async def test_of_versions_that_do_not_meet_both_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        LoadError, match=r"Unsupported protocol version 2024-11-05 \(offered: 2025-11-25, .*2024-11-05\)"
    ):
        await loader().connect(odd(tmp_path, only="2023-01-01"), {})
    with pytest.raises(LoadError, match=r"2127-01-01 \(known: 2024-11-05, .*2025-11-25\)"):
        await loader().connect(odd(tmp_path, initialize={"protocolVersion": "2127-01-01"}), {})


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"error": {"code": "E_QUOTA", "message": "no more today"}}, r"no more today \(E_QUOTA\)"),
    ({"error": "no more today"}, "no more today"),
    ({"error": {"code": -32000}}, "."),
    ({"error": {"code": -32000, "message": "no more today"}}, "failed: no more today"),
    ({"error": {"code": -32001, "message": "no more today"}}, "failed: no more today"),
    ({"error": {"message": "no more today"}}, "no more today"),
    ({"verbatim": '{"jsonrpc": "2.0", "id": null, "error": {"code": 1, "message": "no more today"}}'}, "no more today"),
    ({"verbatim": '{"jsonrpc": "2.0", "error": {"message": "no more today"}}'}, "no more today"),
    ({"verbatim": '{"id": %s, "result": null, "error": "no more today"}'}, "no more today"),
]


async def test_an_error_of_any_form_keeps_its_words(tmp_path: Path) -> None:
    installation = odd_tools(tmp_path, (error for error, _ in ERRORS))
    async with connected(installation, loader(call=10)) as connection:
        for number, (_, told) in enumerate(ERRORS):
            with pytest.raises(ActionError, match=told):
                await call(connection, f"t{number}")


async def test_who_tells_of_progress_gets_more_time(tmp_path: Path) -> None:
    tools = {"tools": [tool("works"), tool("fine")]}
    async with connected(odd(tmp_path, tools__list=tools), loader(call=1)) as connection:
        assert await call(connection, "works") == ["works", {}]
    async with connected(odd(tmp_path, tools__list=tools), loader(call=0.1)) as connection:
        with pytest.raises(PluginTimeoutError):
            await call(connection, "works")


async def test_progress_counts_however_it_is_told(tmp_path: Path) -> None:
    async def works(name: str, told: dict[str, Any]) -> Any:
        (folder := tmp_path / name).mkdir()
        installation = odd(folder, tools__list={"tools": [tool("works")]}, progress=told)
        connection: Any = await loader(call=1).connect(installation, {})
        try:
            return await call(connection, "works")
        finally:
            await connection.close()

    forms: list[dict[str, Any]] = [{"progress": "50%"}, {"total": "all"}, {"progress": None, "message": {"a": 1}}]
    done = await asyncio.gather(*(works(f"form{number}", told) for number, told in enumerate(forms)))
    assert done == [["works", {}]] * 3
    assert children() == []


async def test_what_is_logged_oddly_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log: list[str] = []
    notices = [{"params": {"level": level, "data": f"said {level}"}} for level in ("WARN", None, 5)]
    installation = odd(tmp_path, notices=[*notices, {}, {"params": {"message": "said so"}}])
    async with connected(installation, loader(log=log)) as connection:
        assert await call(connection, "fine") == ["fine", {}]
        assert all(any(f"said {level}" in line for line in log) for level in ("WARN", None, 5, "so"))
    assert "Traceback" not in caplog.text


# ------------------------------------------------------------------------------------------- results

PICTURE = {"type": "image", "data": "aGk=", "mimeType": "image/png"}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


RESULTS: list[tuple[str, dict[str, Any], Any]] = [
    (
        "beside",
        {"content": [text("line one")], "structuredContent": {"file": "a.txt"}},
        ["line one", {"file": "a.txt"}],
    ),
    ("empty", {"content": [text("42 rows")], "structuredContent": {}}, "42 rows"),
    (
        "picture",
        {"content": [text("hello"), PICTURE], "structuredContent": {"ok": True}},
        ["hello", {"type": "image", "mime": "image/png", "bytes": 2}, {"ok": True}],
    ),
    ("same", {"content": [text('{"a": 1}')], "structuredContent": {"a": 1}}, {"a": 1}),
    ("same text", {"content": [text("hello")], "structuredContent": {"result": "hello"}}, "hello"),
    ("within", {"content": [text("hello")], "structuredContent": {"said": "hello"}}, {"said": "hello"}),
    ("json", {"content": [], "structuredContent": {"result": '{"a": [1]}'}}, {"a": [1]}),
    (  # as the official SDK writes a list: a block for each item
        "a list",
        {"content": [text('{"a": 1}'), text("2")], "structuredContent": {"result": [{"a": 1}, 2]}},
        [{"a": 1}, 2],
    ),
    (
        "lines",
        {"content": [text('{"a": 1}\n{"a": 2}')], "structuredContent": {"items": [{"a": 1}, {"a": 2}]}},
        {"items": [{"a": 1}, {"a": 2}]},
    ),
    ("fenced", {"content": [text('```json\n{"a": 1}\n```')], "structuredContent": {"a": 1}}, {"a": 1}),
    ("as Python", {"content": [text("{'a': None}")], "structuredContent": {"a": None}}, {"a": None}),
    ("one value", {"content": [text("42")], "structuredContent": {"count": 42}}, {"count": 42}),
    ("one of several", {"content": [text("1")], "structuredContent": {"rows": [1, 2]}}, ["1", {"rows": [1, 2]}]),
    (
        "a file",
        {
            "content": [{"type": "resource", "resource": {"uri": "a://b", "text": "all"}}],
            "structuredContent": {"text": "all"},
        },
        {"text": "all"},
    ),
    ("json in a text", {"content": [text('{"result": "[1]"}')]}, {"result": [1]}),
    ("list", {"content": [], "structuredContent": [1, 2]}, [1, 2]),
    (
        "not numbers",
        {"content": [], "structuredContent": {"a": float("nan"), "b": [float("-inf")]}},
        {"a": "NaN", "b": ["-Infinity"]},
    ),
    ("no content", {"structuredContent": {"a": 1}}, {"a": 1}),
    ("nothing", {}, ""),
    ("older", {"toolResult": {"a": 1}}, {"toolResult": {"a": 1}}),
    ("words", {"content": "hello"}, "hello"),
    ("one block", {"content": text("hello")}, "hello"),
    ("bare words", {"content": ["hello", "there"]}, "hello\nthere"),
    ("unknown", {"content": [{"type": "table", "rows": [1]}]}, {"type": "table", "rows": [1]}),
    ("untyped", {"content": [{"text": "hello"}]}, "hello"),
    (
        "pictures as models' APIs have them",
        {
            "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
                {"type": "IMAGE", "data": "aGk="},
            ]
        },
        [{"type": "image", "mime": "image/png", "bytes": 2}] * 3,
    ),
    (
        "a link",
        {"content": [{"type": "resource_link", "uri": "a://b"}]},
        {"type": "link", "uri": "a://b", "name": "a://b"},
    ),
    (
        "null text",
        {"content": [text("hello"), {"type": "text", "text": None}]},
        'hello\n{"type": "text", "text": null}',
    ),
]


async def test_a_result_is_taken_as_it_is(tmp_path: Path) -> None:
    async with connected(odd_tools(tmp_path, (result for _, result, _ in RESULTS))) as connection:
        for number, (name, _, value) in enumerate(RESULTS):
            assert await call(connection, f"t{number}") == value, name


async def test_of_a_failure_its_details_are_told_with_its_words(tmp_path: Path) -> None:
    failed = {
        "isError": True,
        "content": [text("build failed")],
        "structuredContent": {"line": 121, "message": "missing ;"},
    }
    async with connected(odd(tmp_path, calls={"fine": failed})) as connection:
        with pytest.raises(ActionError, match=r'build failed \{"line": 121, "message": "missing ;"\}'):
            await call(connection, "fine")


FAILURES: list[tuple[dict[str, Any], str]] = [
    ({"isError": "Yes", "content": [text("no more today")]}, "no more today"),
    ({"isError": True, "content": None, "error": "no more today"}, "no more today"),
    (
        {"isError": True, "content": [{"type": "resource", "resource": {"uri": "a://b", "text": "not today"}}]},
        "not today",
    ),
    ({"isError": True, "content": [PICTURE]}, '"mime": "image/png"'),
    ({"isError": True}, "it gave no reason"),
    ({"isError": True, "content": [], "structuredContent": {"why": "not today"}}, '"why": "not today"'),
]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            {"code": -32602, "message": "Invalid params", "data": {"q": "missing"}},
            r'Invalid params \({"q": "missing"}\)',
        ),
        ({"code": -32000, "message": "", "data": "no more today"}, "no more today$"),
        ({"code": -32603, "message": "no more today", "data": "today"}, "no more today$"),
    ],
)
async def test_what_an_error_says_besides_its_words_is_told(error: Any, told: str, tmp_path: Path) -> None:
    async with connected(odd(tmp_path, calls={"fine": {"error": error}})) as connection:
        with pytest.raises(ActionError, match=told):
            await call(connection, "fine")


async def test_an_answer_that_is_not_what_its_schema_says_is_logged_once_and_given(tmp_path: Path) -> None:
    log: list[str] = []
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    tools = {"tools": [{**tool("fine"), "outputSchema": schema}]}
    answer = {"content": [], "structuredContent": {"n": "many"}}
    async with connected(odd(tmp_path, tools__list=tools, calls={"fine": answer}), loader(log=log)) as connection:
        assert [await call(connection, "fine") for _ in range(2)] == [{"n": "many"}] * 2
    assert log == ["odd: fine answers otherwise than its schema says: n: 'many' is not of type 'integer'"]


async def test_a_failure_is_told_by_whatever_it_brings(tmp_path: Path) -> None:
    async with connected(odd_tools(tmp_path, (result for result, _ in FAILURES))) as connection:
        for number, (_, told) in enumerate(FAILURES):
            with pytest.raises(ActionError, match=told):
                await call(connection, f"t{number}")


@pytest.mark.parametrize("length", [60_000, 60_001, 60_002])
async def test_a_picture_that_is_longer_than_an_answer_is_told_about(length: int, tmp_path: Path) -> None:
    data = base64.b64encode(b"\xff" * length).decode()
    big = {**PICTURE, "data": data}
    address = f"data:image/png;base64,{data}"
    others = [{**PICTURE, "data": address}, {"type": "image_url", "image_url": {"url": address}}]
    contents = {"content": [text("saved"), big, *others, text("twice")]}
    async with connected(odd(tmp_path, calls={"fine": contents}), loader(result_bytes=20_000)) as connection:
        told = {"type": "image", "mime": "image/png", "bytes": length}
        assert await call(connection, "fine") == ["saved", told, told, told, "twice"]


async def test_what_only_the_newest_protocol_says_of_an_answer_is_passed_over_in_an_older_one(tmp_path: Path) -> None:
    page = {"tools": [tool("fine")], "ttlMs": -5, "cacheScope": "nobody", "requestState": 7}
    answer = {"content": [{"type": "text", "text": "done"}], "inputRequests": "none"}
    async with connected(odd(tmp_path, tools__list=page, calls={"fine": answer})) as connection:
        assert names(connection) == ["fine"]
        assert await call(connection, "fine") == "done"


def test_the_newest_protocol_says_nothing_else_of_an_answer() -> None:
    fields = {
        field
        for version in HANDSHAKE_PROTOCOL_VERSIONS
        for method, _ in SERVER_RESULTS
        for field in _later_revision_fields(method, version)
    }
    assert fields == _LATER_FIELDS
