"""The platform's own vault: it alone keeps the secrets, of each home apart, and what it raises repeats none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dynamic_plugins.errors import SecretStoreError
from dynamic_plugins.settings import Settings
from dynamic_plugins.storage.values import ConfigurationStore
from tests.own_vault import PLACE

if TYPE_CHECKING:
    from tests.conftest import Cli

KEEPER = Path(__file__).parent / "plugins" / "keeper"
SECRET = "for-the-keeper-alone-4711"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the vault."""
    monkeypatch.setenv(PLACE, str(tmp_path / "vault.json"))
    return tmp_path / "vault.json"


def store(home: Path, factory: str = "open_vault") -> ConfigurationStore:
    return ConfigurationStore(home, "a passphrase too", vault=f"tests.own_vault:{factory}")


def test_a_person_s_secrets_are_in_the_vault_that_the_operator_names_and_nowhere_else(cli: Cli, kept: Path) -> None:
    cli.env |= {"DYNAMIC_PLUGINS_VAULT": "tests.own_vault:open_vault", PLACE: str(kept)}
    cli.env |= {"PYTHONPATH": str(Path(__file__).parent.parent)}
    cli("install", "--path", str(KEEPER), "--yes")
    cli("configure", "keeper", f"KEEPER_API_TOKEN={SECRET}", "KEEPER_ROOM=attic")
    assert json.loads(kept.read_text()) == {f"{cli.home}: keeper/KEEPER_API_TOKEN": SECRET}
    assert cli("status").json["plugins"][0]["status"] == "installed"
    assert "the vault of these tests" in str(cli("doctor", code=None).json)
    files = [path for path in cli.home.rglob("*") if path.is_file()]
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []
    cli("uninstall", "keeper")
    assert json.loads(kept.read_text()) == {}


def test_homes_that_share_a_vault_do_not_get_each_other_s_secrets(tmp_path: Path, kept: Path) -> None:
    one, other = store(tmp_path / "one"), store(tmp_path / "other")
    one.set("plugin", {}, {"API_KEY": SECRET})
    other.set("plugin", {}, {"API_KEY": "another"})
    other.forget("plugin")
    assert one.values("plugin") == {"API_KEY": SECRET}
    assert not (tmp_path / "one" / "secrets.enc").exists()


@pytest.mark.parametrize(
    ("factory", "says"),
    [
        ("open_broken_vault", r"The vault the vault of these tests failed \(RuntimeError\)"),
        ("open_nothing", r"The vault tests.own_vault:open_nothing failed \(PermissionError\)"),
        ("no_such_factory", r"cannot be imported \(AttributeError\)"),
    ],
)
def test_a_vault_that_fails_says_so_and_repeats_no_secret(tmp_path: Path, kept: Path, factory: str, says: str) -> None:
    with pytest.raises(SecretStoreError, match=says) as raised:
        store(tmp_path, factory).set("plugin", {"LEVEL": "3"}, {"API_KEY": SECRET})
    assert SECRET not in str(raised.value)
    assert raised.value.__suppress_context__
    assert store(tmp_path).plain("plugin") == {}  # nothing is written before the secret is safe


def test_what_names_no_factory_is_wrong_usage() -> None:
    assert (
        Settings.from_environment({"DYNAMIC_PLUGINS_VAULT": "our_vault.client:open"}).vault == "our_vault.client:open"
    )
    for named in ("our_vault", "our_vault:", "os:system()", ":open"):
        with pytest.raises(ValueError, match="DYNAMIC_PLUGINS_VAULT must be module:factory"):
            Settings.from_environment({"DYNAMIC_PLUGINS_VAULT": named})
