"""The tenants of a gateway: their file, their homes, their limits, and the commands that change them."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import psutil
import pytest
import uvicorn

from dynamic_plugins.app import App
from dynamic_plugins.approval import approve_everything
from dynamic_plugins.core.own_addresses import is_own_machine
from dynamic_plugins.errors import (
    BadArgumentsError,
    NotAllowedError,
    OverLimitError,
    PermissionDeniedError,
    TenantsFileError,
)
from dynamic_plugins.gateway import serve_gateway
from dynamic_plugins.gateway.rate_limits import Budget, OverRateError, TenantGate
from dynamic_plugins.gateway.served_tenants import ServedTenants, watching
from dynamic_plugins.gateway.tenant_home import environment, make_home, overlaps, problems
from dynamic_plugins.gateway.tenant_order import TenantOrder
from dynamic_plugins.gateway.tenant_process import TenantProcess, TenantUnavailableError
from dynamic_plugins.gateway.tenants_file import (
    Tenant,
    TenantLimits,
    TenantsFile,
    check_name,
    digest_of,
    new_token,
    whose,
)
from dynamic_plugins.integrations.secret_form import QuietServer
from dynamic_plugins.oauth import guarded_http
from dynamic_plugins.settings import Settings
from dynamic_plugins.workers.fence import allowed_hosts
from dynamic_plugins.workers.fence.allowed_hosts import ANY_PUBLIC, AllowedHosts, may_lead_to
from dynamic_plugins.workers.remote import address_guard
from tests.conftest import EXAMPLES, Cli

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

DIGEST = digest_of("dpt_anything")


def tenant(name: str, home: Path) -> Tenant:
    make_home(home, None)
    return Tenant(name, home, DIGEST)


# ---------------------------------------------------------------- the commands


def test_a_tenant_is_added_listed_changed_and_removed_and_its_token_is_shown_once(cli: Cli) -> None:
    added = cli("tenants", "add", "alice", "--calls-per-minute", "30").json
    file = cli.home / "tenants.toml"
    token = added["token"]
    assert re.fullmatch(r"dpt_[\w-]{43}", token)
    assert added["home"] == str(cli.home / "tenants" / "alice")
    assert token not in file.read_text()
    assert digest_of(token) in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    (listed,) = cli("tenants", "list").json["tenants"]
    assert (listed["calls_per_minute"], listed["plugins"], "token" in listed) == (30, 20, False)
    cli("tenants", "set", "alice", "--plugins", "3", "--disk-mb", "100")
    fresh = cli("tenants", "rotate", "alice").json["token"]
    present = TenantsFile(file).get("alice")
    assert (present.token, present.limits.plugins, present.limits.disk_mb) == (digest_of(fresh), 3, 100)
    refused = cli("tenants", "remove", "alice", code=4)
    assert refused.json["error"]["code"] == "needs_confirmation"
    cli("tenants", "remove", "alice", "--yes")
    assert TenantsFile(file).read() == {}
    assert (cli.home / "tenants" / "alice" / "policy.toml").is_file(), "the home stays"


def test_what_is_no_tenant_or_no_command_is_told(cli: Cli) -> None:
    cli("tenants", "add", "alice")
    assert cli("tenants", "add", "alice", code=1).json["error"]["code"] == "bad_arguments"
    unknown = cli("tenants", "rotate", "alise", code=1).json["error"]
    assert (unknown["code"], unknown["suggestions"]) == ("unknown_tenant", ["alice"])
    inside = cli("tenants", "add", "bob", "--folder", str(cli.home / "tenants" / "alice" / "b"), code=1).json["error"]
    assert inside["code"] == "bad_tenants_file"
    assert "lies in that of alice" in inside["message"]
    assert not (cli.home / "tenants" / "alice" / "b").exists()
    for words in (["set", "alice"], ["mcp", "--tenants"]):
        cli(*(words if words[0] == "mcp" else ["tenants", *words]), code=2)
    assert cli("mcp", "--http", "--tenants", "nowhere.toml", "--port", "0", code=1).json["error"]["code"] == (
        "bad_tenants_file"
    )


def test_the_operator_runs_a_command_on_a_tenants_home_under_its_rules(cli: Cli) -> None:
    cli("tenants", "add", "alice")
    hello = str(EXAMPLES / "hello-plugin")
    refused = cli("tenants", "run", "alice", "--", "--json", "install", "--path", hello, "--yes", code=1).json["error"]
    assert (refused["code"], "sources.packages" in refused["rule"]) == ("untrusted_source", True)


def test_a_tenant_whose_home_is_full_installs_nothing_before_there_is_room(cli: Cli) -> None:
    cli("tenants", "add", "alice", "--disk-mb", "8")
    (cli.home / "tenants" / "alice" / "written.bin").write_bytes(bytes(range(256)) * 4 * 1024 * 8)
    # Of what the bundled registry lists; no index is asked.
    words = ("tenants", "run", "alice", "--", "--json", "install", "mcp-server-time", "--yes")
    error = cli(*words, code=1).json["error"]
    assert (error["code"], error["limit"], error["most"]) == ("over_limit", "disk", 8 * 2**20)


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "a/b", "a\\b", ".hidden", "A", "a b", "ä", "x" * 40, "a\n", "-a", "a."]
)
def test_a_name_cannot_lead_out_of_a_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadArgumentsError):
        check_name(name)
    file = TenantsFile(tmp_path / "tenants.toml")
    shown = name.replace("\\", "\\\\").replace("\n", "\\n")
    file.path.write_text(f'[tenants."{shown}"]\nhome = "x"\ntoken = "{DIGEST}"\n')
    with pytest.raises(TenantsFileError):
        file.read()


@pytest.mark.parametrize(
    "wrong",
    [
        'token = "secret"',
        'token = "sha256:00"',
        f'token = "{DIGEST}"\ncalls_per_minute = 0',
        f'token = "{DIGEST}"\nconcurrent = "8"',
        f'token = "{DIGEST}"\ncall_per_minute = 8',
    ],
)
def test_a_mistake_in_the_file_is_named_by_its_place(wrong: str, tmp_path: Path) -> None:
    file = TenantsFile(tmp_path / "tenants.toml")
    file.path.write_text(f'[tenants.alice]\nhome = "x"\n{wrong}\n')
    with pytest.raises(TenantsFileError, match=r"tenants\.alice"):
        file.read()


def test_a_token_is_its_tenants_alone(tmp_path: Path) -> None:
    tokens = [new_token() for _ in range(3)]
    tenants = [Tenant(f"t{number}", tmp_path, digest_of(each)) for number, each in enumerate(tokens)]
    assert [whose(each, tenants) for each in tokens] == tenants
    for other in (new_token(), "", tokens[0][:-1], tenants[0].token):
        assert whose(other, tenants) is None


# ---------------------------------------------------------------- homes


def test_homes_that_overlap_are_found_whatever_way_leads_there(tmp_path: Path) -> None:
    alice = tenant("alice", tmp_path / "alice")
    (tmp_path / "link").symlink_to(alice.home)
    (tmp_path / "above").symlink_to(tmp_path)
    operator = tmp_path / "operator"
    apart = tenant("apart", tmp_path / "alice-2")
    assert problems([alice, apart], operator) == {}
    for home in (
        alice.home,
        alice.home / "in" / "it",
        tmp_path / "link",
        tmp_path / "link" / "in",
        tmp_path / "above" / "alice",
        tmp_path / "x" / ".." / "alice",
        tmp_path,
    ):
        found = overlaps([alice, Tenant("bob", home, DIGEST)], operator)
        assert set(found) == {"alice", "bob"}, home
    assert "gateway's own" in overlaps([Tenant("bob", operator, DIGEST)], operator)["bob"]
    assert "gateway's own" in overlaps([Tenant("bob", tmp_path / "above", DIGEST)], operator)["bob"]


def test_a_home_that_leads_out_or_has_no_rules_is_not_served(tmp_path: Path) -> None:
    alice, operator = tenant("alice", tmp_path / "alice"), tmp_path / "operator"
    (alice.home / "plugin_data").symlink_to(tmp_path)
    assert "leads out" in problems([alice], operator)["alice"]
    (alice.home / "plugin_data").unlink()
    for policy, reason in (("", "must say"), ("[permissions]\nfiles = []\n", "must say"), ("[", "not TOML")):
        alice.policy_file.write_text(policy)
        assert reason in problems([alice], operator)["alice"]
    assert "is not there" in problems([Tenant("bob", tmp_path / "bob", DIGEST)], operator)["bob"]


def test_a_tenants_process_sees_nothing_of_the_operators_but_how_packages_are_found(tmp_path: Path) -> None:
    host = {
        "PATH": "/bin",
        "HOME": "/home/operator",
        "UV_INDEX_URL": "https://index.example/simple",
        "UV_CACHE_DIR": "/home/operator/cache",
        "https_proxy": "http://proxy:1",
        "AWS_SECRET_ACCESS_KEY": "x",
        "OPENAI_API_KEY": "x",
        "SSH_AUTH_SOCK": "/run/agent",
        "DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/bus",
        "DYNAMIC_PLUGINS_OFFLINE": "1",
        "DYNAMIC_PLUGINS_STATE": "of one home",
        "DYNAMIC_PLUGINS_HOME": "/home/operator/dp",
        "DYNAMIC_PLUGINS_ALLOW_BUILDS": "1",
        "DYNAMIC_PLUGINS_IN_PROCESS": "evil",
        "DYNAMIC_PLUGINS_MCP_TOKEN": "x",
    }
    limits = TenantLimits(plugins=3, disk_mb=5)
    made = environment(Tenant("alice", tmp_path, DIGEST, limits), host, None, "require")
    settings = Settings.from_environment(made)
    assert {name for name in made if not name.startswith("DYNAMIC_PLUGINS_")} == {
        *("PATH", "HOME", "UV_INDEX_URL", "UV_CACHE_DIR", "https_proxy", "NPM_CONFIG_CACHE", "XDG_CACHE_HOME"),
        "PYTHON_KEYRING_BACKEND",
    }
    assert made["HOME"].startswith(str(tmp_path))
    assert made["UV_CACHE_DIR"].startswith(str(tmp_path))
    assert (settings.home, settings.most_plugins, settings.offline, settings.sandbox) == (tmp_path, 3, True, "require")
    assert settings.disk_bytes == 5 * 2**20
    assert (settings.allow_builds, settings.in_process) == (False, ())
    assert (settings.mcp_token, settings.passphrase) == (None, None)
    assert "DYNAMIC_PLUGINS_STATE" not in made


# ---------------------------------------------------------------- limits


def test_a_budget_comes_back_with_time() -> None:
    now = [0.0]
    budget = Budget(60, lambda: now[0])
    assert [budget.take() for _ in range(60)] == [0.0] * 60
    assert budget.take() == pytest.approx(1.0)
    now[0] = 1.0
    assert budget.take() == 0.0
    assert budget.take() > 0
    now[0] = 1000.0
    assert [budget.take() for _ in range(60)] == [0.0] * 60, "no more than a minute's is saved up"
    assert budget.take() > 0


async def test_a_call_right_behind_an_answer_waits_until_that_has_ended() -> None:
    gate = TenantGate(TenantLimits(concurrent=1))
    with gate.admit(1):
        waiting = asyncio.create_task(gate.room(1))
        await asyncio.sleep(0)
        assert not waiting.done()
    async with asyncio.timeout(10):
        await waiting
    with gate.admit(1):
        await gate.room(1)  # no longer than a moment: who has calls under way is told so
        with pytest.raises(OverRateError), gate.admit(1):
            pass


def test_a_call_that_ends_makes_room_for_the_next_and_other_requests_have_room_of_their_own() -> None:
    gate = TenantGate(TenantLimits(calls_per_minute=5, concurrent=2), lambda: 0.0)
    with gate.admit(1), gate.admit(1):
        with pytest.raises(OverRateError, match="Wait for one of them to end") as refused, gate.admit(1):
            pass
        assert (refused.value.limit, refused.value.seconds) == ("concurrent", 1)
        with gate.admit(0):
            pass
    for _ in range(3):
        with gate.admit(1):
            pass
    with pytest.raises(OverRateError, match="Wait 12 seconds") as refused, gate.admit(1):
        pass
    assert refused.value.limit == "calls_per_minute"
    with gate.admit(0):
        pass


def test_requests_are_counted_before_anything_of_them_is_read() -> None:
    gate = TenantGate(TenantLimits())
    with contextlib.ExitStack() as opened:
        for _ in range(64):
            opened.enter_context(gate.opened())
        with pytest.raises(OverRateError, match="64 requests are under way"), gate.opened():
            pass
    with gate.opened():
        pass


async def test_no_more_plugins_are_installed_than_the_home_may_have(cli: Cli, tmp_path: Path) -> None:
    settings = Settings.from_environment({**cli.environment(), "DYNAMIC_PLUGINS_MOST_PLUGINS": "1"}, home=cli.home)
    async with App(settings, approve=approve_everything) as app:
        await app.service.install_path(EXAMPLES / "hello-plugin")
        with pytest.raises(OverLimitError, match="1 plugins may be installed"):
            await app.service.install_path(Path(__file__).parent / "plugins" / "neighbour")
        assert [each.name for each in app.service.status()] == ["hello"]


# ---------------------------------------------------------------- a policy that a tenant needs


@pytest.mark.parametrize(
    "said", ["localhost:80", "127.0.0.1", "10.0.0.1:443", "printer.local", "db", "*.corp", ANY_PUBLIC]
)
def test_without_the_own_network_no_name_leads_there(said: str) -> None:
    (rule,) = AllowedHosts([said], [said], own_network=False).rules
    for address in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "::1", "fd00::1"):
        assert not may_lead_to(rule, address)
    assert may_lead_to(rule, "93.184.216.34")


def test_any_public_host_is_reached_on_the_ports_of_the_web() -> None:
    hosts = AllowedHosts([ANY_PUBLIC], own_network=False)
    assert hosts.rule("api.example.org", 443)
    assert hosts.rule("example.org", 80)
    assert hosts.rule("example.org", 22) is None


async def test_a_value_is_held_to_the_ceiling_for_files_at_each_start(cli: Cli, tmp_path: Path) -> None:
    """Of a plugin that declares nothing, each path among its values is granted to it."""
    allowed, other = tmp_path / "allowed", tmp_path / "other"
    allowed.mkdir()
    other.mkdir()
    cli.home.mkdir()
    (cli.home / "policy.toml").write_text(f'[permissions]\nfiles = ["{allowed}"]\n')
    async with App(Settings.from_environment(cli.environment(), home=cli.home), approve=approve_everything) as app:
        await app.service.install_path(Path(__file__).parent / "plugins" / "neighbour")
        await app.service.configure("neighbour", {"NEIGHBOUR_NOTE": str(allowed / "new")})
        await app.service.activate("neighbour")
        assert (await app.service.call("neighbour", "attempt", {"paths": [str(allowed)], "addresses": []}))["list 0"]
        await app.service.configure("neighbour", {"NEIGHBOUR_NOTE": str(other)})
        with pytest.raises(NotAllowedError, match=r"permissions\.files"):
            await app.service.call("neighbour", "note", {})


# ---------------------------------------------------------------- this machine under its public address


def test_every_address_of_this_machine_is_known_as_its_own() -> None:
    own = [
        str(each.address).partition("%")[0]
        for found in psutil.net_if_addrs().values()
        for each in found
        if each.family == socket.AF_INET
    ]
    assert own
    assert all(map(is_own_machine, own))
    for other in ("93.184.216.34", "2606:2800:220:1::1", "192.0.2.255", "no address"):
        assert not is_own_machine(other)


async def test_a_public_address_of_this_machine_is_of_its_own_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is meant for this machine alone listens there too, behind what keeps the internet out."""
    for module in (allowed_hosts, address_guard, guarded_http):
        monkeypatch.setattr(module, "is_own_machine", {"93.184.216.34"}.__contains__)
    (rule,) = AllowedHosts([ANY_PUBLIC], own_network=False).rules
    assert not may_lead_to(rule, "93.184.216.34")
    assert may_lead_to(rule, "93.184.216.35")
    (typed,) = AllowedHosts(["93.184.216.34"], ["93.184.216.34"]).rules
    assert may_lead_to(typed, "93.184.216.34")
    address = "https://93.184.216.34/mcp"
    guard = address_guard.AddressGuard("remote", address, network=["93.184.216.34:443"], named=[], environment={})
    with pytest.raises(PermissionDeniedError, match="on this machine"):
        await guard.handle_async_request(httpx2.Request("GET", address))
    with pytest.raises(guarded_http.UnsafeAddressError, match="leads to this machine"):
        await guarded_http.Reach("https://93.184.216.35/mcp").addresses("93.184.216.34", 443)
    assert await guarded_http.Reach(address).addresses("93.184.216.34", 443)


# ---------------------------------------------------------------- processes


async def test_a_process_that_cannot_be_started_is_told_in_a_line(tmp_path: Path) -> None:
    said: list[str] = []
    process = TenantProcess(TenantOrder("alice", -1), tmp_path / "gone", {}, said.append)
    for _ in range(2):
        with pytest.raises(TenantUnavailableError):
            async with process.client():
                pass
    assert said == ["its process cannot be started (No such file or directory)"]


async def test_who_is_removed_is_out_while_another_process_takes_its_time_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = TenantsFile(tmp_path / "tenants.toml")
    for name in ("alice", "bob"):
        file.add(tenant(name, file.default_home(name)))
    began, out = asyncio.Event(), asyncio.Event()

    async def slowly(_process: TenantProcess, _seconds: float) -> None:
        began.set()
        await out.wait()

    monkeypatch.setattr(TenantProcess, "is_idle", lambda *_: True)
    monkeypatch.setattr(TenantProcess, "end_if_idle", slowly)
    settings = Settings.from_environment({}, home=tmp_path / "operator")
    told: list[str] = []

    def tell(name: str, _said: str) -> None:
        told.append(name)
        if name == "alice":
            out.set()

    served = ServedTenants(file, settings, tell, idle_seconds=0)
    served.open()
    async with watching(served), asyncio.timeout(10):
        await began.wait()
        assert "alice" not in told
        file.remove("alice")
        await out.wait()
    assert "alice" in told


def test_what_is_long_counts_as_more_than_one_request_and_passes_once_a_while() -> None:
    now = [0.0]
    gate = TenantGate(TenantLimits(calls_per_minute=2), lambda: now[0])
    gate.weigh(100 * 1024)
    gate.weigh(2**20)
    gate.weigh(2**20)
    with pytest.raises(OverRateError) as refused:
        gate.weigh(2**20)
    assert refused.value.limit == "requests_per_minute"
    now[0] = 60.0
    gate.weigh(2**22)


async def test_a_request_that_lay_behind_another_one_is_waited_for_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two requests are sent at once. The patience is for connections on which nothing is asked."""
    monkeypatch.setattr(serve_gateway, "_PATIENCE_SECONDS", 0.1)

    async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.4)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(slow, http=serve_gateway.PatientProtocol, ws="none", lifespan="off", log_config=None)
        serving = QuietServer(config)
        running = asyncio.create_task(serving.serve([listening]))
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n" * 2)
        async with asyncio.timeout(20):
            assert (await reader.read()).count(b"200 OK") == 2, "then it is closed, as nothing comes"
        writer.close()
        serving.should_exit = True
        await running
