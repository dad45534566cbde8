"""The assistant's commands without a terminal: what scripts and pipes see."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from ckit_daemon.cli.main import app
from ckit_daemon.config import load
from tests.support.model_server import Reply, ToolCallReply, model_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Ckit
    from tests.support.model_server import ModelServer

TASK = "contexts/tasks/T-009-retry-and-suppress.yaml"
README = Path(__file__).parents[2] / "README.md"
KEY = "readme-key-0123456789"


def test_ask_prints_the_answer_alone_and_tells_about_the_work_on_standard_error(ckit: Ckit) -> None:
    assert ckit("rag", "index").code == 0
    run = ckit("ask", "Where does it say how long", "an item waits?")
    assert run.code == 0
    assert "**FEAT-003** Reserve items and collect them says:\n\n> An item waits 7 opening days" in run.out
    assert run.out.endswith("_Put together from what the tools found; no language model was asked._\n")
    lines = run.err.splitlines()
    assert lines[0].split("  ")[0] == "\u2714 rag.search query=Where does it say how long an item waits? limit=8"
    # Where the index takes long to open, words have to do, and entities are looked at as well.
    assert re.match("offline/offline \u00b7 [0-9] tool runs? \u00b7 about ", lines[-1])


def test_ask_gives_programs_every_item_of_its_turn(ckit: Ckit) -> None:
    said = ckit("ask", "Validate.", "--json").json
    assert [turn["stopReason"] for turn in said["turns"]] == ["endTurn"]
    kinds = [item["kind"] for item in said["items"]]
    assert kinds == ["userMessage", "message", "toolCall", "message", "usage"]
    again = ckit("ask", "What is T-007?", "--session", said["session"]["id"][:8], "--json").json
    assert again["session"]["id"] == said["session"]["id"]
    assert again["session"]["turns"] == 2
    assert [item["text"] for item in again["items"] if item["kind"] == "userMessage"] == ["What is T-007?"]


def test_ask_needs_a_question(ckit: Ckit) -> None:
    run = ckit("ask")
    assert run.code == 2
    assert "There is no question" in run.err


def test_R38_where_nobody_can_be_asked_nothing_is_changed(own: Ckit) -> None:
    before = (own.repo / TASK).read_bytes()
    run = own("ask", "Set status of T-009 to done")
    assert run.code == 0
    assert "`entity.edit` did not do it: " in run.out
    assert "Not allowed: Update T-009. Nobody could be asked" in run.err
    assert (own.repo / TASK).read_bytes() == before


def test_a_model_that_can_t_be_had_is_an_error_with_its_reason(ckit: Ckit) -> None:
    run = ckit("ask", "Hello?", "--model", "nowhere/gpt")
    assert run.code == 2
    assert "No provider of the settings serves nowhere/gpt" in run.err
    for command in (("ask", "Hello?"), ("spec", "FEAT-001"), ("promptify", "SPEC-001")):
        half = ckit(*command, "--model", "offline")
        assert half.code == 2
        assert "must be PROVIDER/MODEL" in half.err


def test_chat_takes_messages_and_commands_line_by_line(own: Ckit) -> None:
    lines = [
        "/help",
        "/compact",
        "What is T-009?",
        "/model",
        "/model nowhere/gpt",
        "/model offline",
        "/model offline/offline",
        "/mode",
        "/mode clarification",
        "/mode funny",
        "/resume",
        "/sessions",
        "/compact what T-009 is about",
        "/attach",
        "/attach T-001 README.md:1-2",
        "What is T-001?",
        "/fork The copy",
        "/new",
        "/fork",
        "/session",
        "/nonsense",
        "Validate.",
        "/exit",
        "This is never said.",
    ]
    result = CliRunner().invoke(app, ["--repo", str(own.repo), "chat"], input="\n".join(lines), catch_exceptions=False)
    assert result.exit_code == 0
    for shown in (
        "**T-009** Retry deliveries and suppress dead addresses is a task, blocked",
        "What is T-009?",
        "The repository is in order: 43 entities, no findings.",
    ):
        assert shown in result.stdout
    for told in (
        "/model [PROVIDER/MODEL]",
        "There is nothing to summarize yet.",
        "offline/offline answers. Providers: offline",
        "There is no provider for 'nowhere/gpt'.",
        "'offline' names no model: /model offline/MODEL",
        "From now on offline/offline answers.",
        "The mode is general.",
        "The mode is clarification from now on.",
        "The modes are general, improvement, clarification.",
        "No turn of this session was interrupted.",
        "1 turn",
        "The model gets this from now on: ",
        "Name entities or files: /attach FEAT-001",
        "With the next message go 2 attachments.",
        "This is 'The copy' (3 turns).",
        "The next message begins a new session.",
        "There is nothing to copy yet.",
        "There is no command /nonsense.",
    ):
        assert told in result.stderr, told
    assert "never said" not in result.stdout + result.stderr


@pytest.fixture
def scripted(own: Ckit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """A model server that the command is set up for."""
    with model_server("openai") as server:
        config = tmp_path / "config.toml"
        config.write_text(
            f'[models]\nchat = "test/scripted"\nmaxRetries = 0\nfallbacks = ["test/scripted-b"]\n'
            f'[models.providers.test]\nkind = "openai"\nbaseUrl = "{server.base_url}"\n',
            encoding="utf-8",
        )
        monkeypatch.setenv("CKIT_CONFIG_FILE", str(config))
        yield server


def test_what_a_model_thinks_is_no_part_of_the_answer(own: Ckit, scripted: ModelServer) -> None:
    scripted.enqueue(Reply(text="Forty-two.", reasoning="Let me think."))
    run = own("ask", "How many?")
    assert run.out == "Forty-two.\n"
    assert "Let me think." in run.err


def test_a_failure_is_told_once_with_what_the_fallbacks_said_also_to_who_wants_quiet(
    own: Ckit, scripted: ModelServer
) -> None:
    scripted.respond = lambda _: Reply(status=500)
    for options in ((), ("--quiet",)):
        run = own("ask", "Well?", *options)
        assert run.code == 2
        assert run.err.count("The provider test failed (HTTP 500).") == 2
        assert run.err.count("The fallbacks did not answer either. test/scripted-b: ") == 1


def test_R18_a_person_is_told_that_another_model_answered_and_why(own: Ckit, scripted: ModelServer) -> None:
    scripted.enqueue(Reply(status=503), Reply(text="Here."))
    run = own("ask", "Well?")
    assert (run.code, run.out) == (0, "Here.\n")
    assert "! test/scripted could not answer; test/scripted-b did instead. The reason: The provider test" in run.err


def test_R20_a_kept_answer_is_told_as_such(own: Ckit, scripted: ModelServer) -> None:
    question = f"Is it {scripted.base_url}?"
    scripted.enqueue(Reply(text="Yes."))
    assert "kept answer" not in own("ask", question).err
    again = own("ask", question)
    assert again.out == "Yes.\n"
    assert "kept answer" in again.err
    assert len(scripted.calls) == 1


def test_why_a_tool_failed_is_told_to_the_person(own: Ckit, scripted: ModelServer) -> None:
    scripted.enqueue(Reply(tool_calls=[ToolCallReply("entity_details", {"id": "FEAT-999"})]), Reply(text="No."))
    assert "error: There is no entity 'FEAT-999'" in own("ask", "What is it?").err


def test_entities_files_and_lines_can_be_attached(own: Ckit, scripted: ModelServer) -> None:
    scripted.enqueue(Reply(text="I see."))
    assert own("ask", "Read.", "-a", "T-009", "-a", TASK, "--attach", f"{own.repo / TASK}:2-3").code == 0
    [*_, message] = scripted.calls[-1].body["messages"]
    lines = (own.repo / TASK).read_text(encoding="utf-8").splitlines()
    for source in ("entity T-009", f"file {TASK}", f"selection in {TASK}, lines 2 to 3"):
        assert f'source="{source}"' in message["content"]
    assert message["content"].count(lines[1]) == 3
    assert message["content"].count(lines[4]) == 2
    for name, problem in (
        ("T-999", "There is no entity 'T-999'."),
        ("no/such.md", "There is no file 'no/such.md'."),
        (str(README), "is outside of the repository"),
        (f"{TASK}:5-999", f"{TASK} has the lines 1 to {len(lines)}, not 5 to 999."),
    ):
        refused = own("ask", "Read.", "-a", name)
        assert refused.code in {1, 2}
        assert problem in refused.err
    assert len(scripted.calls) == 1


def test_a_session_goes_on_as_a_copy_with_another_budget(own: Ckit, scripted: ModelServer) -> None:
    scripted.enqueue(Reply(text="One.", usage=(50, 10)))
    first = own("ask", "One?", "--json").json["session"]["id"][:8]
    copied = own("sessions", "fork", first, "--title", "Short", "--max-tokens", "60")
    assert copied.code == 0
    copy = re.findall(r"ckit chat --session (\w+)", copied.out)[0]
    assert re.search(rf"^{copy} .* 1 turn +Short", own("sessions").out, re.MULTILINE)
    spent = own("ask", "Two?", "--session", copy)
    assert spent.code == 2
    assert f"ckit sessions fork {copy} --max-tokens N" in spent.err
    assert own("sessions", "archive", copy).code == 0
    away = own("ask", "Two?", "--session", copy)
    assert away.code == 2
    assert f"ckit sessions archive --undo {copy}" in away.err
    assert len(scripted.calls) == 1


def test_sessions_are_listed_renamed_put_away_exported_and_deleted(own: Ckit) -> None:
    identifier = own("ask", "Validate.", "--json").json["session"]["id"]
    short = identifier[:8]
    assert own("sessions", "rename", short, "All in order?").code == 0
    listed = own("sessions").out
    assert re.search(rf"^{short} +\S.* 1 turn +All in order\?", listed, re.MULTILINE)
    assert own("sessions", "archive", short).out == "\u2714 It is put away.\n"
    assert short not in own("sessions", "list").out
    assert short in own("sessions", "--all").out
    assert own("sessions", "export", short, "-f", "json", "--json").json["mediaType"] == "application/json"
    assert "The repository is in order" in own("sessions", "show", short).out
    asked = own("sessions", "delete", short)
    assert asked.code == 2
    assert "add --yes" in asked.err
    assert own("sessions", "delete", short, "--yes").code == 0
    gone = own("sessions", "show", short)
    assert gone.code == 1
    assert f"There is no session '{short}'." in gone.err


def test_providers_are_listed_and_tried(ckit: Ckit) -> None:
    assert ckit("providers").out.split()[:3] == ["\u2714", "offline", "offline"]
    assert ckit("providers", "models", "offline").out.startswith("offline/offline  200,000 tokens")
    tried = ckit("providers", "test", "offline")
    assert tried.code == 0
    assert tried.out.startswith("\u2714 offline/offline")
    assert ckit("providers", "test", "nowhere").code == 2


def test_a_spec_is_written_to_standard_output_and_saved_when_that_is_allowed(own: Ckit) -> None:
    shown = own("spec", "FEAT-004", "--requirement", "Members can pause notices")
    assert shown.code == 0
    assert shown.out.startswith("# Members can pause notices\n")
    assert "Nothing is written yet: --apply writes 3 files." in shown.err
    assert own("spec", "FEAT-004", "--apply").code == 2
    saved = own("spec", "FEAT-004", "-r", "Members can pause notices", "--apply", "--yes")
    assert saved.code == 0
    assert saved.out == shown.out
    assert "contexts/specs/SPEC-008-members-can-pause-notices.yaml" in saved.err
    prompt = own("promptify", "SPEC-008", "--target", "review", "--budget", "900")
    assert prompt.code == 0
    assert "Members can pause notices" in prompt.out
    assert re.search(r"of 900 tokens", prompt.err)
    assert "SPEC-008: Members can pause notices" in prompt.err
    assert own("explain", "SPEC-008").out.startswith("spec SPEC-008, succeeded")
    assert own("undo", "SPEC-008").code == 0
    assert not [*(own.repo / "contexts/specs").glob("SPEC-008*")]
    again = own("undo", "SPEC-008")
    assert again.code == 2
    assert "The newest generation of SPEC-008 has written nothing." in again.err


def test_promptify_takes_the_text_of_a_file(ckit: Ckit, tmp_path: Path) -> None:
    file = tmp_path / "idea.md"
    file.write_text("# Pausing\n\nA member pauses notices for a week.\n", encoding="utf-8")
    assert "A member pauses notices for a week." in ckit("promptify", str(file), "--quiet").out
    file.write_bytes(b"\xff\xfe")
    assert ckit("promptify", str(file)).code == 2


def test_code_is_a_patch_until_it_is_applied(own: Ckit) -> None:
    run = own("codegen", "SPEC-001", "--language", "python")
    assert run.code == 0
    assert "+++ b/src/" in run.out
    assert run.out.endswith("\n")
    assert not (own.repo / "src").exists()
    applied = own("codegen", "SPEC-001", "--language", "python", "--apply", "--yes")
    assert applied.code == 0
    assert "wrote " in applied.err
    assert [*(own.repo / "src").glob("*.py")]
    generation = re.findall(r"ckit undo (gen_\w+) takes it back", applied.err)[0]
    explained = own("explain", generation)
    assert explained.code == 0
    assert explained.out.startswith("code SPEC-001, succeeded")
    assert re.search(r"\u2714 +from +contexts/specs/SPEC-001\S+ +fresh", explained.out)
    assert re.search(r"\u2714 +makes +src/\S+\.py +written", explained.out)
    spec = next((own.repo / "contexts/specs").glob("SPEC-001*"))
    spec.write_text(spec.read_text(encoding="utf-8") + "# A remark.\n", encoding="utf-8")
    stale = own("explain", generation)
    assert stale.code == 1
    assert re.search(r"~ +from +contexts/specs/SPEC-001\S+ +changed", stale.out)
    assert own("explain", generation, "--json").json["fresh"] is False
    undone = own("undo", generation)
    assert undone.code == 0
    assert undone.out.startswith("\u2714 took back ")
    assert not [*(own.repo / "src").glob("*.py")]
    again = own("undo", generation)
    assert again.code == 2
    assert "error: " in again.err
    unknown = own("explain", "FEAT-001")
    assert unknown.code == 2
    assert "Nothing is known about 'FEAT-001' having been generated here." in unknown.err


README_BLOCKS = re.findall(r"```toml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", README_BLOCKS)
def test_R25_the_settings_in_the_readme_work(block: str, tmp_path: Path) -> None:
    assert tomllib.loads(block)
    file = tmp_path / "config.toml"
    file.write_text(block, encoding="utf-8")
    configuration = load({"CKIT_CONFIG_FILE": str(file)})
    assert not configuration.warnings


# One in this process has no address; `tests/providers/test_real_model.py` asks a real one.
PROVIDERS = [block for block in README_BLOCKS if "models.providers" in block and '"local"' not in block]


@pytest.mark.parametrize("block", PROVIDERS, ids=[block.splitlines()[0].strip("# ") for block in PROVIDERS])
def test_R25_each_provider_of_the_readme_answers_when_only_its_address_and_key_are_ours(
    block: str, own: Ckit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tomllib.loads(block)["models"]
    [(name, provider)] = settings["providers"].items()
    model = settings["chat"].removeprefix(f"{name}/")
    with model_server(provider["kind"]) as server:
        server.models = {model: 8192}
        # The path behind a gateway's address stays as it is written.
        path = urlsplit(provider.get("baseUrl", "")).path.removeprefix("/v1")
        provider["baseUrl"] = f"{server.base_url}{path}"
        for field in ("apiKey", "subscriptionKey"):
            if field in provider:
                provider[field] = "env:CKIT_TEST_README_KEY"
                monkeypatch.setenv("CKIT_TEST_README_KEY", KEY)
                server.key = KEY
        config = tmp_path / "config.toml"
        fields = ", ".join(f'{key} = "{value}"' for key, value in provider.items())
        config.write_text(
            f'models.chat = "{settings["chat"]}"\nmodels.providers.{name} = {{ {fields} }}\n', encoding="utf-8"
        )
        monkeypatch.setenv("CKIT_CONFIG_FILE", str(config))
        tried = own("providers", "test", name, model)
        assert tried.code == 0, tried.out
        server.enqueue(Reply(text="By the model of the README."))
        assert own("ask", "Who answers?").out == "By the model of the README.\n"
