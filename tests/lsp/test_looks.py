"""What an editor draws: titles behind ids, folding, and colours by meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.editor import Editor, editor, small_repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client import Json

pytestmark = pytest.mark.asyncio

FEATURE, STORY, SERVICE = (
    "contexts/features/FEAT-001.yaml",
    "contexts/userstories/US-001.yaml",
    "contexts/services/svc-mail.yaml",
)
FILES = {
    FEATURE: "id: FEAT-001\ntitle: Renew 😀\nuserStories: [US-001]\n",
    STORY: "id: US-001\ntitle: By phone\nfeature: FEAT-001\n",
    SERVICE: "id: svc-mail\nname: Mail\ndependencies:\n  - svc-mail@^1.0.0\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return small_repository(tmp_path / "repository", FILES)


async def hinted(on: Editor, path: str, first: int = 0, last: int = 999) -> str:
    """A document with its hints in angle brackets."""
    lines = {"start": {"line": first, "character": 0}, "end": {"line": last, "character": 0}}
    hints: Any = await on.ask("inlayHint", path, range=lines)
    shown = [line.encode("utf-16-le") for line in on.texts[on.uri(path)].replace("\r\n", "\n").split("\n")]
    for hint in reversed(hints):
        assert hint["paddingLeft"] is True
        at, (label,) = hint["position"], hint["label"]
        line, column = shown[at["line"]], 2 * at["character"]
        shown[at["line"]] = line[:column] + f"<{label['value']}>".encode("utf-16-le") + line[column:]
    return "\n".join(line.decode("utf-16-le") for line in shown)


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        pytest.param(
            STORY, "id: US-001\nfeature: FEAT-001 # x", "id: US-001\nfeature: FEAT-001<Renew 😀> # x", id="one"
        ),
        pytest.param(FEATURE, "userStories: ['US-001', x]", "userStories: ['US-001'<By phone>, x]", id="in a list"),
        pytest.param(FEATURE, "userStories: [US-001", "userStories: [US-001<By phone>", id="that nothing closes"),
        pytest.param(FEATURE, "id: FEAT-001\r\nuserStories:\r\n\t- US-001", None, id="with CRLF and tabs"),
        pytest.param(STORY, "impacts: {services: [svc-mail]}", "impacts: {services: [svc-mail<Mail>]}", id="in braces"),
        pytest.param(FEATURE, "😀: x\nuserStories: [US-009]\ntitle: US-001", "", id="nothing to show"),
    ],
)
async def test_a_title_stands_behind_each_id(root: Path, path: str, text: str, expected: str | None) -> None:
    if expected is None:
        expected = "id: FEAT-001\nuserStories:\n\t- US-001<By phone>"
    async with editor(root) as on:
        on.open(path, text)
        assert await hinted(on, path) == (expected or text)


async def test_a_title_stands_behind_the_version_too(root: Path) -> None:
    async with editor(root) as on:
        on.open(SERVICE)
        assert (await hinted(on, SERVICE)).splitlines()[-1] == "  - svc-mail@^1.0.0<Mail>"


async def test_hints_are_those_of_the_lines_that_are_seen_and_lead_to_the_entity(root: Path) -> None:
    text = "".join(f"# {number}\n" for number in range(50)) + "feature: FEAT-001\n"
    async with editor(root) as on:
        on.open(STORY, text)
        assert await hinted(on, STORY, 0, 49) == text
        lines = {"start": {"line": 50, "character": 0}, "end": {"line": 51, "character": 0}}
        (hint,) = await on.ask("inlayHint", STORY, range=lines)
        assert hint["label"][0]["location"]["uri"] == on.uri(FEATURE)
        assert hint["label"][0]["location"]["range"]["start"] == {"line": 0, "character": 4}


async def folded(on: Editor, path: str, text: str) -> list[tuple[int, int, str | None]]:
    if on.uri(path) in on.texts:
        on.type(path, text)
    else:
        on.open(path, text)
    return [(each["startLine"], each["endLine"], each.get("kind")) for each in await on.ask("foldingRange", path)]


async def test_what_is_indented_below_a_line_folds(root: Path) -> None:
    async with editor(root) as on:
        lists = "related:\n  spec:\n    - a\n    - b\n\n  # c\ntasks:\n- T-1\n- T-2\n\n"
        text = f"# a\n# b\nid: x\n{lists}last: |\n  x:\n    y\n  z\n"
        expected = [(0, 1, "comment"), (3, 6, None), (4, 6, None), (9, 11, None), (13, 16, None)]
        assert await folded(on, FEATURE, text) == expected
        assert await folded(on, FEATURE, text.replace("\n", "\r\n")) == expected
        assert await folded(on, FEATURE, "tasks: [\n  a,\n  b\n]\nid: x\n") == [(0, 2, None)]
        assert await folded(on, FEATURE, 'a:\n  - b: "open\n    c:\n      d\ne: [') == [
            (0, 3, None),
            (1, 3, None),
            (2, 3, None),
        ]
        for nothing in ("", "a: b\n", "\n\n\n", "# x\na: b\n# y"):
            assert await folded(on, FEATURE, nothing) == []


async def coloured(on: Editor, path: str, request: str = "full", **more: Json) -> list[tuple[str, str, list[str]]]:
    """The texts of the tokens, with their kinds and modifiers."""
    legend = on.client.initialize_result["capabilities"]["semanticTokensProvider"]["legend"]
    data: list[int] = (await on.ask(f"semanticTokens/{request}", path, None, **more))["data"]
    lines = [line.encode("utf-16-le") for line in on.texts[on.uri(path)].replace("\r\n", "\n").split("\n")]
    found: list[tuple[str, str, list[str]]] = []
    line = column = 0
    for below, behind, length, kind, bits in zip(*[iter(data)] * 5, strict=True):
        column = behind if below else column + behind
        line += below
        text = lines[line][2 * column : 2 * (column + length)].decode("utf-16-le")
        modifiers = [name for bit, name in enumerate(legend["tokenModifiers"]) if bits & 1 << bit]
        found.append((text, legend["tokenTypes"][kind], modifiers))
    return found


async def test_fields_values_and_ids_have_colours_by_their_meaning(root: Path) -> None:
    start = "# 😀 US-001\r\nid: FEAT-001\r\ntitle: US-001 😀 US-001\r\n"
    text = f"{start}status: 'done'\r\nodd: done\r\nuserStories: [US-001, US-9]"
    async with editor(root) as on:
        on.open(FEATURE, text)
        expected = [
            ("US-001", "class", []),
            ("id", "property", []),
            ("FEAT-001", "class", ["declaration"]),
            ("title", "property", []),
            ("US-001", "class", []),
            ("US-001", "class", []),
            ("status", "property", []),
            ("done", "enumMember", []),
            ("userStories", "property", []),
            ("US-001", "class", []),
        ]
        assert await coloured(on, FEATURE) == expected
        lines = {"start": {"line": 1, "character": 0}, "end": {"line": 2, "character": 99}}
        assert await coloured(on, FEATURE, "range", range=lines) == expected[1:6]


async def test_half_typed_text_has_colours_and_other_files_have_none(root: Path, tmp_path: Path) -> None:
    async with editor(root) as on:
        on.open(STORY, 'id: US-001\ntitle: "open\nfeature: {FEAT-001')
        assert ("title", "property", []) in await coloured(on, STORY)
        on.type(STORY, "id: US-001 b\n")
        on.open(FEATURE)
        assert await coloured(on, STORY) == [("id", "property", []), ("US-001 b", "class", ["declaration"])]
        on.type(FEATURE, "id: US-001\n")
        assert await coloured(on, STORY) == [("id", "property", []), ("US-001 b", "class", ["declaration"])]
        on.type(STORY, "")
        assert await coloured(on, STORY) == []
        outside = tmp_path / "outside.yaml"
        on.open(outside, "id: FEAT-001\n")
        for method in ("semanticTokens/full", "foldingRange"):
            assert await on.ask(method, str(outside)) is None


async def test_a_daemon_process_draws(root: Path) -> None:
    async with editor(root, process=True) as on:
        on.open(STORY)
        assert "<Renew 😀>" in await hinted(on, STORY)
        assert ("US-001", "class", ["declaration"]) in await coloured(on, STORY)
        assert await folded(on, FEATURE, "tasks:\n  - T-001\n") == [(0, 1, None)]
