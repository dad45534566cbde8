"""What a client was told of a session, and the proof that the session on disk holds all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.support.client import Client, Json

PAGE: Final = 50
"""Items at once, few enough for several pages."""
ENDED: Final = frozenset({"completed", "failed", "cancelled"})
DECIDED: Final = ("state", "decision", "arguments", "note", "decidedAt")
"""What an answer to an approval settles."""
ASKED: Final = ("sessionId", "turnId", "toolCallId", "repository", "tool", "class", "createdAt")
"""What stays the same of an approval, whatever becomes of it."""


def is_final(item: Json) -> bool:
    """Whether an item stays as it is; a call that an interruption left without its result goes on."""
    return item["status"] in ENDED or "result" in item


class Ledger:
    """Notes what is told of one session, in the order of its arrival, and refuses what the protocol rules out.

    Attributes:
        seq: the highest sequence number that the client has.
        gap: where the first piece is missing, if another daemon has written since; all before that number is known.
        turns: turns as they were told last.
        items: items as they were told last, in the order of their beginning.
        said: the text of items, as the deltas have built it.
        approvals: approvals as they were shown last.
        decided: approvals whose decision was told.
        open: approvals that nobody has answered or withdrawn, as far as the client knows.
        again: those of them about which the person may have been asked again, and been shown another change.
        cancelling: the turn that runs is cancelled, so that what it asks is withdrawn.
    """

    def __init__(self, session: Json) -> None:
        self.id: str = session["id"]
        self.title: str | None = None
        self.seq: int = session["lastSeq"]
        self.gap: int | None = None
        self.turns: dict[str, Json] = {}
        self.items: dict[str, Json] = {}
        self.said: dict[str, str] = {}
        self.approvals: dict[str, Json] = {}
        self.decided: dict[str, Json] = {}
        self.open: set[str] = set()
        self.again: set[str] = set()
        self.cancelling = False
        self._began = ""

    @property
    def interrupted(self) -> str | None:
        """Id of the last turn, if it can be resumed."""
        last = [*self.turns.values()][-1:]
        return last[0]["id"] if last and last[0]["status"] == "interrupted" else None

    def take(self, event: Json) -> None:
        """Note an event."""
        kind, seq = event["type"], event["seq"]
        began, self._began = self._began, ""
        assert event["sessionId"] == self.id
        if kind == "itemDelta":
            assert seq >= self.seq, f"{event} after {self.seq}"
            assert not is_final(self.items[event["itemId"]])
            assert event["offset"] == len(self.said[event["itemId"]])
            self.said[event["itemId"]] += event["text"]
        elif kind in {"turnStarted", "turnCompleted"}:
            assert seq > self.seq, f"{event} after {self.seq}"
            if kind == "turnStarted" and seq > self.seq + 1 and self.gap is None:
                self.gap = self.seq
            if kind == "turnStarted" and event["turnId"] not in self.turns:
                self._moved_on()
            self.turn(event["turn"])
        else:
            self._take_item(kind, event["item"], repeats=began)
            assert event["item"]["seq"] == seq
        self.seq = seq

    def turn(self, turn: Json) -> None:
        """Note a turn; one that has ended stays as it is."""
        known = self.turns.get(turn["id"])
        assert known is None or known["status"] != "completed" or known == turn, f"{known} became {turn}"
        self.turns[turn["id"]] = turn

    def item(self, item: Json) -> None:
        """Note an item; one that has ended stays as it is."""
        known = self.items.get(item["id"])
        assert known is None or not is_final(known) or known == item, f"{known} became {item}"
        self.items[item["id"]] = item

    async def catch_up(self, client: Client) -> None:
        """Fetch what others wrote meanwhile, even if somebody is still writing."""
        page = await pages(client, self.id, self.seq if self.gap is None else self.gap)
        for turn in page["turns"]:
            self.turn(turn)
        for item in page["items"]:
            self.item(item)
            self.said[item["id"]] = item.get("text", "")
        self.seq = page["session"]["lastSeq"]
        self.gap = None

    def asked(self, approval: Json) -> None:
        """Note that a person is asked."""
        assert approval["state"] == "pending"
        assert approval["id"] not in self.decided
        self.approvals[approval["id"]] = approval
        if not self.cancelling:
            self.open.add(approval["id"])
        self.again.discard(approval["id"])

    def answered(self, approval: Json) -> None:
        """Note the answer to `ckit/approval/resolve`."""
        assert approval["state"] != "pending"
        self.decided[approval["id"]] = approval
        self.open.discard(approval["id"])

    def cancel(self) -> None:
        """Note that the turn is about to be cancelled, which withdraws what it asks."""
        self.cancelling = True
        self.open.clear()

    async def compare(self, client: Client) -> Json:
        """Ask for the session, hold it against all that was told, and note the rest; returns the whole of it.

        Only for sessions in which no turn runs, and of which nothing is missing.
        """
        assert self.gap is None
        news = {item["id"]: item for item in (await pages(client, self.id, self.seq))["items"]}
        found = await pages(client, self.id)
        # A client that puts what is new in the place of what it has, has everything.
        items = {item["id"]: item for item in found["items"]}
        known = {**self.items, **news}
        assert known.keys() == items.keys()
        differing = [(item, items[each]) for each, item in known.items() if item != items[each]]
        assert not differing, differing
        self._compare_session(found)
        for identifier, item in self.items.items():
            self._compare_item(item, items[identifier])
        # They stay in their order; what others wrote became known later.
        numbers = {turn["id"]: turn["number"] for turn in found["turns"]}
        in_order = sorted(self.items, key=lambda identifier: numbers[items[identifier]["turnId"]])
        assert [identifier for identifier in items if identifier in self.items] == in_order
        for turn in self.turns.values():
            self._compare_turn(turn, next(each for each in found["turns"] if each["id"] == turn["id"]))
        if any(turn["id"] not in self.turns for turn in found["turns"]):
            self._moved_on()
        await self._compare_approvals(client)
        self.seq = found["session"]["lastSeq"]
        self.turns = {turn["id"]: turn for turn in found["turns"]}
        self.items = items
        self.said = {identifier: item.get("text", "") for identifier, item in items.items()}
        return found

    def _moved_on(self) -> None:
        """Note that there is a later turn: what was interrupted can't be resumed, and its questions are withdrawn."""
        self.open -= {each for each in self.open if "turnId" in self.approvals[each]}

    def _take_item(self, kind: str, item: Json, *, repeats: str) -> None:
        identifier, seq = item["id"], item["seq"]
        if kind == "itemStarted":
            assert seq > self.seq, f"{item} after {self.seq}"
            self.item(item)
            # What was a part of the text before a restart begins anew.
            self.said[identifier] = ""
            self._began = identifier
            return
        assert kind == "itemCompleted"
        assert identifier in self.items
        assert seq > self.seq or (seq == self.seq and repeats == identifier), f"{item} after {self.seq}"
        assert is_final(item)
        if item["kind"] in {"message", "reasoning"}:
            assert item.get("text", "") == self.said[identifier]
        self.item(item)
        if item["kind"] == "approval":
            self.decided.setdefault(item["approvalId"], {"id": item["approvalId"], "state": item["state"]})
            self.open.discard(item["approvalId"])

    def _compare_session(self, found: Json) -> None:
        session, turns, items = found["session"], found["turns"], found["items"]
        assert "runningTurn" not in session
        assert session["lastSeq"] >= self.seq
        assert self.title in {None, session["title"]}
        numbers = [item["seq"] for item in items]
        assert len({item["id"] for item in items}) == len(items)
        assert len(set(numbers)) == len(numbers)
        assert all(0 < number < session["lastSeq"] for number in numbers), "a turn's end comes after its items"
        assert [turn["number"] for turn in turns] == [*range(1, session["turns"] + 1)]
        for count in ("inputTokens", "outputTokens"):
            assert session["usage"][count] == sum(turn["usage"][count] for turn in turns)
        numbered = {turn["id"]: turn["number"] for turn in turns}
        assert len(numbered) == len(turns)
        in_order = [numbered[item["turnId"]] for item in items]
        assert in_order == sorted(in_order)
        for turn in turns:
            own = [item for item in items if item["turnId"] == turn["id"]]
            assert turn["status"] in {"completed", "interrupted"}
            assert ("stopReason" in turn) == (turn["status"] == "completed")
            # What an answer had said when it was torn stays, and another one follows it.
            left = {(item["kind"], item["status"]) for item in own if not is_final(item)}
            torn = {"message", "reasoning"} if turn["status"] == "completed" else {item["kind"] for item in own}
            assert left <= {(kind, "interrupted") for kind in torn}, left

    def _compare_item(self, told: Json, found: Json) -> None:
        if is_final(told):
            assert found == told
            return
        assert found["status"] != "inProgress"
        assert found["seq"] >= told["seq"]
        for field in ("id", "turnId", "kind", "createdAt", "name", "arguments", "class", "messageId", "approvalId"):
            assert found.get(field) == told.get(field)
        said, text = self.said[told["id"]], found.get("text", "")
        # Deltas are no promise: some of the text may be lost, or more of it be there.
        assert found["kind"] == "toolCall" or said.startswith(text) or text.startswith(said)

    def _compare_turn(self, told: Json, found: Json) -> None:
        if told["status"] == "completed":
            assert found == told
        for field in ("id", "sessionId", "number", "startedAt"):
            assert found[field] == told[field]

    async def _compare_approvals(self, client: Client) -> None:
        listed = (await client.request("ckit/approval/list", {"sessionId": self.id, "state": None}))["approvals"]
        found = {approval["id"]: approval for approval in listed}
        assert len(found) == len(listed)
        assert len({(each["toolCallId"], each["tool"]) for each in listed}) == len(listed)
        pending = (await client.request("ckit/approval/list", {"sessionId": self.id}))["approvals"]
        assert pending == [each for each in listed if each["state"] == "pending"]
        for identifier, approval in self.approvals.items():
            assert [found[identifier].get(field) for field in ASKED] == [approval.get(field) for field in ASKED]
        for identifier in self.open:
            assert found[identifier]["state"] == "pending"
        for identifier in self.open - self.again:
            assert found[identifier].get("diff") == self.approvals[identifier].get("diff")
            assert found[identifier].get("command") == self.approvals[identifier].get("command")
        for identifier, approval in self.decided.items():
            assert all(found[identifier].get(field) == approval[field] for field in DECIDED if field in approval)


async def pages(client: Client, session_id: str, replay_from: int | None = None) -> Json:
    """Return all of a session, or all that is new since a sequence number, by as many requests as that takes."""
    if replay_from is None:
        whole = await client.request("ckit/session/get", {"id": session_id, "limit": 10_000})
        assert "nextReplayFrom" not in whole, "the session does not fit into one page"
        return whole
    page = await client.request("ckit/session/get", {"id": session_id, "replayFrom": replay_from, "limit": PAGE})
    items: list[Json] = page["items"]
    while (after := page.get("nextReplayFrom")) is not None:
        page = await client.request("ckit/session/get", {"id": session_id, "replayFrom": after, "limit": PAGE})
        items += page["items"]
    return {**page, "items": items}
