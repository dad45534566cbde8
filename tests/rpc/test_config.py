"""Settings: five sources in increasing weight, and no bad option stops anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ckit_daemon.config import ENVIRONMENT_KEYS, load

if TYPE_CHECKING:
    from pathlib import Path


def repository(tmp_path: Path, text: str) -> Path:
    folder = tmp_path / ".context-kit"
    folder.mkdir()
    (folder / "ckit.toml").write_text(text, "utf-8")
    return tmp_path


def test_R17_each_source_outweighs_the_one_before(tmp_path: Path) -> None:
    user = tmp_path / "config.toml"
    key = "repository.maxFileBytes"

    def value(*, env: bool, file: bool, repo: bool, client: bool) -> tuple[object, str]:
        user.write_text("[repository]\nmaxFileBytes = 3000\n" if file else "", "utf-8")
        environment = {"CKIT_CONFIG_FILE": str(user)} | ({"CKIT_REPOSITORY_MAX_FILE_BYTES": "2000"} if env else {})
        configuration = load(environment)
        if client:
            configuration = configuration.with_client({"repository": {"maxFileBytes": 5000}})
        if repo:
            configuration = configuration.for_repository(tmp_path / "repo")
        (found,) = configuration.describe(key)
        return found.value, found.source

    (tmp_path / "repo").mkdir()
    repository(tmp_path / "repo", "[repository]\nmaxFileBytes = 4000\n")
    assert value(env=False, file=False, repo=False, client=False) == (5 * 1024 * 1024, "default")
    assert value(env=True, file=False, repo=False, client=False) == (2000, "environment")
    assert value(env=True, file=True, repo=False, client=False) == (3000, "userFile")
    assert value(env=True, file=True, repo=True, client=False) == (4000, "repositoryFile")
    assert value(env=True, file=True, repo=True, client=True) == (5000, "client")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[log]\nfile = 'x'", "may not change"),
        ("[features]\nscripts = true", "may not change"),
        ("[paths]\ncacheDir = '/etc'", "may not change"),
        ("[repository]\nmaxFileBytes = 'many'", "Expected `int`, got `str`."),
        ("[repository]\nmaxFileBytes = 1", "Expected `int` >= 1024."),
        ("[repository\n", "not valid TOML"),
        ("x = 1", "no setting"),
        ("[a]\napi_key = 'abc'", "by reference"),
        ("[log]\nfile = 'sk-0123456789abcdef'", "looks like a secret"),
    ],
)
def test_a_bad_or_dangerous_option_of_a_repository_warns_and_changes_nothing(
    tmp_path: Path, text: str, message: str
) -> None:
    plain = load({"CKIT_CONFIG_FILE": str(tmp_path / "none.toml")})
    configuration = plain.for_repository(repository(tmp_path, text))
    (warning,) = configuration.warnings
    assert message in warning.message
    assert configuration.settings == plain.settings


def test_environment_names_follow_from_the_keys_and_unknown_ones_warn(tmp_path: Path) -> None:
    assert ENVIRONMENT_KEYS["CKIT_LIMITS_MAX_QUEUED"] == "limits.maxQueued"
    configuration = load(
        {
            "CKIT_CONFIG_FILE": str(tmp_path / "none"),
            "CKIT_NOPE": "1",
            "CKIT_LIMITS_METHOD_TIMEOUT_SECONDS": '{"ckit/x": 2.5}',
            "CKIT_FEATURES_EDITS": "false",
            "OTHER": "x",
        }
    )
    assert [w.key for w in configuration.warnings] == ["CKIT_NOPE"]
    assert configuration.settings.limits.method_timeout_seconds == {"ckit/x": 2.5}
    assert not configuration.settings.features.edits
    assert load({"CKIT_CONFIG_FILE": "x", "CKIT_LIMITS_METHOD_TIMEOUT_SECONDS": "{"}).warnings


@pytest.mark.parametrize("text", ["loud", "loud - at noon"])
def test_R16_a_warning_names_the_choices_and_does_not_repeat_the_value(text: str) -> None:
    (warning,) = load({"CKIT_CONFIG_FILE": "x", "CKIT_LOG_LEVEL": text}).warnings
    assert warning.message == "Expected one of debug, info, warning, error."


def test_every_setting_is_described() -> None:
    assert all(s.description for s in load({}).describe())


def test_an_unreadable_user_file_warns(tmp_path: Path) -> None:
    assert load({"CKIT_CONFIG_FILE": str(tmp_path)}).warnings
    large = tmp_path / "large.toml"
    large.write_text("#" * 300_000, "utf-8")
    assert "larger" in load({"CKIT_CONFIG_FILE": str(large)}).warnings[0].message
