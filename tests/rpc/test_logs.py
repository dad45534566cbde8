"""Logs are structured, name their request, and hold no secret."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import sys
import threading
import warnings
from typing import TYPE_CHECKING

import pytest

from ckit_daemon.logs import Logs, bind_request
from ckit_daemon.redaction import MASK, Redactor, names_secret
from ckit_daemon.settings import LogSettings
from tests.support.daemon import spawned

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.support.client import Json

PLANTED = "planted-value-4711"


def written(settings: LogSettings, stream: io.StringIO, act: object) -> list[str]:
    with in_force(Logs(settings, stream)):
        assert callable(act)
        act()
    return stream.getvalue().splitlines()


@contextlib.contextmanager
def in_force(logs: Logs) -> Generator[None]:
    root = logging.getLogger()
    level = root.level
    logs.start()
    try:
        yield
    finally:
        logs.close()
        root.setLevel(level)


def test_R08_a_record_is_one_json_object_with_level_time_and_fields() -> None:
    lines = written(
        LogSettings(), io.StringIO(), lambda: logging.getLogger("ckit").warning("done", extra={"duration_ms": 3})
    )
    (record,) = [json.loads(line) for line in lines]
    assert record["event"] == "done"
    assert record["level"] == "warning"
    assert record["duration_ms"] == 3
    assert record["timestamp"].endswith("Z")


def test_R16_every_record_of_a_request_names_it() -> None:
    def act() -> None:
        bind_request(request_id="r-1", method="ckit/x")
        logging.getLogger("a").info("one")
        logging.getLogger("b").warning("two")
        bind_request()

    lines = written(LogSettings(), io.StringIO(), act)
    assert [json.loads(line)["request_id"] for line in lines] == ["r-1", "r-1"]


def test_R08_planted_keys_reach_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED_API_KEY", PLANTED)

    def act() -> None:
        log = logging.getLogger("ckit")
        log.error("failed with %s", PLANTED)
        log.error("x", extra={"headers": {"Authorization": "Bearer abcdefghijkl", "list": ["sk-0123456789abcdef"]}})
        log.error("x", extra={"api_key": "plain", "password": "plain", "url": "https://me:hunter2@host/x"})
        log.error("GET /?token=abcdefgh&x=1 api_key='zzzzzzzz'")
        try:
            int(f"no {PLANTED} and ghp_{'a' * 30}")
        except ValueError:
            log.exception("raised")

    text = "\n".join(written(LogSettings(), io.StringIO(), act))
    for secret in (
        PLANTED,
        "abcdefghijkl",
        "sk-0123456789abcdef",
        "plain",
        "hunter2",
        "abcdefgh",
        "zzzzzzzz",
        "a" * 30,
    ):
        assert secret not in text
    assert MASK in text
    assert "Traceback" in text


def test_R08_exceptions_that_nobody_caught_are_logged_without_secrets(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLANTED_API_KEY", PLANTED)

    def fail() -> None:
        raise ValueError(f"illegal header value {PLANTED!r}")

    class Broken:
        def __del__(self) -> None:
            fail()

    def act() -> None:
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        Broken()
        error = ValueError(PLANTED)
        sys.excepthook(ValueError, error, None)

    before = sys.excepthook, threading.excepthook, sys.unraisablehook
    lines = written(LogSettings(), io.StringIO(), act)
    assert [json.loads(line)["level"] for line in lines] == ["critical"] * 3
    assert all("ValueError" in line and MASK in line for line in lines)
    assert PLANTED not in "".join([*lines, *capfd.readouterr()])
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == before


def test_R08_a_record_that_can_t_be_written_says_only_where_it_comes_from(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # pytest's own handler raises.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    lines = written(LogSettings(), io.StringIO(), lambda: logging.getLogger("foreign").error("%d", PLANTED))
    assert lines == ["a record of foreign can't be logged: TypeError"]
    assert "".join(capfd.readouterr()) == ""


@pytest.mark.parametrize(
    "name",
    [
        *("apiKey", "api_key", "Authorization", "x-api-key", "PASSWORD", "refreshToken", "token"),
        *("PGPASSWORD", "MYSQL_PWD", "DJANGO_SECRET_KEY"),
    ],
)
def test_names_of_secrets_are_recognised(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize(
    "name",
    ["workDoneToken", "maxTokens", "keyboard", "tokenizer", "author", "limits.maxQueued", "PWD", "OLDPWD"],
)
def test_harmless_names_are_left_alone(name: str) -> None:
    assert not names_secret(name)


def test_a_variable_that_names_the_place_of_a_secret_is_no_secret() -> None:
    redactor = Redactor({"CKIT_RAG_CHROMA_TOKEN": "env:MY_TOKEN", "MY_TOKEN": "q8w7e6r5"})
    assert redactor.text("env:MY_TOKEN is q8w7e6r5") == f"env:MY_TOKEN is {MASK}"


def test_redaction_keeps_the_rest_of_a_text() -> None:
    assert Redactor({}).text("call sk-abcdefgh12345 now") == f"call {MASK} now"
    assert Redactor({}).value({"a": [1, None, True, "b"]}) == {"a": [1, None, True, "b"]}


@pytest.mark.parametrize("name", ["PGPASSWORD", "MYSQL_PWD", "GITHUB_TOKEN", "CLIENT_SECRET", "DJANGO_SECRET_KEY"])
def test_what_a_shell_puts_into_the_variable_of_a_secret_is_masked(name: str) -> None:
    assert Redactor({}).text(f"{name}=q8w7e6 psql -h db") == f"{name}={MASK} psql -h db"
    assert Redactor({}).text(f'export {name}="q8w7e6"') == f'export {name}="{MASK}"'


@pytest.mark.parametrize("text", ["PWD=/home/ada", "the password: is asked for", "a pgpassword file", "my_pwd is long"])
def test_what_only_speaks_of_secrets_is_left_alone(text: str) -> None:
    assert Redactor({}).text(text) == text


def test_console_format_and_level_and_warnings() -> None:
    def act() -> None:
        logging.getLogger("x").info("hidden")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("odd", UserWarning, stacklevel=1)

    lines = written(LogSettings(format="console", level="warning"), io.StringIO(), act)
    assert "hidden" not in str(lines)
    assert "odd" in str(lines)


def test_what_a_client_says_of_the_log_holds_from_then_on(tmp_path: Path) -> None:
    path = tmp_path / "other.log"

    stream = io.StringIO()
    logs = Logs(LogSettings(level="error"), stream)
    with in_force(logs):
        logging.getLogger("x").info("hidden")
        logs.follow(LogSettings(level="info"))
        logging.getLogger("x").info("shown")
        with pytest.raises(OSError, match="No such file"):
            logs.follow(LogSettings(file=str(tmp_path / "none" / "x.log")))
        logging.getLogger("x").info("still here")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["shown", "still here"]
    logs = Logs(LogSettings(level="error"), stream)
    with in_force(logs):
        logs.follow(LogSettings(file=str(path), format="console"))
        logging.getLogger("x").info("over there")
    assert path.read_text("utf-8").split()[1:5] == ["[info", "]", "over", "there"]


@pytest.mark.asyncio
async def test_a_client_hears_of_a_log_file_that_can_t_be_opened(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.log", tmp_path / "none" / "bad.log"
    for file, told in ((good, []), (bad, ["log.file"])):
        options: Json = {"config": {"log": {"file": str(file), "level": "debug"}}}
        async with spawned(tmp_path, options) as one:
            answer = await one.client.request("ckit/config/get", {"prefix": "log."})
        assert [each["key"] for each in answer["warnings"]] == told
        in_effect = {each["key"]: each["value"] for each in answer["settings"]}
        assert in_effect == {"log.file": "" if told else str(file), "log.level": "debug", "log.format": "json"}
        assert '"level":"debug"' in (one.log if told else file).read_text("utf-8")


def test_the_log_can_go_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "päth with space.log"
    with in_force(Logs(LogSettings(file=str(path)))):
        logging.getLogger("x").error("to the file")
    assert "to the file" in path.read_text("utf-8")
