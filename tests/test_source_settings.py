"""The settings found in a package's source: which they are, what they cost, and that they are nobody's by default."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from dynamic_plugins.install import source_settings
from dynamic_plugins.install.source_settings import read_settings
from dynamic_plugins.registry.entry import Variable
from dynamic_plugins.text.secret_names import looks_secret, secret_unless_plain

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Brought:
    site_packages: Path

    def modules(self, _: str) -> list[str]:
        return ["pack"]


def found(path: Path, text: str, *declared: Variable) -> list[str]:
    (path / "pack").mkdir(exist_ok=True)
    (path / "pack" / "settings.py").write_text(text)
    environment: Any = Brought(path)
    return [each.name for each in read_settings(environment, "pack", declared)]


def test_settings_are_found_in_calls_and_subscripts_and_not_in_comments_or_texts(
    tmp_path: Path,
) -> None:
    text = """
# os.environ["IN_COMMENT"]
'''getenv("IN_TEXT")'''
os.environ["WRITTEN_ONLY"] = "1"
a = os.environ["BY_ITEM"], os.environ.get("BY_GET"), getenv(
    "BY_CALL"), runtime.get_setting("BY_RUNTIME"), _env_bool("BY_HELPER", "NOT_THIS"), load_settings()["BY_MADE"]
b = other("NOT_THAT"), table["NOR_THIS"], getenv("DECLARED_ONE")
c = getenv("DYNAMIC_PLUGINS_PASSPHRASE"), getenv("LD_PRELOAD")
"""
    names = found(tmp_path, text, Variable("DECLARED_ONE"))
    assert names == ["BY_CALL", "BY_GET", "BY_HELPER", "BY_ITEM", "BY_MADE", "BY_RUNTIME"]


def test_what_is_no_python_of_ours_is_read_as_it_is_spelled(tmp_path: Path) -> None:
    text = 'print os.environ["OLD_WAY"], os.environ.get( "OTHER_WAY" ), settings.get(\'THIRD_WAY\')'
    assert found(tmp_path, text) == ["OLD_WAY", "OTHER_WAY", "THIRD_WAY"]


def test_a_module_that_is_one_file_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "pack.py").write_text('getenv("BY_FILE")')
    assert found(tmp_path, "") == ["BY_FILE"]


def test_a_folder_that_is_called_like_a_module_and_a_file_that_cannot_be_read_stop_nothing(tmp_path: Path) -> None:
    (tmp_path / "pack" / "x.py").mkdir(parents=True)
    (tmp_path / "pack" / "x.py" / "inner.py").write_text('getenv("FROM_INSIDE")')
    (tmp_path / "pack" / "gone.py").symlink_to(tmp_path / "nowhere.py")
    (tmp_path / "pack" / "deep.py").write_text("env" + "(" * 5000)
    (tmp_path / "pack" / "nul.py").write_text("env\0")
    assert found(tmp_path, 'getenv("BESIDE_IT")') == ["BESIDE_IT", "FROM_INSIDE"]


@pytest.mark.parametrize(
    "piece",
    ["env", "env(", "setting ", 'env["A_', "envA1+/", "env" + " " * 30, "env.get" + "\n" * 9, "_env" * 30],
)
def test_a_longer_text_takes_only_as_much_longer(piece: str) -> None:
    def took(length: int) -> float:
        text = (piece * (length // len(piece) + 1))[:length]
        start = time.thread_time()
        list(source_settings._SPELLED.finditer(text))
        return max(time.thread_time() - start, 1e-3)

    # Sixteen times the text: cubic would take four thousand times as long, quadratic two hundred and fifty. Where
    # something else has slowed the longer one down, another one tells.
    assert any(took(640_000) / took(40_000) < 100 for _ in range(5))


def test_no_more_than_so_much_is_read_and_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = "\n".join(f'getenv("NUMBER_{each:03}")' for each in range(300))
    assert len(found(tmp_path, many)) == 200
    monkeypatch.setattr(source_settings, "_MOST_IN_ALL", 10)
    assert found(tmp_path, many) == []
    monkeypatch.undo()
    monkeypatch.setattr(source_settings, "_MOST_FILES", 1)
    (tmp_path / "pack" / "a.py").write_text('getenv("FIRST_ONE")')
    assert found(tmp_path, many) == ["FIRST_ONE"]


def test_what_is_found_says_so_and_is_a_secret_unless_its_name_says_that_it_is_none(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "a.py").write_text('getenv("MY_THING"), getenv("MY_PORT")')
    environment: Any = Brought(tmp_path)
    kept = read_settings(environment, "pack", ())
    assert kept == (Variable("MY_PORT", found=True), Variable("MY_THING", secret=True, found=True))


@pytest.mark.parametrize(
    "name",
    """
    SMTP_PASS GMAIL_APP_PASS DB_PWD TELEGRAM_SESSION DATABASE_URL POSTGRES_URL MONGO_URI
    DISCORD_WEBHOOK_URL SOLANA_KEYPAIR SLACK_SIGNING REDIS_URL OPENAI_API_KEY
    """.split(),  # noqa: SIM905
)
def test_passwords_keys_and_addresses_that_carry_them_look_secret(name: str) -> None:
    assert looks_secret(name)
    assert secret_unless_plain(name)


@pytest.mark.parametrize("name", ["PASS", "PWD", "BYPASS", "SESSION", "SITE_URL", "SIGNING", "EVM_PUBLIC_KEY"])
def test_what_only_sounds_like_one_looks_like_no_secret(name: str) -> None:
    assert not looks_secret(name)


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        *((name, False) for name in ("X_PORT", "X_ENABLED", "X_MODEL", "X_LOG_LEVEL", "MAX_TOKENS", "X_BASE_PATH")),
        *((name, True) for name in ("X_ACCOUNT", "X_RPC_URL", "X_TOKENS")),
        ("EVM_PUBLIC_KEY", False),
    ],
)
def test_of_what_is_found_only_plain_names_are_no_secrets(name: str, secret: bool) -> None:
    assert secret_unless_plain(name) is secret
