"""What happens in a run with planted keys: everybody repeats them, and much goes wrong."""

from __future__ import annotations

import contextlib
import json
import shutil
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.security import planted
from tests.security.planted import EARLY, VARIABLES, files_below, told
from tests.support.client import RpcError
from tests.support.model_server import Reply, ToolCallReply

if TYPE_CHECKING:
    import signal

    from tests.security.planted_run import Run
    from tests.security.watched import Watched
    from tests.support.client import Client, Json

TASK: Final = {"status": "todo", "owner": "@mei", "doneCriteria": ["Unit tests pass"]}
STATUSES: Final = (400, 401, 404, 408, 429, 500, 503)


def pieces(text: str, size: int = 3) -> list[str]:
    """A text as a model streams it."""
    return [text[start : start + size] for start in range(0, len(text), size)]


def says(text: str, **more: Any) -> Reply:
    """A model that says this."""
    return Reply(chunks=pieces(text), **more)


def calls(tool: str, /, **arguments: Any) -> Reply:
    """A model that calls a tool."""
    return Reply(text="One moment.", tool_calls=[ToolCallReply(tool, arguments)])


async def refused(client: Client, method: str, **params: Any) -> RpcError:
    """Send a request that fails."""
    with pytest.raises(RpcError) as caught:
        await client.request(method, params)
    return caught.value


async def before_anybody_has_used_a_key(run: Run, client: Client) -> None:
    """People paste keys, and the built-in provider needs none."""
    talk = await run.session(client, "offline", title=f"About {planted.IDLE}")
    # The title of a session is the beginning of its first message, and the cut goes through the key.
    untitled = await run.session(client, "offline")
    await untitled.turn(f"{'Please note that this is the key that you are to use: '}{planted.GATEWAY} ok?")
    await talk.turn(
        f"Validate. {told(EARLY)}",
        attachments=[
            {"kind": "selection", "path": "docs/keys.md", "startLine": 0, "endLine": 3, "text": told(EARLY)},
            {"kind": "file", "path": "docs/keys.md"},
            {"kind": "entity", "id": "T-001"},
        ],
    )
    await client.request("ckit/session/rename", {"id": talk.session, "title": f"{planted.PHRASE} and {planted.AZURE}"})
    await client.request("ckit/session/list", {"query": planted.KNOWN_FORM})
    made = await client.request("ckit/spec/promptify", {"text": told(EARLY), "target": "review", "log": True})
    assert "Take [redacted] for it." in made["prompt"]


async def keys_as_parameters(run: Run, client: Client) -> None:
    """Whoever sends a key instead of a reference is told so, without it."""
    # Nothing tells a key of no known form from a value, or from the name of a field, which a refusal has to name.
    for params in ({planted.INLINE: 1, planted.KNOWN_FORM: 1}, {"model": planted.INLINE}, {"mode": planted.INLINE}):
        await refused(client, "ckit/session/create", **params)
    for key in (planted.INLINE, planted.ODD_INLINE):
        await refused(client, "ckit/session/create", apiKey=key, title={"secret": key})
        await refused(client, "ckit/provider/test", provider="openai", apiKey=key)
        await refused(client, "ckit/provider/models", provider="openai", headers={"Authorization": key})
    for key in EARLY:
        await refused(client, "ckit/provider/test", provider=key)
        await refused(client, "ckit/session/create", model=f"{key}/x")
        await refused(client, "ckit/session/get", id=key)
        await refused(client, "ckit/entity/get", id=key)
        await refused(client, "ckit/file/read", path=key)
        await refused(client, "ckit/tool/run", name="nothing", arguments={"a": key}, key=key)
        await refused(client, f"ckit/{key}")
    warnings = (await client.request("ckit/config/get"))["warnings"]
    assert sum("by reference only" in each["message"] for each in warnings) >= 3


async def providers_are_tried(run: Run, client: Client) -> None:
    """Every provider answers, and fails, with the keys in its words."""
    # What only the client has is unknown until it is asked for.
    for name in ("asked", "openai", "azure", "gateway", "bridge", "withheld"):
        server = run.servers.get(name, run.servers["azure" if name == "gateway" else "openai"])
        test = {"provider": name, "model": "scripted"}
        server.respond = lambda _: says(told())
        outcome = await client.request("ckit/provider/test", test)
        assert outcome["ok"] is (name not in {"bridge", "withheld"}), outcome
        for status in STATUSES:
            server.respond = lambda _, status=status: failing(status)
            assert not (await client.request("ckit/provider/test", test))["ok"]
        with contextlib.suppress(RpcError):
            await client.request("ckit/provider/models", {"provider": name})
    await client.request("ckit/provider/list")


def failing(status: int) -> Reply:
    """An error that repeats the keys, in its body and in a header."""
    echo = {"x-echo": f"{planted.PHRASE} {planted.KNOWN_FORM}", "retry-after": "0"}
    error: Json = {"error": {"message": f"No. {told()}", "type": told(), "code": planted.AZURE}}
    return Reply(status=status, headers=echo, error=error)


async def turns_go_wrong(run: Run, client: Client) -> None:
    """Every kind of failure of a provider."""
    text = told()
    replies = [
        *map(failing, STATUSES),
        Reply(status=500, error={"message": text}),
        Reply(status=400, error={"error": text}),
        says(text, malformed_after=40, broken=text),
        says(text, malformed_after=0, broken=text),
        says(text, error_after=40, error={"error": {"message": text, "code": planted.STAMP}}),
        says(text, break_after=25),
        says(text, break_after=-1),
        says(text, finish="length"),
        Reply(refusal=text, finish="stop"),
        Reply(text="", reasoning=text),
    ]
    for name in ("openai", "azure", "asked"):
        talk = await run.session(client, name)
        for reply in replies if name == "openai" else replies[:9:3]:
            talk.server.respond = lambda _, reply=reply: reply
            await talk.turn(f"Again. {text}", bypassCache=True)


async def tools_bring_keys(run: Run, client: Client) -> None:
    """Keys in arguments, results and questions, of tools of the daemon, of the client and of the repository."""
    talk = await run.session(client, "openai")
    talk.server.respond = lambda _: says(told(), reasoning=told())
    edit = {"action": "update", "id": "FEAT-002", "changes": [{"path": ["title"], "value": f"Of {planted.PHRASE}"}]}
    asked = [
        calls("context_read", path="docs/keys.md"),
        calls("context_read", path="docs/asked.txt"),
        calls("context_read", path=f"docs/{planted.IDLE}.md"),
        calls("context_search", query=planted.KNOWN_FORM),
        calls("entity_details", id="T-001"),
        calls("entity_details", id=planted.GATEWAY),
        calls("fetch", url=f"https://example.org/?key={planted.ASKED}&other={planted.STAMP}"),
        calls("fetch", url=planted.AZURE),
        calls("entity_edit", **edit),
        calls("entity_edit", **{**edit, "id": planted.ASKED}),
        calls("spec_generate", entities=["FEAT-003"], requirement=told()),
        calls("pipeline_script", name="show", args=["json"]),
        calls("pipeline_script", name="show", args=["text", planted.ASKED]),
        calls("pipeline_script", name="leak"),
        Reply(tool_calls=[ToolCallReply("context_read", f'{{"path": "{planted.STAMP}')]),
        calls(planted.IDLE, a=told()),
    ]
    for reply in asked:
        talk = await run.session(client, "openai")
        talk.server.enqueue(reply)
        turn = await talk.turn("Do it.", bypassCache=True)
        assert turn["stopReason"] == "endTurn", turn
    assert (await talk.items("toolCall"))[-1]["result"] == "error"
    for name, arguments in (("entity.edit", edit), ("context.read", {"path": "docs/keys.md"})):
        await client.request("ckit/tool/run", {"name": name, "arguments": arguments, "sessionId": talk.session})
    await client.request("ckit/approval/list", {"state": None})


async def scripts_show_what_they_get(run: Run, client: Client) -> None:
    """A script prints its arguments and its environment, and files that hold keys."""
    base: Json = {"name": "show", "engine": "script", "confirm": True, "workDoneToken": "w"}
    done = await client.request("ckit/pipeline/run", {**base, "args": ["json"]})
    assert done["ok"] is True
    assert "Take [redacted] for it." in done["output"]["keys"]
    done = await client.request("ckit/pipeline/run", {**base, "args": ["text"]})
    assert (done["exitCode"], done["truncated"]) == (3, True)
    for key in (planted.KNOWN_FORM, planted.STAMP, planted.IDLE.replace("!", "")):
        await refused(client, "ckit/pipeline/run", **{**base, "args": [f"--key={key}"]})
    await refused(client, "ckit/pipeline/run", **{**base, "name": "leak"})
    await client.request("ckit/pipeline/list")
    seen = [json.loads(path.read_text("utf-8")) for path in files_below(run.folder / "children")]
    assert len(seen) == 3
    for process in (process for processes in seen for process in processes):
        assert not {name for name in VARIABLES if any(str(each).startswith(name) for each in process["env"])}


async def things_are_generated(run: Run, client: Client) -> None:
    """Specs, prompts, code and entities of a person and a model who both repeat keys."""
    server = run.servers["openai"]
    text = told()

    def answers(*said: str) -> None:
        """Say these one after the other, and then the last one again and again."""
        left = iter(said)
        server.respond = lambda _: says(next(left, said[-1]))

    answers(f"# Of {planted.PHRASE}\n\n## Summary\n\n{text}\n\n## Acceptance\n\n- {planted.STAMP}\n")
    params: Json = {"entities": ["FEAT-001", "T-001"], "requirement": text, "apply": True, "partialResultToken": "p"}
    spec = await client.request("ckit/spec/generate", params)
    # The same without a heading: the title is then what the person wrote.
    answers(text)
    await client.request("ckit/spec/generate", {"requirement": f"{planted.GATEWAY} is it", "apply": True})
    for target in ("codegen", "review", "test"):
        await client.request("ckit/spec/promptify", {"id": spec["id"], "target": target, "log": True})
    await client.request("ckit/spec/promptify", {"id": "T-001", "maxTokens": 20_000})
    task = {**TASK, "title": f"Of {planted.IDLE}", "summary": text}
    answers(f"No. {text}", json.dumps({**task, "status": planted.STAMP}), json.dumps(task))
    await client.request(
        "ckit/entity/generate", {"type": "task", "request": text, "feature": "FEAT-001", "apply": True}
    )
    answers(f"No. {text}")
    await refused(client, "ckit/entity/generate", type="task", request=f"Other. {text}", apply=True)
    artifacts = [
        {"path": f"src/{name}", "content": text, "language": "python", "purpose": text}
        for name in ("a.py", f"{planted.IDLE}.py")
    ]
    answers(json.dumps({"artifacts": artifacts, "notes": text}))
    code = await client.request("ckit/code/generate", {"spec": spec["id"], "styleGuide": text, "language": "python"})
    await client.request("ckit/code/apply", {"generationId": code["generationId"]})
    server.respond = lambda _: failing(500)
    await refused(client, "ckit/spec/generate", requirement=f"Once more. {text}", apply=True)
    await refused(client, "ckit/spec/generate", requirement="Once more.", model=f"{planted.IDLE}/x", apply=True)
    await refused(client, "ckit/code/generate", spec=spec["id"], bypassCache=True)
    for generation in (code["generationId"], spec["generationId"]):
        await client.request("ckit/generation/explain", {"id": generation})
    listed = await client.request("ckit/specLog/list")
    for entry in listed["entries"]:
        await client.request("ckit/specLog/get", {"id": entry["id"]})
    assert listed["total"] > 5


async def the_repository_is_searched(run: Run, client: Client) -> None:
    """Passages of files that hold keys, what is found of them, and answers made of them."""
    run.servers["openai"].respond = lambda _: says(f"{told()} [1]")
    await client.request("ckit/rag/index")
    for query in (told(), *EARLY, "keys", "remarks"):
        for mode in ("hybrid", "lexical"):
            await client.request("ckit/rag/search", {"query": query, "mode": mode})
        await client.request("ckit/rag/query", {"question": query, "partialResultToken": "q"})
    await client.request("ckit/rag/similar", {"text": told()})
    run.servers["openai"].respond = lambda _: failing(500)
    await refused(client, "ckit/rag/query", question=f"Which keys? {told()}", bypassCache=True)
    await client.request("ckit/rag/status")


async def the_client_is_asked(run: Run, client: Client) -> None:
    """Each process has to learn anew what only the client has."""
    run.servers["asked"].respond = lambda _: says(told())
    assert (await client.request("ckit/provider/test", {"provider": "asked", "model": "scripted"}))["ok"]


async def sessions_are_looked_at(run: Run, client: Client) -> None:
    """All that a client can get of sessions and of the daemon itself."""
    run.servers["openai"].respond = lambda _: says(told())
    listed = (await client.request("ckit/session/list", {"limit": 200}))["sessions"]
    for session in listed:
        for form in ("json", "markdown"):
            await client.request("ckit/session/export", {"id": session["id"], "format": form})
        await client.request("ckit/session/get", {"id": session["id"]})
    talk = await run.session(client, "openai")
    await talk.turn(f"What is it? {told()}")
    await client.request("ckit/session/compact", {"id": talk.session, "instructions": told()})
    await client.request("ckit/session/fork", {"id": talk.session})
    for method in ("ckit/health", "ckit/metrics", "ckit/config/get", "ckit/capabilities"):
        await client.request(method)


async def a_crash(run: Run, daemon: Watched, number: signal.Signals | None) -> None:
    """The daemon dies in the middle of an answer and of what the person says meanwhile."""
    talk = await run.session(daemon.client, "openai")
    talk.server.respond = lambda _: says(told(), stall_after=60)
    running = talk.start(told(), bypassCache=True)
    await talk.until(lambda e: (e["type"], e["sessionId"]) == ("itemDelta", talk.session) and "redacted" in e["text"])
    await talk.steer(f"Mind this. {told()}")
    daemon.process.kill() if number is None else daemon.process.send_signal(number)
    await daemon.ended()
    # As it is on disk now, with what was not yet written into the database itself.
    shutil.copytree(run.folder / "state", run.folder / "out" / f"state at the end of {daemon.process.pid}")
    with pytest.raises(ConnectionError):
        await running
