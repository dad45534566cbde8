"""A program that talks in several sessions at once, as people make it do: at random, and killed with its daemon."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.support.client import Client, RpcError
from tests.support.ledger import Ledger, is_final
from tests.support.obedience import MARK, ORDER, arguments_of
from tests.support.talk import ASK, CALL, client_tool

if TYPE_CHECKING:
    import itertools
    import random
    from collections.abc import Callable, Coroutine

    from tests.support.client import Json
    from tests.support.marked_repository import MarkedRepository

SESSIONS: Final = 3
LONGEST: Final = 12
"""Turns of a session that is left for a new one."""
TOOLS: Final[Json] = {"tools": [client_tool(), client_tool("send", "exec")]}
TASKS: Final = tuple(f"T-{number:03}" for number in range(1, 13))
FEATURES: Final = ("FEAT-001", "FEAT-002", "FEAT-003", "FEAT-004")


@dataclass
class Mark:
    """Something that may be written or run once at the most."""

    allowed: set[str] = field(default_factory=set[str])
    """The forms in which somebody has allowed it: as it was asked for, or as edited."""
    made: bool = False
    """Whether the client was told that it was."""
    calls: list[str] = field(default_factory=list[str])
    """The forms in which the client itself was called for it."""


@dataclass
class Person:
    """What outlives the daemons: what somebody was told by all of them, and what they want next."""

    chance: random.Random
    repository: MarkedRepository
    numbers: itertools.count[int]
    sessions: list[Ledger] = field(default_factory=list[Ledger])
    left: list[Ledger] = field(default_factory=list[Ledger])
    """Sessions in which nothing more is said."""
    marks: dict[int, Mark] = field(default_factory=dict[int, Mark])
    found: Counter[str] = field(default_factory=Counter[str])
    """What the kills have torn, by its kind."""

    def arguments(self) -> tuple[str, Json]:
        """A tool that changes something, with its arguments."""
        return arguments_of(self._change())

    def order(self) -> str:
        """What to say in a turn."""
        chance = self.chance
        steps = [self._step() for _ in range(chance.choice((0, 1, 1, 2, 2, 3)))]
        slow = chance.random() < 0.1
        steps.append(f"say {chance.randrange(1, 12)}" + (" 0.08" if slow else ""))
        return f"Turn {next(self.numbers)}. {ORDER}{'; '.join(steps)}"

    def _step(self) -> str:
        if self.chance.random() < 0.35:
            return self.chance.choice(("read", "look", "check", "look + read", "look + look"))
        return self._change() if self.chance.random() < 0.8 else f"{self._change()} + look + {self._change()}"

    def _change(self) -> str:
        number = next(self.numbers)
        self.marks[number] = Mark()
        tools = [f"append {number} {self.chance.choice(TASKS)}"] * 4
        tools += [f"create {number} {self.chance.choice(FEATURES)}", f"send {number}"] * 2
        # A package manager takes longer to begin than all the rest.
        tools += [f"script {number}"] if shutil.which("node") and self.chance.random() < 0.4 else []
        return self.chance.choice(tools)


class Host:
    """The program, as long as one daemon lives."""

    def __init__(self, client: Client, person: Person, watch: Callable[[Json], None]) -> None:
        """Take part in a connection; `watch` sees every message as well."""
        self.alone = False
        """Whether the daemon was killed, so that nothing that is said from now on was ever heard."""
        self.failure: Exception | None = None
        """What the daemon must not have said."""
        self._client = client
        self._person = person
        self._chance = person.chance
        self._sessions: dict[str, Ledger] = {}
        self._then = watch
        client.watch = self._watch
        client.answer(ASK, self._decide)
        client.answer(CALL, self._called)

    async def work(self, look: Callable[[], None]) -> None:
        """Hold all that is there against all that was told, then talk until the daemon is gone.

        Args:
            look: looks at the disk, once the daemon has opened the repository and read its sessions.
        """
        try:
            await self.take_up()
            look()
            await _all(*(self._talk(at) for at in range(SESSIONS)))
        except ConnectionError:
            return

    async def take_up(self) -> None:
        """Open the repository and compare the sessions."""
        person = self._person
        await self._client.request("ckit/repo/open", {"path": str(person.repository.root)})
        for ledger in person.sessions:
            await self.compare(ledger)
        while len(person.sessions) < SESSIONS:
            person.sessions.append(await self._created())

    async def compare(self, ledger: Ledger) -> None:
        """Compare one session, and count what a kill has left of it."""
        self._sessions[ledger.id] = ledger
        told = {identifier for identifier, item in ledger.items.items() if is_final(item)}
        running = {identifier for identifier, turn in ledger.turns.items() if turn["status"] == "running"}
        found = await ledger.compare(self._client)
        counts = self._person.found
        for item in found["items"]:
            self._made(item)
            if item["id"] not in told:
                counts[f"{item['kind']} {item.get('class', '')} {item['status']}".replace("  ", " ")] += 1
        counts["turn"] += sum(turn["id"] in running for turn in found["turns"] if turn["status"] == "interrupted")
        counts["approval pending"] += len(ledger.open)

    async def resume(self, ledger: Ledger) -> Json:
        """Go on with the interrupted turn of a session to its end."""
        self._speak()
        ledger.again |= ledger.open
        return await self._turn(ledger, {"resume": ledger.interrupted})

    # What is said

    async def _talk(self, at: int) -> None:
        person, chance = self._person, self._chance
        while True:
            ledger = person.sessions[at]
            if ledger.interrupted is not None:
                if chance.random() < 0.3:
                    await self._settle(ledger)
                if chance.random() < 0.85:
                    await self.resume(ledger)
                    continue
            if len(ledger.turns) >= LONGEST:
                person.left.append(ledger)
                person.sessions[at] = ledger = await self._created()
            match chance.choices(("turn", "run", "rename"), (8, 1, 1))[0]:
                case "turn":
                    order = {"text": person.order()}
                    await _all(self._turn(ledger, order), self._interfere(ledger))
                case "run":
                    await self._run(ledger)
                case _:
                    title = f"Title {next(person.numbers)}"
                    self._speak()
                    # From now on it may be the one or the other.
                    ledger.title = None
                    await self._client.request("ckit/session/rename", {"id": ledger.id, "title": title})
                    ledger.title = title

    async def _created(self) -> Ledger:
        session = (await self._client.request("ckit/session/create", TOOLS))["session"]
        self._sessions[session["id"]] = ledger = Ledger(session)
        return ledger

    async def _turn(self, ledger: Ledger, said: Json) -> Json:
        ledger.cancelling = False
        turn = (await self._client.request("ckit/turn/start", {"sessionId": ledger.id, **said}))["turn"]
        assert ledger.turns[turn["id"]] == turn
        assert turn["stopReason"] in {"endTurn", "cancelled"}, turn
        return turn

    async def _interfere(self, ledger: Ledger) -> None:
        what = self._chance.choices(("nothing", "steer", "cancel"), (8, 1, 1))[0]
        await asyncio.sleep(self._chance.random() * 0.1)
        params = {"sessionId": ledger.id}
        try:
            if what == "steer":
                steer = {**params, "text": f"Faster, {next(self._person.numbers)}."}
                ledger.item((await self._client.request("ckit/turn/steer", steer))["item"])
            elif what == "cancel":
                self._speak()
                ledger.cancel()
                turn = (await self._client.request("ckit/turn/cancel", params))["turn"]
                assert ledger.turns[turn["id"]] == turn
        except RpcError as error:
            # It was over already.
            assert error.code == "conflict", error

    async def _run(self, ledger: Ledger) -> None:
        ledger.cancelling = False
        name, arguments = self._person.arguments()
        run = {"name": name, "arguments": arguments, "sessionId": ledger.id}
        done = await self._client.request("ckit/tool/run", run)
        if done["status"] == "ok":
            self._mark(arguments)[0].made = True

    # What is answered

    async def _decide(self, params: Json) -> Json:
        approval = params["approval"]
        ledger = self._sessions[approval["sessionId"]]
        await asyncio.sleep(self._chance.random() * 0.02)
        answer = self._answer(approval)
        if self._chance.random() < 0.3:
            await self._resolve(ledger, approval, answer)
            # The daemon withdraws the question.
            await asyncio.Event().wait()
        self._speak()
        ledger.open.discard(approval["id"])
        return answer

    async def _settle(self, ledger: Ledger) -> None:
        """Answer what is asked while no turn waits for it."""
        pending = (await self._client.request("ckit/approval/list", {"sessionId": ledger.id}))["approvals"]
        for approval in pending:
            await self._resolve(ledger, approval, self._answer(approval))

    async def _resolve(self, ledger: Ledger, approval: Json, answer: Json) -> None:
        self._speak()
        ledger.open.discard(approval["id"])
        decided = await self._client.request("ckit/approval/resolve", {"id": approval["id"], **answer})
        ledger.answered(decided["approval"])

    def _answer(self, approval: Json) -> Json:
        choice = self._chance.choices(("allow", "edit", "deny"), (6, 2, 1))[0]
        if choice == "deny":
            return {"decision": "deny", "note": "No."}
        self._speak()
        arguments: Json = approval["arguments"]
        edit = choice == "edit" and approval["tool"] != "pipeline.script"
        if edit:
            arguments = json.loads(MARK.sub(r"Mark \1 as edited", json.dumps(arguments)))
        mark, form = self._mark(arguments)
        mark.allowed.add(form)
        return {"decision": "allowOnce"} | ({"arguments": arguments} if edit else {})

    async def _called(self, params: Json) -> Json:
        await asyncio.sleep(self._chance.random() * 0.02)
        return {"text": "Done."}

    def _speak(self) -> None:
        """Raise ConnectionError where nobody is there to listen: then nothing was said."""
        if self.alone:
            raise ConnectionError

    # What is told

    def _watch(self, message: Json) -> None:
        try:
            self._note(message)
        except (AssertionError, KeyError) as error:
            # It would be lost in the client.
            self.failure = self.failure or error
        self._then(message)

    def _note(self, message: Json) -> None:
        params = message.get("params", {})
        match message.get("method"):
            case "ckit/turn/event":
                event = params["event"]
                self._sessions[event["sessionId"]].take(event)
                if event["type"] == "itemCompleted":
                    self._made(event["item"])
            case "ckit/approval/request":
                self._sessions[params["approval"]["sessionId"]].asked(params["approval"])
            case "ckit/tool/call":
                if params["name"] == "send":
                    mark, form = self._mark(params["arguments"])
                    mark.calls.append(form)
            case _:
                pass

    def _made(self, item: Json) -> None:
        if item["kind"] == "toolCall" and item["class"] != "read" and item.get("result") == "ok":
            self._mark(item["arguments"])[0].made = True

    def _mark(self, arguments: Json) -> tuple[Mark, str]:
        """Return the mark that arguments ask for, and the form of it."""
        found = MARK.search(json.dumps(arguments))
        assert found is not None
        return self._person.marks[int(found[1])], found[2] or ""


async def _all(*work: Coroutine[None, None, object]) -> None:
    """Do all of it to its end, also if the daemon dies meanwhile: what is told at the very end counts."""
    for result in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
