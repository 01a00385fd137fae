"""What the fence is told: hosts as rules, paths from configured values, answers of names, the profile for macOS."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.core.permissions import Enforcement, FileAccess, Permissions
from dynamic_plugins.install.python_environment import Distribution
from dynamic_plugins.registry.entry import Argument, Variable
from dynamic_plugins.settings import Limits
from dynamic_plugins.workers.fence.allowed_hosts import AllowedHosts, may_lead_to
from dynamic_plugins.workers.fence.configured_values import ConfiguredValues, expanded
from dynamic_plugins.workers.fence.fence import Code, Fence
from dynamic_plugins.workers.fence.launcher import domain_names
from dynamic_plugins.workers.fence.seatbelt import profile
from dynamic_plugins.workers.fence.system_paths import parts_of, readable
from dynamic_plugins.workers.fence.tier import Level, Tier
from tests.loading import server

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_plugins.install.installation import Installation

# ---------------------------------------------------------------- hosts


@pytest.mark.parametrize(
    ("said", "host", "port", "fits"),
    [
        ("api.github.com", "api.github.com", 443, True),
        ("api.github.com", "API.GitHub.com.", 80, True),
        ("api.github.com", "api.github.com", 22, False),
        ("api.github.com:22", "api.github.com", 22, True),
        ("api.github.com:22", "api.github.com", 443, False),
        ("api.github.com", "github.com", 443, False),
        ("api.github.com", "evil-api.github.com", 443, False),
        ("*.example.org", "a.b.example.org", 443, True),
        ("*.example.org", "example.org", 443, False),
        ("*.example.org", "evilexample.org", 443, False),
        ("https://git.example.org/api?x=1", "git.example.org", 443, True),
        ("http://localhost:3000", "localhost", 3000, True),
    ],
)
def test_a_host_fits_by_name_and_port(said: str, host: str, port: int, fits: bool) -> None:
    assert (AllowedHosts([said]).rule(host, port) is not None) is fits


@pytest.mark.parametrize(
    ("said", "from_person", "address", "may"),
    [
        ("api.example.org", False, "93.184.216.34", True),
        ("api.example.org", False, "127.0.0.1", False),
        ("api.example.org", False, "10.0.0.1", False),
        ("api.example.org", False, "169.254.169.254", False),
        ("api.example.org", False, "0.0.0.0", False),  # noqa: S104 # an address that is refused
        ("api.example.org", False, "224.0.0.1", False),
        ("api.example.org", True, "10.0.0.1", True),
        ("nas.local", False, "192.168.1.2", True),
        ("localhost:1", False, "127.0.0.1", True),
        ("10.1.2.3", False, "10.1.2.3", True),
        ("api.example.org", True, "nonsense", False),
    ],
)
def test_a_public_name_leads_to_no_private_address(said: str, from_person: bool, address: str, may: bool) -> None:
    (rule,) = AllowedHosts([said], [said] if from_person else []).rules
    assert may_lead_to(rule, address) is may


def test_what_is_no_host_is_refused() -> None:
    with pytest.raises(ValueError, match="is no host"):
        AllowedHosts([":443"])


def test_names_are_answered_with_addresses_or_with_that_there_are_none() -> None:
    question = b"\x12\x34" + struct.pack(">HHHHH", 0x0100, 1, 0, 0, 0) + b"\x03api\x07example\x03org\0\0\1\0\1"
    assert domain_names.asked(question) == ("api.example.org", True)
    found = domain_names.answer(question, ["1.2.3.4"], exists=True)
    assert found[:2] == b"\x12\x34"
    assert found.endswith(b"\0\4\1\2\3\4")
    assert struct.unpack(">H", found[6:8]) == (1,)
    none = domain_names.answer(question, [], exists=False)
    assert none[3] & 15 == 3
    for broken in (b"", question[:20], question[:12] + b"\xc0\x0c"):
        with pytest.raises(ValueError, match=r"name|question"):
            domain_names.asked(broken)


# ---------------------------------------------------------------- paths from values


def granted(
    tmp_path: Path, values: Mapping[str, str], arguments: Sequence[str] = (), installation: Installation | None = None
) -> list[str]:
    installation = installation or server(tmp_path, "node", "x.js")
    values = ConfiguredValues(installation, values, arguments, str(tmp_path / "me"))  # type: ignore[assignment]
    return [file.path for file in values.granted(Permissions()).files]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ("{t}/folder", ["{t}/folder"]),
        ("~/notes", ["{t}/me/notes"]),
        ("{t}/folder/data.db", ["{t}/folder"]),
        ("{t}/folder/file", ["{t}/folder/file", "{t}/folder"]),
        ("sqlite:///{t}/folder/data.db", ["{t}/folder"]),
        ("file://{t}/folder", ["{t}/folder"]),
        ("--db={t}/folder/data.db", ["{t}/folder"]),
        ('["{t}/folder", "{t}/me/notes"]', ["{t}/folder", "{t}/me/notes"]),
        ("{t}/folder:{t}/me/notes", ["{t}/folder", "{t}/me/notes"]),
        ("{t}/nowhere/at/all", []),
        ("~/data.db", []),
        ("/", []),
        ("relative/path", []),
        ("https://example.org{t}/folder", []),
        ("[" * 3000, []),
        ("a\0b", []),
    ],
)
def test_paths_in_values_are_granted(tmp_path: Path, value: str, paths: list[str]) -> None:
    for name in ("folder", "me/notes"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "folder" / "file").write_text("")
    wanted = [each.replace("{t}", str(tmp_path)) for each in paths]
    value = value.replace("{t}", str(tmp_path))
    assert granted(tmp_path, {"WHERE": value}) == wanted
    assert granted(tmp_path, {}, [value]) == wanted


def test_a_path_that_only_the_entry_names_is_not_granted(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    path = str(tmp_path / "keys")
    suggested = replace(
        server(tmp_path, "node", "x.js"),
        variables=(Variable("WHERE", default=path), Variable("FOLDER", default=path)),
        arguments=(Argument("positional", value=path),),
    )
    assert granted(tmp_path, {"WHERE": path}, [path], suggested) == []
    assert granted(tmp_path, {"OTHER": path}, [], suggested) == [path]


def test_what_is_declared_is_all_there_is(tmp_path: Path) -> None:
    declared = Permissions(files=(FileAccess("/srv/x"),), declared=True)
    values = ConfiguredValues(server(tmp_path, "node", "x.js"), {"WHERE": str(tmp_path)}, [], "/home/me")
    assert values.granted(declared) == declared


def test_a_library_that_is_nothing_without_a_program_has_it(tmp_path: Path) -> None:
    git = replace(server(tmp_path, "x"), distributions=(Distribution("GitPython", "3.1.44"),))
    assert ConfiguredValues(git, {}, [], "").granted(Permissions()).programs == ("git",)


def test_a_tilde_is_the_persons_home() -> None:
    assert [expanded(each, "/home/me") for each in ("~", "~/x", "~you/x", "a~")] == [
        "/home/me",
        "/home/me/x",
        "~you/x",
        "a~",
    ]


# ---------------------------------------------------------------- tiers, programs, the profile


def test_each_tier_says_which_permissions_it_enforces() -> None:
    hosts = Permissions(network=("example.org",))
    assert Tier(Level.NAMESPACES).enforcement(hosts) == Enforcement(True, True, True)
    assert Tier(Level.LANDLOCK).enforcement(hosts) == Enforcement(False, True, True)
    assert Tier(Level.LANDLOCK).enforcement(Permissions(network=())) == Enforcement(True, True, True)
    assert Tier(Level.NONE).enforcement(Permissions()) == Enforcement()


def test_a_script_is_run_by_its_interpreter_and_that_by_the_loader(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/usr/bin/env -S sh -e\n")
    executed, _ = parts_of(str(script))
    assert executed[0] == str(script)
    assert Path(executed[1]).name in {"sh", "dash", "bash", "busybox"}


def order(tmp_path: Path, permissions: Permissions) -> tuple[list[str], str]:
    fence = Fence("auto", Limits(), Tier(Level.SEATBELT))
    fenced = fence.command(
        ["/bin/sh", "-c", "true"],
        permissions,
        code=Code(("/opt/plugin",)),
        folder=tmp_path,
        environment={"PATH": "/bin"},
    )
    program, flag, text, *rest = fenced.command
    assert (program, flag, rest[1:]) == ("/usr/bin/sandbox-exec", "-p", ["-c", "true"])
    return list(fenced.command), text


def test_the_profile_for_macos_denies_what_it_does_not_name(tmp_path: Path) -> None:
    shared, kept = tmp_path / 'a "quoted" \\ name', tmp_path / "kept"
    files = (FileAccess(str(shared), "write"), FileAccess(str(kept)))
    _, text = order(tmp_path / "own", Permissions(network=(), files=files, declared=True))
    lines = text.splitlines()
    assert lines[:2] == ["(version 1)", "(deny default)"]
    assert text.count("(") == text.count(")")
    written = [line for line in lines if line.startswith("(allow file-write* ")]
    quoted = str(shared).replace("\\", "\\\\").replace('"', '\\"')
    assert written == [
        f'(allow file-write* (subpath "{tmp_path / "own"}"))',
        f'(allow file-write* (subpath "{quoted}"))',
    ]
    assert f'(allow file-read* (subpath "{kept}"))' in lines
    executed = [line for line in lines if line.startswith("(allow process-exec* ")]
    assert '(allow process-exec* (subpath "/opt/plugin"))' in executed
    assert not any("/usr/bin/git" in line for line in executed)
    assert "network" not in text
    assert not any(str(Path.home()) == line.split('"')[1] for line in lines if '"' in line)


def test_the_profile_for_macos_opens_the_network_where_there_is_any(tmp_path: Path) -> None:
    assert "(allow network-outbound (remote ip))" in order(tmp_path, Permissions())[1]
    assert "(allow network-outbound" not in profile(
        {"read": [], "given": [], "write": [], "execute": [], "network": "none", "unix_sockets": False}
    )


def test_the_profile_for_macos_keeps_what_was_granted_where_it_lies_in_what_may_be_written() -> None:
    order = {"read": [], "given": [], "execute": [], "network": "none", "write": ["/h/.data/own", "/h"]}
    rules = profile({**order, "kept": "/h/.data"}).splitlines()
    may, may_not = '(allow file-write* (subpath "/h"))', '(deny file-write* (subpath "/h/.data"))'
    moved, own = '(deny file-write-unlink (literal "/h") (literal "/"))', '(allow file-write* (subpath "/h/.data/own"))'
    last = len(rules) - 1 - rules[::-1].index(own)  # of several rules the last one counts
    assert rules.index(may) < rules.index(may_not) < rules.index(moved) < last


def test_a_path_that_could_break_out_of_the_profile_is_refused(tmp_path: Path) -> None:
    files = (FileAccess(str(tmp_path / "a\n(allow default)"), "write"),)
    with pytest.raises(ValueError, match="control characters"):
        order(tmp_path, Permissions(files=files, declared=True))


@pytest.mark.parametrize(
    "key",
    [
        "ssl/private/server.key",
        "pki/tls/private/localhost.key",
        "pki/entitlement/1-key.pem",
        "pki/CA/private/cakey.pem",
        "letsencrypt/live/example.org/privkey.pem",
        "ssh/ssh_host_ed25519_key",
        "shadow",
    ],
)
def test_no_plugin_reads_the_keys_of_the_machine_with_its_certificates(key: str) -> None:
    assert not [each for each in readable() if Path("/etc", key).is_relative_to(each)]
    assert "/etc/ssl/certs" in readable()
