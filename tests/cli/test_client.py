from __future__ import annotations

import sys
from typing import Any

import pytest

from ckit_daemon.cli.client import Daemon
from ckit_daemon.cli.errors import CommandError, RequestError
from ckit_daemon.wire.version import PROTOCOL_VERSION


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a busy machine end a daemon by itself."""
    monkeypatch.setattr("ckit_daemon.cli.client.GRACE_SECONDS", 60.0)


def program(code: str) -> list[str]:
    """A program that is started like the daemon and does something else."""
    return [sys.executable, "-c", code]


def test_a_program_that_is_not_there_is_named_as_the_reason() -> None:
    with pytest.raises(CommandError, match="can't be started"), Daemon(["/nowhere/ckit-daemon"]):
        pass


def test_a_daemon_that_dies_shows_the_end_of_its_log() -> None:
    code = "import sys; [print(f'line {i}', file=sys.stderr) for i in range(100)]; sys.exit(7)"
    with pytest.raises(CommandError) as caught, Daemon(program(code)) as daemon:
        daemon.request("initialize", {})
    assert "exit code 7" in caught.value.message
    assert caught.value.hints[-1] == "daemon: line 99"
    assert len(caught.value.hints) <= 12


def test_a_daemon_that_writes_nonsense_counts_as_dead() -> None:
    code = "import sys, time; print('hello', flush=True); print(flush=True); sys.stdin.read()"
    with pytest.raises(CommandError, match="ended unexpectedly"), Daemon(program(code)) as daemon:
        daemon.request("initialize", {})


def test_a_message_that_is_cut_off_counts_as_the_end() -> None:
    code = "import sys; sys.stdout.write('Content-Length: 100\\r\\n\\r\\n{}')"
    with pytest.raises(CommandError, match="ended unexpectedly"), Daemon(program(code)) as daemon:
        daemon.request("initialize", {})


def test_a_server_of_another_kind_is_not_taken_for_the_daemon() -> None:
    answer = '{"jsonrpc":"2.0","id":1,"result":{"capabilities":{}}}'
    code = f"import sys; sys.stdout.write('Content-Length: {len(answer)}\\r\\n\\r\\n{answer}'); sys.stdout.flush()"
    code += "; sys.stdin.read()"
    with pytest.raises(CommandError, match="does not speak"), Daemon(program(code)) as daemon:
        daemon.initialize({})


def test_requests_of_the_other_side_are_answered() -> None:
    code = """
import json, sys
def send(message):
    body = json.dumps(message).encode()
    sys.stdout.buffer.write(b"content-length: %d\\r\\n\\r\\n" % len(body) + body)
    sys.stdout.flush()
def receive():
    length = int(sys.stdin.buffer.readline().split(b":")[1])
    sys.stdin.buffer.readline()
    return json.loads(sys.stdin.buffer.read(length))
first = receive()
send({"jsonrpc": "2.0", "id": "a", "method": "window/workDoneProgress/create", "params": {"token": 1}})
send({"jsonrpc": "2.0", "id": "b", "method": "workspace/applyEdit", "params": {}})
send({"jsonrpc": "2.0", "id": first["id"], "result": {"answers": [receive(), receive()]}})
receive()
"""
    with Daemon(program(code)) as daemon:
        answers: Any = daemon.request("anything")["answers"]
    assert answers[0] == {"jsonrpc": "2.0", "id": "a", "result": None}
    assert answers[1]["error"]["code"] == -32601


def test_the_real_daemon_introduces_itself_and_ends_with_the_block() -> None:
    with Daemon() as daemon:
        capabilities = daemon.initialize({"protocolVersions": [PROTOCOL_VERSION]})
        process = daemon._process
    assert capabilities["protocolVersion"] == PROTOCOL_VERSION
    assert process.returncode == 0


def test_an_error_of_the_real_daemon_keeps_its_code() -> None:
    with Daemon() as daemon:
        daemon.initialize({})
        with pytest.raises(RequestError) as caught:
            daemon.request("ckit/entity/get", {"id": "FEAT-001"})
    assert caught.value.as_json() == {"error": caught.value.error}
    assert caught.value.code == "not_found"


def test_ctrl_c_cancels_the_request_in_the_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    with Daemon() as daemon:
        daemon.initialize({})
        notify, receive = daemon.notify, daemon._receive

        def record(method: str, params: Any = None) -> None:
            sent.append(method)
            notify(method, params)

        def interrupted() -> None:
            monkeypatch.setattr(daemon, "_receive", receive)
            raise KeyboardInterrupt

        monkeypatch.setattr(daemon, "notify", record)
        monkeypatch.setattr(daemon, "_receive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            daemon.request("ckit/health", {})
        # The answer of the cancelled request was taken, so that the next one gets its own.
        assert daemon.request("ckit/health", {})["live"] is True
    assert sent[0] == "$/cancelRequest"
