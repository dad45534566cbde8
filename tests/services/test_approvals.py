"""Approvals of runs that go on after a restart, with the real database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from ckit_daemon.core.errors import DegradedError, StorageError
from ckit_daemon.services.assistant.approvals import Answer, ApprovalService, Question, edited, shows
from ckit_daemon.services.assistant.records import NO_USAGE, Approval, Session
from ckit_daemon.settings import AssistantSettings, Settings
from ckit_daemon.storage.database import Database
from ckit_daemon.storage.sessions import SqliteSessionStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.services.assistant.records import Decision

pytestmark = pytest.mark.asyncio

Announce = Callable[[Approval], Awaitable[None]]

SETTINGS = Settings(assistant=AssistantSettings(approval_timeout_seconds=30))
NOW = "2026-01-01T00:00:00.000Z"
SESSION = Session(
    id="s", repository="r", title="", mode="general", created_at=NOW, updated_at=NOW, last_seq=0, turns=0,
    usage=NO_USAGE,
)  # fmt: skip
QUESTION = Question(
    call_id="call", repository="r", tool="entity.edit", tool_class="write", title="Update T-001.",
    arguments={"id": "T-001"}, diff="+title: Anew\n", files=("contexts/tasks/T-001.yaml",), session_id="s", turn_id="t",
)  # fmt: skip


@dataclass
class Person:
    """The client's side: answers as it is told, and remembers what it was asked."""

    decide: Callable[[JsonObject], JsonObject] | None = None
    asked: list[JsonObject] = field(default_factory=list)

    def answers(self, method: str) -> bool:
        return self.decide is not None

    async def request(self, method: str, params: JsonObject, *, timeout_seconds: float) -> JsonObject:
        if self.decide is None:
            raise DegradedError("Nobody is there.")
        approval = params["approval"]
        assert isinstance(approval, dict)
        self.asked.append(approval)
        return self.decide(approval)

    def notify(self, method: str, params: bytes) -> None:
        raise AssertionError


@contextlib.asynccontextmanager
async def stored(folder: Path) -> AsyncGenerator[SqliteSessionStore]:
    database = Database(folder / "ckit.db")
    store = SqliteSessionStore(database)
    try:
        yield store
    finally:
        await store.aclose()
        await database.aclose()


def service(store: SqliteSessionStore, person: Person, settings: Settings = SETTINGS) -> ApprovalService:
    return ApprovalService(store, person, lambda: settings)


async def asked(
    approvals: ApprovalService, question: Question = QUESTION, announce: Announce | None = None
) -> Approval:
    return await approvals.ask(await approvals.prepare(question), announce)


async def asked_and_killed(folder: Path) -> Approval:
    """What is on disk when the daemon dies while it waits for an answer."""
    async with stored(folder) as store:
        await store.create(SESSION)
        announced: list[Approval] = []
        waiting = asyncio.Event()

        async def announce(approval: Approval) -> None:
            announced.append(approval)
            waiting.set()

        asking = asyncio.create_task(asked(service(store, Person()), QUESTION, announce))
        await waiting.wait()
        kept = await store.approval(announced[0].id)
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
        # A daemon that is killed has no time to withdraw its question.
        await store.put_approval(kept)
    assert kept.state == "pending"
    return kept


async def test_R04_a_question_is_on_disk_before_anybody_sees_it(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        await store.create(SESSION)
        seen: list[str] = []

        async def announce(approval: Approval) -> None:
            found = await store.approval(approval.id)
            seen.append(f"announced {found.state}")

        def decide(approval: JsonObject) -> JsonObject:
            seen.append("asked")
            return {"decision": "allowOnce"}

        await asked(service(store, Person(decide)), QUESTION, announce)
        assert seen == ["announced pending", "asked", "announced allowed"]


async def test_R04_a_resumed_run_is_asked_about_again_under_the_same_id(tmp_path: Path) -> None:
    kept = await asked_and_killed(tmp_path)
    person = Person(lambda _: {"decision": "allowOnce"})
    async with stored(tmp_path) as store:
        decided = await asked(service(store, person))
        assert [each["id"] for each in person.asked] == [kept.id] == [decided.id]
        assert decided.state == "allowed"
        assert decided.created_at == kept.created_at
        assert len(await store.approvals()) == 1


@pytest.mark.parametrize(("decision", "state"), [("allowOnce", "allowed"), ("deny", "denied")])
async def test_R04_an_answer_that_was_given_before_the_restart_holds(
    tmp_path: Path, decision: Decision, state: str
) -> None:
    kept = await asked_and_killed(tmp_path)
    async with stored(tmp_path) as store:
        await service(store, Person()).resolve(kept.id, Answer(decision))
    person = Person(lambda _: {"decision": "allowOnce"})
    announced: list[Approval] = []

    async def announce(approval: Approval) -> None:
        announced.append(approval)

    async with stored(tmp_path) as store:
        decided = await asked(service(store, person), QUESTION, announce)
        assert (decided.id, decided.state) == (kept.id, state)
        assert announced == [decided]
        assert person.asked == []


async def test_R04_an_answer_that_comes_while_the_run_is_asked_about_again_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await asked_and_killed(tmp_path)
    async with stored(tmp_path) as store, stored(tmp_path) as other:
        listed = store.approvals

        async def listed_then_denied(**which: str) -> Sequence[Approval]:
            found = await listed(session_id=which["session_id"])
            await service(other, Person()).resolve(kept.id, Answer("deny"))
            return found

        monkeypatch.setattr(store, "approvals", listed_then_denied)
        decided = await asked(service(store, Person(lambda _: {"decision": "allowOnce"})))
        assert (decided.id, decided.state) == (kept.id, "denied")


@pytest.mark.parametrize("answered", [True, False])
async def test_a_question_is_taken_back_unless_it_was_answered(tmp_path: Path, answered: bool) -> None:
    kept = await asked_and_killed(tmp_path)
    async with stored(tmp_path) as store:
        approvals = service(store, Person())
        if answered:
            await approvals.resolve(kept.id, Answer("allowOnce"))
        found = await approvals.withdraw(kept.id)
        assert (found.state, found.decision) == (("allowed", "allowOnce") if answered else ("cancelled", None))
        assert await store.approval(kept.id) == found


async def test_a_question_that_was_withdrawn_is_asked_anew(tmp_path: Path) -> None:
    kept = await asked_and_killed(tmp_path)
    async with stored(tmp_path) as store:
        await store.update_pending_approval(msgspec.structs.replace(kept, state="cancelled"))
        decided = await asked(service(store, Person(lambda _: {"decision": "deny"})))
        assert decided.id != kept.id
        assert decided.state == "denied"


async def test_R38_an_approval_holds_for_what_it_showed_and_for_nothing_else(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        await store.create(SESSION)
        approvals = service(store, Person(lambda _: {"decision": "allowForSession"}))
        decided = await asked(approvals)
        assert shows(decided, await approvals.prepare(QUESTION))
        assert not edited(decided, await approvals.prepare(QUESTION))
        for other in (
            replace(QUESTION, diff="+title: Other\n"),
            replace(QUESTION, files=("contexts/tasks/T-002.yaml",)),
            replace(QUESTION, command=("rm", "-rf", "/")),
            replace(QUESTION, tool="pipeline.generate"),
        ):
            assert not shows(decided, await approvals.prepare(other))
        assert await approvals.granted(
            await approvals.prepare(replace(QUESTION, call_id="next", diff="+title: Other\n"))
        )
        for other in (
            replace(QUESTION, session_id=None),
            replace(QUESTION, files=(*QUESTION.files, "package.json")),
            replace(QUESTION, command=("rm", "-rf", "/")),
            replace(QUESTION, tool="pipeline.generate"),
            replace(QUESTION, repository="other"),
        ):
            assert not await approvals.granted(await approvals.prepare(other))


async def test_R38_a_command_line_is_allowed_for_the_session_word_by_word(tmp_path: Path) -> None:
    script = replace(QUESTION, tool="pipeline.script", tool_class="exec", diff=None, files=(), command=("npm", "run"))
    async with stored(tmp_path) as store:
        await store.create(SESSION)
        approvals = service(store, Person(lambda _: {"decision": "allowForSession"}))
        await asked(approvals, script)
        assert await approvals.granted(await approvals.prepare(replace(script, arguments={"other": 1})))
        assert not await approvals.granted(await approvals.prepare(replace(script, command=("npm", "run", "more"))))


async def test_R38_a_command_line_is_allowed_as_long_as_it_means_what_it_meant(tmp_path: Path) -> None:
    says = "Run the script build of package.json, which says: tsc"
    script = replace(QUESTION, tool="pipeline.script", title=says, diff=None, files=(), command=("npm", "run", "build"))
    async with stored(tmp_path) as store:
        await store.create(SESSION)
        approvals = service(store, Person(lambda _: {"decision": "allowForSession"}))
        decided = await asked(approvals, script)
        same = await approvals.prepare(replace(script, call_id="next"))
        other = await approvals.prepare(replace(script, call_id="next", title=f"{says} && curl example.com"))
        assert shows(decided, same)
        assert await approvals.granted(same)
        assert not shows(decided, other)
        assert not await approvals.granted(other)


async def test_a_run_that_is_cancelled_while_its_answered_question_is_withdrawn_does_not_go_on(tmp_path: Path) -> None:
    withdrawing, withdrawn = asyncio.Event(), asyncio.Event()

    class Slow(Person):
        async def request(self, method: str, params: JsonObject, *, timeout_seconds: float) -> JsonObject:
            never: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
            try:
                return await never
            finally:
                withdrawing.set()
                await withdrawn.wait()

    async with stored(tmp_path) as store:
        await store.create(SESSION)
        approvals = service(store, Slow(lambda _: {}))

        async def answer(approval: Approval) -> None:
            if approval.state == "pending":
                await approvals.resolve(approval.id, Answer("allowOnce"))

        asking = asyncio.create_task(asked(approvals, QUESTION, answer))
        await withdrawing.wait()
        asking.cancel()
        withdrawn.set()
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_R08_no_key_is_stored_or_shown_with_an_approval(tmp_path: Path) -> None:
    key = "sk-proj-abcdefghijklmnop1234"
    question = replace(
        QUESTION, title=f"Use {key}.", diff=f"+{key}\n", arguments={"text": key, "apiKey": "hunter2hunter2"}
    )
    person = Person(lambda _: {"decision": "deny", "note": f"no {key}"})
    async with stored(tmp_path) as store:
        await store.create(SESSION)
        approvals = service(store, person)
        decided = await asked(approvals, question)
        assert shows(decided, await approvals.prepare(question))
        assert not edited(decided, await approvals.prepare(question))
        for text in (str(person.asked), str(decided), str(await store.approval(decided.id))):
            assert key not in text
            assert "hunter2" not in text


async def test_two_answers_at_the_same_moment_give_one_decision(tmp_path: Path) -> None:
    async with stored(tmp_path) as store, stored(tmp_path) as other:
        await store.create(SESSION)
        waiting = asyncio.Event()
        known: list[str] = []

        async def announce(approval: Approval) -> None:
            known.append(approval.id)
            waiting.set()

        asking = asyncio.create_task(asked(service(store, Person()), QUESTION, announce))
        await waiting.wait()
        answers = await asyncio.gather(
            service(store, Person()).resolve(known[0], Answer("allowOnce")),
            service(other, Person()).resolve(known[0], Answer("deny")),
            return_exceptions=True,
        )
        (won,) = [each for each in answers if isinstance(each, Approval)]
        assert (await asking).state == won.state


async def test_a_run_that_is_cancelled_ends_though_its_question_can_not_be_withdrawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stored(tmp_path) as store:
        await store.create(SESSION)
        waiting = asyncio.Event()

        async def announce(_: Approval) -> None:
            waiting.set()

        async def refuse(_: Approval) -> Approval:
            raise StorageError("The disk is full.")

        monkeypatch.setattr(store, "update_pending_approval", refuse)
        asking = asyncio.create_task(asked(service(store, Person()), QUESTION, announce))
        await waiting.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
