"""Code composed from facts: a documented module without bodies, and a test for each acceptance criterion."""

from __future__ import annotations

import json
import keyword
import re
import textwrap
import unicodedata
from itertools import chain, count
from typing import TYPE_CHECKING, Final

import orjson

from ckit_daemon.services.generation.facts import criteria, data_of, mappings, of_type, story_sentence, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ckit_daemon.core.json import JsonObject, JsonValue

_MAX_NAME: Final = 60
_WIDTH: Final = 88
_WORD: Final = re.compile(r"[A-Za-z0-9]+")
_MODULE: Final = "The module, still without bodies."
_TESTS: Final = "One test for each criterion."
_NOTE: Final = "Composed offline from {source}; no language model was asked. The bodies are still to be written."


def compose_code(facts: JsonObject) -> str:
    """Files as JSON: `artifacts` and `notes`."""
    language = text(facts, "language").casefold()
    compose = _LANGUAGES.get(language, _plan)
    title = text(facts, "title") or "what is specified"
    source = ", ".join(str(entity.get("id")) for entity in mappings(facts.get("entities"))) or text(facts, "spec")
    artifacts = compose(facts, title, _NOTE.format(source=source))
    return orjson.dumps({"artifacts": artifacts, "notes": _NOTE.format(source=source)}).decode()


def _artifact(path: str, content: str, language: str, purpose: str) -> JsonObject:
    return {"path": path, "content": content, "language": language, "purpose": purpose}


def _python(facts: JsonObject, title: str, note: str) -> list[JsonValue]:
    module = _name(title, "_")
    folder = text(facts, "folder").rstrip("/") or "src"
    told = "\n\n".join(
        textwrap.fill(_plain(part), _WIDTH, break_on_hyphens=False)
        for part in (f"{title}.", text(facts, "summary"), note)
        if part
    )
    functions = [
        f"def {name}() -> None:\n    {_docstring(sentence)}\n    raise NotImplementedError({json.dumps(identifier)})\n"
        for name, sentence, identifier in _parts(facts, "_")
    ]
    head = f'"""{told}\n"""\n\nfrom __future__ import annotations\n'
    tests = [
        f"def test_{name}() -> None:\n    {_docstring(sentence)}\n"
        f"    pytest.skip({json.dumps(f'{identifier} is still to be built')})\n"
        for name, sentence, identifier in _tests(facts, "_")
    ]
    promise = f"What {_plain(title)} promises, one test for each criterion."
    test_head = f'"""{promise}"""\n\nfrom __future__ import annotations\n\nimport pytest\n'
    return [
        _artifact(f"{folder}/{module}.py", "\n\n".join([head, *functions]), "python", _MODULE),
        _artifact(f"tests/test_{module}.py", "\n\n".join([test_head, *tests]), "python", _TESTS),
    ]


def _typescript(facts: JsonObject, title: str, note: str) -> list[JsonValue]:
    module = _name(title, "-")
    folder = text(facts, "folder").rstrip("/") or "src"
    runner = "vitest" if text(facts, "testRunner") == "vitest" else "node:test"
    functions = [
        f"/** {_comment(sentence)} */\nexport function {_camel(name)}(): never {{\n"
        f"  throw new Error({json.dumps(f'{identifier} is still to be built')});\n}}\n"
        for name, sentence, identifier in _parts(facts, "_")
    ]
    told = "\n *\n * ".join(_comment(part) for part in (f"{title}.", text(facts, "summary"), note) if part)
    head = f"/**\n * {told}\n */\n"
    tests = [
        f"test.todo({json.dumps(f'{sentence} ({identifier})')});\n" for _, sentence, identifier in _tests(facts, "_")
    ]
    test_head = f'import {{ test }} from "{runner}";\n\n'
    return [
        _artifact(f"{folder}/{module}.ts", "\n".join([head, *functions]), "typescript", _MODULE),
        _artifact(f"{folder}/{module}.test.ts", "".join([test_head, *tests]), "typescript", _TESTS),
    ]


def _plan(facts: JsonObject, title: str, note: str) -> list[JsonValue]:
    wanted = text(facts, "language") or "the language of your choice"
    parts = [f"- `{name}`: {sentence} ({identifier})" for name, sentence, identifier in _parts(facts, "_")]
    tests = [f"- [ ] {sentence} ({identifier})" for _, sentence, identifier in _tests(facts, "_")]
    lines = [f"# Plan: {title} in {wanted}", text(facts, "summary"), note, "## Parts", *parts, "## Tests", *tests]
    return [
        _artifact(
            f"docs/plans/{_name(title, '-')}.md",
            "\n\n".join(filter(None, lines)) + "\n",
            "markdown",
            "A plan of the code.",
        )
    ]


_LANGUAGES: Final[Mapping[str, Callable[[JsonObject, str, str], list[JsonValue]]]] = {
    "python": _python,
    "typescript": _typescript,
}


def _parts(facts: JsonObject, separator: str) -> list[tuple[str, str, str]]:
    """Name, sentence and source of each part of the code: one for each story, else one for the whole."""
    stories = of_type(facts, "userstory")
    found = [
        (text(data_of(story), "title", "iWant").removeprefix("to "), story_sentence(story), str(story.get("id")))
        for story in stories
    ]
    if not found:
        title = text(facts, "title")
        found = [(title, text(facts, "summary") or title, text(facts, "spec"))]
    return _named(found, separator)


def _tests(facts: JsonObject, separator: str) -> list[tuple[str, str, str]]:
    found = [(criterion, criterion, identifier) for criterion, identifier in criteria(facts)]
    return _named(found or [("it works", "It does what the specification says.", text(facts, "spec"))], separator)


def _named(found: list[tuple[str, str, str]], separator: str) -> list[tuple[str, str, str]]:
    """The same with names that differ."""
    named: dict[str, tuple[str, str, str]] = {}
    for words, sentence, identifier in found:
        name = _name(words, separator)
        others = (f"{name.rstrip(separator)}{separator}{number}" for number in count(2))
        free = next(each for each in chain((name,), others) if each not in named)
        named[free] = free, sentence, identifier
    return list(named.values())


def _name(words: str, separator: str) -> str:
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode()
    name = ""
    for word in _WORD.findall(plain.lower()):
        if name and len(name) + len(word) >= _MAX_NAME:
            break
        name = f"{name}{separator}{word}" if name else word[:_MAX_NAME]
    if not name or name[0].isdigit():
        name = f"part{separator}{name}".rstrip(separator)
    return f"{name}{separator}" if keyword.iskeyword(name) and separator == "_" else name


def _camel(name: str) -> str:
    first, *rest = name.strip("_").split("_")
    # A single word may be one that the language keeps for itself.
    return first + "".join(word.capitalize() for word in rest or ["part"])


def _plain(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"""', "'''")


def _docstring(sentence: str) -> str:
    line = _plain(sentence).replace('"', "'")
    lines = textwrap.wrap(line if line.endswith((".", "!", "?")) else f"{line}.", _WIDTH, break_on_hyphens=False)
    return f'"""{lines[0]}"""' if len(lines) == 1 else '"""' + "\n    ".join([*lines, '"""'])


def _comment(value: str) -> str:
    return value.replace("*/", "* /")
