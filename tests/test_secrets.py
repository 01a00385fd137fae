"""Where a plugin's values are kept: the keyring, an encrypted file, or nowhere."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keyring
import pytest
from keyring.backends import fail, null

from dynamic_plugins.app import App
from dynamic_plugins.errors import NotInstalledError, SecretStoreError
from dynamic_plugins.install.javascript_settings import declared_settings
from dynamic_plugins.install.plugin_table import own_table
from dynamic_plugins.oauth.credentials import SignIn
from dynamic_plugins.registry.formats import fields
from dynamic_plugins.settings import FORBIDDEN_VARIABLES, Settings
from dynamic_plugins.storage.values import ConfigurationStore
from dynamic_plugins.storage.vault import SERVICE, EncryptedFileVault, KeyringVault, open_vault
from tests.conftest import Cli, KeptHome
from tests.keyring_stand_ins import (
    LockedKeyring,
    LosingKeyring,
    MemoryKeyring,
    PlainKeyring,
    SilentKeyring,
    WrongKeyring,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keyring.backend import KeyringBackend


ROOT = Path(__file__).parent.parent
KEEPER = Path(__file__).parent / "plugins" / "keeper"
SECRET = "not-for-anybody-else-4711"


@pytest.fixture
def use() -> Iterator[Callable[[KeyringBackend], KeyringBackend]]:
    """Put a keyring in place of the machine's own."""
    before = keyring.get_keyring()

    def put(backend: KeyringBackend) -> KeyringBackend:
        keyring.set_keyring(backend)
        return backend

    yield put
    keyring.set_keyring(before)


@pytest.fixture
def no_keyring(use: Callable[[KeyringBackend], KeyringBackend]) -> None:
    use(fail.Keyring())  # type: ignore[no-untyped-call]  # keyring has no types there


# ------------------------------------------------------------------------------------------- which place


def test_the_keyring_comes_first(use: Any, tmp_path: Path) -> None:
    backend = use(MemoryKeyring())
    store = ConfigurationStore(tmp_path, "a passphrase too")
    store.set("plugin", {"LEVEL": "3"}, {"API_KEY": SECRET})
    ((service, key),) = backend.kept
    assert (service, backend.kept[service, key]) == (SERVICE, SECRET)
    assert "plugin/API_KEY" in key
    assert store.values("plugin") == {"LEVEL": "3", "API_KEY": SECRET}
    assert not (tmp_path / "secrets.enc").exists()
    assert SECRET not in (tmp_path / "configuration.json").read_text()


@pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring, PlainKeyring])
def test_without_a_safe_keyring_secrets_go_to_a_file_that_the_passphrase_opens(
    backend: Any, use: Any, tmp_path: Path
) -> None:
    use(backend())
    ConfigurationStore(tmp_path, "open sesame").set("plugin", {}, {"API_KEY": SECRET})
    assert ConfigurationStore(tmp_path, "open sesame").values("plugin") == {"API_KEY": SECRET}
    content = (tmp_path / "secrets.enc").read_bytes()
    assert SECRET.encode() not in content
    assert b"API_KEY" not in content
    assert (tmp_path / "secrets.enc").stat().st_mode & 0o077 == 0


def test_with_neither_nothing_is_stored_and_the_remedy_is_told(no_keyring: None, tmp_path: Path) -> None:
    store = ConfigurationStore(tmp_path)
    with pytest.raises(SecretStoreError, match="DYNAMIC_PLUGINS_PASSPHRASE"):
        store.set("plugin", {"LEVEL": "3"}, {"API_KEY": SECRET})
    assert list(tmp_path.iterdir()) == []
    store.set("plugin", {"LEVEL": "3"}, {})
    assert store.values("plugin") == {"LEVEL": "3"}, "what is no secret needs no safe place"


def test_of_several_keyrings_only_a_safe_one_is_used(use: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from keyring.backends import chainer

    plain, safe = PlainKeyring(), MemoryKeyring()
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [plain, safe])
    use(chainer.ChainerBackend())  # type: ignore[no-untyped-call]  # keyring has no types there
    KeyringVault(tmp_path).set("plugin/API_KEY", SECRET)
    assert (plain.kept, list(safe.kept.values())) == ({}, [SECRET])
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [plain])
    with pytest.raises(SecretStoreError):
        open_vault(tmp_path, None)


def test_a_keyring_that_fails_never_quotes_what_it_was_given(use: Any, tmp_path: Path) -> None:
    use(LockedKeyring())
    with pytest.raises(SecretStoreError, match=r"did not answer \(RuntimeError\)") as raised:
        ConfigurationStore(tmp_path).set("plugin", {}, {"API_KEY": SECRET})
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


@pytest.mark.parametrize("backend", [LosingKeyring, WrongKeyring])
def test_a_keyring_that_does_not_give_back_what_it_took_keeps_nothing(backend: Any, use: Any, tmp_path: Path) -> None:
    use(backend())
    with pytest.raises(SecretStoreError, match="DYNAMIC_PLUGINS_PASSPHRASE"):
        ConfigurationStore(tmp_path).set("plugin", {}, {"API_KEY": SECRET})
    store = ConfigurationStore(tmp_path, "open sesame")
    store.set("plugin", {}, {"API_KEY": SECRET})
    assert store.values("plugin") == {"API_KEY": SECRET}


def test_a_locked_keyring_gives_way_to_the_file_of_a_passphrase(use: Any, tmp_path: Path) -> None:
    use(fail.Keyring())  # type: ignore[no-untyped-call]  # keyring has no types there
    ConfigurationStore(tmp_path, "open sesame").set("plugin", {}, {"API_KEY": SECRET, "OTHER": "an older one"})
    use(LockedKeyring())
    store = ConfigurationStore(tmp_path, "open sesame")
    assert store.values("plugin")["API_KEY"] == SECRET, "one that appeared later does not hide it"
    store.set("plugin", {}, {"OTHER": "a newer one"})
    assert store.values("plugin") == {"API_KEY": SECRET, "OTHER": "a newer one"}
    assert store.forget("plugin") == ["API_KEY", "OTHER"], "nobody knows what the keyring still holds"
    assert store.values("plugin") == {}
    assert EncryptedFileVault(tmp_path / "secrets.enc", "open sesame").get("plugin/API_KEY") is None


def test_a_keyring_that_appears_later_takes_what_is_new_and_forgets_in_both(use: Any, tmp_path: Path) -> None:
    use(fail.Keyring())  # type: ignore[no-untyped-call]  # keyring has no types there
    ConfigurationStore(tmp_path, "p").set("plugin", {}, {"API_KEY": "an older one", "OTHER": SECRET})
    backend = use(MemoryKeyring())
    store = ConfigurationStore(tmp_path, "p")
    store.set("plugin", {}, {"API_KEY": "a newer one"})
    assert store.values("plugin") == {"API_KEY": "a newer one", "OTHER": SECRET}
    assert list(backend.kept.values()) == ["a newer one"]
    assert store.forget("plugin") == []
    assert backend.kept == {}


def test_a_keyring_that_never_answers_is_asked_once(use: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("dynamic_plugins.storage.vault._SECONDS", 0.5)
    silent = use(SilentKeyring())
    vault = KeyringVault(tmp_path)
    for _ in range(3):
        with pytest.raises(SecretStoreError, match=r"did not answer \(within 0\.5 s\).*DYNAMIC_PLUGINS_PASSPHRASE"):
            vault.get("plugin/API_KEY")
    assert silent.asked == 1
    silent.end.set()


def test_a_plugin_is_forgotten_with_a_keyring_that_is_locked(use: Any, tmp_path: Path) -> None:
    backend = use(MemoryKeyring())
    ConfigurationStore(tmp_path).set("plugin", {"LEVEL": "3"}, {"API_KEY": SECRET})
    use(LockedKeyring())
    assert ConfigurationStore(tmp_path).forget("plugin") == ["API_KEY"]
    assert ConfigurationStore(tmp_path).plain("plugin") == {}
    assert list(backend.kept.values()) == [SECRET]


def test_two_homes_share_a_keyring_and_keep_out_of_each_others_way(use: Any, tmp_path: Path) -> None:
    use(MemoryKeyring())
    here, there = ConfigurationStore(tmp_path / "here"), ConfigurationStore(tmp_path / "there")
    here.set("plugin", {}, {"API_KEY": "the one here"})
    there.set("plugin", {}, {"API_KEY": "the one there"})
    here.forget("plugin")
    assert there.values("plugin") == {"API_KEY": "the one there"}


# ------------------------------------------------------------------------------------------- the file


def test_the_wrong_passphrase_opens_nothing_and_spoils_nothing(no_keyring: None, tmp_path: Path) -> None:
    ConfigurationStore(tmp_path, "right").set("plugin", {}, {"API_KEY": SECRET})
    before = (tmp_path / "secrets.enc").read_bytes()
    wrong = ConfigurationStore(tmp_path, "wrong")
    with pytest.raises(SecretStoreError, match="does not open"):
        wrong.values("plugin")
    with pytest.raises(SecretStoreError, match="does not open"):
        wrong.set("plugin", {}, {"API_KEY": "another"})
    assert wrong.names("plugin") == set(), "what cannot be read counts as missing"
    assert (tmp_path / "secrets.enc").read_bytes() == before


@pytest.mark.parametrize("content", ["", "{", '{"schema": 1}', '{"salt": "!", "data": "x"}', "[]"])
def test_a_damaged_file_is_told_and_left_as_it_is(content: str, tmp_path: Path) -> None:
    path = tmp_path / "secrets.enc"
    path.write_text(content)
    vault = EncryptedFileVault(path, "right")
    with pytest.raises(SecretStoreError, match=r"secrets\.enc"):
        vault.get("plugin/API_KEY")
    with pytest.raises(SecretStoreError, match=r"secrets\.enc"):
        vault.set("plugin/API_KEY", SECRET)
    assert path.read_text() == content


def test_the_file_is_encrypted_anew_each_time_under_a_salt_of_its_own(tmp_path: Path) -> None:
    one, other = (EncryptedFileVault(tmp_path / name, "same") for name in ("one", "other"))
    for vault in (one, other):
        vault.set("plugin/API_KEY", SECRET)
    contents = [json.loads((tmp_path / name).read_text()) for name in ("one", "other")]
    assert contents[0]["salt"] != contents[1]["salt"]
    assert contents[0]["data"] != contents[1]["data"]
    one.delete("plugin/API_KEY")
    assert one.get("plugin/API_KEY") is None


SETTER = """
import sys
from pathlib import Path
import keyring
from keyring.backends import fail
from dynamic_plugins.storage.values import ConfigurationStore
keyring.set_keyring(fail.Keyring())
store = ConfigurationStore(Path(sys.argv[1]), "same")
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    store.set(sys.argv[2], {f"LEVEL_{number}": "x"}, {f"KEY_{number}": f"{sys.argv[2]} {number}"})
"""


def test_processes_that_set_at_once_lose_nothing(no_keyring: None, tmp_path: Path) -> None:
    names, count = ["one", "two", "one"], 4
    processes = [
        subprocess.Popen([sys.executable, "-c", SETTER, str(tmp_path), name, str(count)], stdin=subprocess.PIPE)
        for name in names
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    store = ConfigurationStore(tmp_path, "same")
    for name in ("one", "two"):
        expected = {f"LEVEL_{n}": "x" for n in range(count)} | {f"KEY_{n}": f"{name} {n}" for n in range(count)}
        assert store.values(name) == expected


# ------------------------------------------------------------------------------------------- keeping and forgetting


def test_a_key_removed_from_the_keyring_counts_as_missing(use: Any, tmp_path: Path) -> None:
    backend = use(MemoryKeyring())
    store = ConfigurationStore(tmp_path)
    store.set("plugin", {}, {"API_KEY": SECRET, "OTHER_KEY": "other"})
    backend.delete_password(*next(key for key in backend.kept if "API_KEY" in key[1]))
    assert store.names("plugin") == {"OTHER_KEY"}
    assert store.values("plugin") == {"OTHER_KEY": "other"}


def test_setting_one_value_leaves_the_others(no_keyring: None, tmp_path: Path) -> None:
    store = ConfigurationStore(tmp_path, "p")
    store.set("plugin", {"A": "1", "B": "2"}, {"C_KEY": "3"})
    store.set("plugin", {"B": "4"}, {"D_KEY": "5"})
    assert store.values("plugin") == {"A": "1", "B": "4", "C_KEY": "3", "D_KEY": "5"}


def test_a_value_that_is_no_secret_any_more_leaves_none_behind(no_keyring: None, tmp_path: Path) -> None:
    store = ConfigurationStore(tmp_path, "p")
    store.set("plugin", {}, {"ADDRESS": SECRET})
    assert store.secrets() == [SECRET]
    store.set("plugin", {"ADDRESS": "plain"}, {})
    assert store.secrets() == []
    assert store.vault.get("plugin/ADDRESS") is None


def test_forgetting_removes_secrets_and_all(no_keyring: None, tmp_path: Path) -> None:
    store = ConfigurationStore(tmp_path, "p")
    store.set("plugin", {"A": "1"}, {"API_KEY": SECRET})
    store.set("other", {}, {"API_KEY": "stays"})
    store.forget("plugin")
    assert (store.values("plugin"), store.values("other")) == ({}, {"API_KEY": "stays"})
    assert store.vault.get("plugin/API_KEY") is None


# ------------------------------------------------------------------------------------------- the command line


@pytest.fixture(scope="module")
def home_with_keeper(tmp_path_factory: pytest.TempPathFactory) -> KeptHome:
    cli = Cli(tmp_path_factory.mktemp("keeper") / "home")
    cli("install", "--path", str(KEEPER), "--yes")
    return KeptHome.of(cli)


@pytest.fixture
def keeper(home_with_keeper: KeptHome) -> Iterator[Cli]:
    yield from home_with_keeper.put_back()


def test_without_a_place_for_secrets_configure_says_how_to_get_one(keeper: Cli) -> None:
    failed = keeper("configure", "keeper", f"KEEPER_API_TOKEN={SECRET}", code=1).json
    assert failed["error"]["code"] == "secrets_unavailable"
    assert "DYNAMIC_PLUGINS_PASSPHRASE" in failed["error"]["message"]
    (plugin,) = keeper("status", "keeper").json["plugins"]
    assert plugin["status"] == "needs_configuration"


def test_only_the_owning_plugin_gets_a_secret(keeper: Cli, tmp_path: Path) -> None:
    keeper.env |= {
        "PYTHON_KEYRING_BACKEND": "tests.keyring_stand_ins.SharedKeyring",
        "TEST_KEYRING_FILE": str(tmp_path / "keyring.json"),
        "PYTHONPATH": str(ROOT),
    }
    other = tmp_path / "nosy"
    other.mkdir()
    (other / "plugin.py").write_text(
        "import os\nfrom dynamic_plugins.plugin import Plugin, action\n"
        "@action\ndef look() -> dict[str, str]:\n    'Looks round.'\n    return dict(os.environ)\n"
        "plugin = Plugin('nosy', 'Looks round', actions=[look])\n"
    )
    keeper("install", "--path", str(other), "--yes")
    keeper("configure", "keeper", f"keeper-api-token={SECRET}")
    keeper("activate", "keeper", "nosy")
    assert SECRET in (tmp_path / "keyring.json").read_text()
    assert keeper("call", "keeper", "length").json["result"] == len(SECRET)
    seen = keeper("call", "nosy", "look").json["result"]
    assert SECRET not in json.dumps(seen)
    assert not {"KEEPER_API_TOKEN", "TEST_KEYRING_FILE", "PYTHON_KEYRING_BACKEND"} & seen.keys()
    told = "".join(path.read_bytes().decode(errors="replace") for path in keeper.home.rglob("*") if path.is_file())
    assert SECRET not in told


@pytest.mark.parametrize("name", ["PYTHONPATH", "ld-preload", "PRISMA_QUERY_ENGINE_LIBRARY", "LESSOPEN"])
def test_what_decides_which_code_runs_cannot_be_configured(name: str, keeper: Cli) -> None:
    failed = keeper("configure", "keeper", f"{name}=/tmp/mine", code=1).json
    assert failed["error"]["code"] == "bad_arguments"
    assert "which code runs" in failed["error"]["message"]


@pytest.mark.parametrize("said", ["DYNAMIC_PLUGINS_PASSPHRASE=x", "dynamic-plugins-mcp-token=x"])
def test_what_is_ours_cannot_be_configured_for_a_plugin(said: str, keeper: Cli) -> None:
    failed = keeper("configure", "keeper", said, code=1).json
    assert failed["error"]["code"] == "bad_arguments"
    assert "dynamic-plugins' own" in failed["error"]["message"]


def test_nobody_may_declare_a_variable_of_ours() -> None:
    ours = "DYNAMIC_PLUGINS_PASSPHRASE"
    assert fields.variable({"name": ours, "default": "x"}) is None
    assert declared_settings({"agentConfig": {"pluginParameters": {ours: {"type": "string"}}}}) == ()
    with pytest.raises(ValueError, match="no plugin's"):
        own_table({"config": [{"name": ours}]})


def keyed(keeper: Cli, tmp_path: Path) -> Cli:
    """Return the command line with a keyring, and a plugin whose source mentions two variables more."""
    keeper.env |= {
        "PYTHON_KEYRING_BACKEND": "tests.keyring_stand_ins.SharedKeyring",
        "TEST_KEYRING_FILE": str(tmp_path / "keyring.json"),
        "PYTHONPATH": str(ROOT),
        "KEEPER_API_TOKEN": SECRET,
        "DYNAMIC_PLUGINS_PASSPHRASE": "ours",
        "AWS_SECRET_ACCESS_KEY": "somebody-else-s",
    }
    state = keeper.home / "plugin-management-state.json"
    kept = state.read_text()
    mentioned = [
        {"name": name, "secret": True, "found": True}
        for name in ("AWS_SECRET_ACCESS_KEY", "DYNAMIC_PLUGINS_PASSPHRASE", "NOT_SET")
    ]
    before = '"variables": ['
    assert kept.count(before) == 1
    state.write_text(kept.replace(before, before + "".join(f"{json.dumps(each)}, " for each in mentioned)))
    return keeper


def test_from_the_environment_is_taken_what_is_declared_and_not_what_source_merely_mentions(
    keeper: Cli, tmp_path: Path
) -> None:
    told = keyed(keeper, tmp_path)("configure", "keeper", "--from-env").json
    assert told["from_env"] == ["KEEPER_API_TOKEN"]
    assert "AWS_SECRET_ACCESS_KEY" not in told["set"]
    said = keeper("configure", "keeper", "--from-env", json=False)
    assert "From the environment: KEEPER_API_TOKEN." in said.out
    assert "Only its source mentions AWS_SECRET_ACCESS_KEY: not taken." in said.err
    assert "DYNAMIC_PLUGINS" not in said.out + said.err


def test_from_the_environment_is_taken_what_the_person_names(keeper: Cli, tmp_path: Path) -> None:
    told = keyed(keeper, tmp_path)("configure", "keeper", "--from-env", "aws-secret-access-key").json
    assert told["from_env"] == ["AWS_SECRET_ACCESS_KEY", "KEEPER_API_TOKEN"]
    assert "AWS_SECRET_ACCESS_KEY" in told["set"]


def test_what_is_ours_or_not_set_is_not_taken_from_the_environment_by_name_either(keeper: Cli, tmp_path: Path) -> None:
    failed = keyed(keeper, tmp_path)("configure", "keeper", "--from-env", "DYNAMIC_PLUGINS_PASSPHRASE", code=1).json
    assert "dynamic-plugins' own" in failed["error"]["message"]
    not_set = keeper("configure", "keeper", "--from-env", "NOT_SET", code=2).json
    assert "NOT_SET: not set" in not_set["error"]["message"]
    wrong = keeper("configure", "keeper", "KEEPER_API_TOKEN", code=2).json
    assert "is not KEY=VALUE" in wrong["error"]["message"]


def test_every_loaders_and_interpreters_own_variables_are_forbidden() -> None:
    wanted = {"PATH", "LD_PRELOAD", "DYLD_INSERT_LIBRARIES", "PYTHONPATH", "PYTHONSTARTUP", "NODE_OPTIONS"}
    wanted |= {"GCONV_PATH", "OPENSSL_CONF", "GIT_SSH_COMMAND", "GIT_CONFIG_GLOBAL", "BASH_ENV", "JDK_JAVA_OPTIONS"}
    assert wanted <= FORBIDDEN_VARIABLES


def test_nothing_stays_of_what_a_plugin_is_told_while_it_is_removed(no_keyring: None, tmp_path: Path) -> None:
    installed = {"plugin"}

    def forget() -> None:
        installed.clear()
        ConfigurationStore(tmp_path, "p").forget("plugin")

    removing = threading.Thread(target=forget)

    def asked() -> set[str]:
        found = set(installed)
        removing.start()  # at the worst moment: it was still there when that was asked
        return found

    ConfigurationStore(tmp_path, "p", asked).set("plugin", {"LEVEL": "3"}, {"API_KEY": SECRET})
    removing.join(60)
    later = ConfigurationStore(tmp_path, "p", lambda: installed)
    assert later.values("plugin") == {}
    with pytest.raises(NotInstalledError):
        later.set("plugin", {"LEVEL": "3"}, {"API_KEY": SECRET})
    assert later.values("plugin") == {}
    assert later.vault.get("plugin/API_KEY") is None


def test_nothing_stays_of_a_sign_in_that_ends_while_its_plugin_is_removed(no_keyring: None, tmp_path: Path) -> None:
    sign_in = SignIn("https://a.example/mcp", "https://a.example", "https://a.example", {"access_token": SECRET}, {})
    removing = threading.Thread(target=lambda: ConfigurationStore(tmp_path, "p").forget("plugin"))

    def asked() -> set[str]:
        removing.start()  # at the worst moment: it was still there when that was asked
        removing.join(0.5)  # it has to wait for us
        return {"plugin"}

    ConfigurationStore(tmp_path, "p", asked).sign_ins.keep("plugin", sign_in)
    removing.join(60)
    later = ConfigurationStore(tmp_path, "p")
    assert later.sign_ins.facts("plugin") == []
    assert later.secrets() == []


def test_only_what_is_installed_is_told_anything(tmp_path: Path) -> None:
    with pytest.raises(NotInstalledError):
        App(Settings(home=tmp_path)).configuration.set("plugin", {"LEVEL": "3"}, {})
