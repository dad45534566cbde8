"""The generated blocks of the pages: tables and method descriptions between hand-written prose."""

from __future__ import annotations

import functools
import inspect
import json
import re
from typing import TYPE_CHECKING

from examples import EXAMPLES
from examples.model import MethodExamples

from ckit_daemon.config import ENVIRONMENT_KEYS, LEAVES, Configuration
from ckit_daemon.core import compat
from ckit_daemon.core.errors import CkitError
from ckit_daemon.core.validation.codes import CODES
from ckit_daemon.wire.errors import NUMBERS
from ckit_daemon.wire.methods import METHODS
from tools.contract import error_message, initialize_messages, method_messages, named_types, short_name
from tools.errors import ADVICE
from tools.typescript import field_note, type_expression

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import JsonValue

    from ckit_daemon.wire.row import Method
    from tools.contract import Message, Schema

BLOCK = re.compile(r"(<!-- generated:(\w+) -->\n).*?(<!-- /generated -->)", re.DOTALL)
REFERENCE = "REFERENCE.md"
LINE_WIDTH = 110
MAX_EXAMPLE_LINES = 24
MAX_TYPE_LENGTH = 110
MAX_NOTIFICATIONS = 3
IGNORED = "A notification has no answer: a bad one is logged and ignored."
COMMON_ERRORS = ("invalid_params", "cancelled", "deadline_exceeded", "overloaded", "limit_exceeded", "internal_error")
INSTANT_ERRORS = ("invalid_params", "cancelled", "limit_exceeded", "internal_error")
COMMON_FIELDS = ("repository", "offset", "limit", "workDoneToken", "partialResultToken")
NAMESPACES = {
    "server": "The daemon itself",
    "repo": "Repositories: `ckit/repo/`",
    "entity": "Entities: `ckit/entity/`",
    "file": "Files: `ckit/file/`",
    "prompt": "Prompts: `ckit/prompt/`",
    "pipeline": "Pipelines: `ckit/pipeline/`",
    "provider": "Providers of models: `ckit/provider/`",
    "secret": "Keys: `ckit/secret/`",
    "session": "Sessions: `ckit/session/`",
    "turn": "Turns: `ckit/turn/`",
    "tool": "Tools: `ckit/tool/`",
    "approval": "Approvals: `ckit/approval/`",
    "spec": "Specifications: `ckit/spec/`",
    "specLog": "The log of generations: `ckit/specLog/`",
    "code": "Code: `ckit/code/`",
    "generation": "Where it came from: `ckit/generation/`",
}
DIRECTIONS = {"clientToServer": "client to daemon", "serverToClient": "daemon to client", "both": "both ways"}


def pages(current: Mapping[str, str], golden: Mapping[str, str]) -> dict[str, str]:
    """Return the pages with all their generated blocks renewed.

    Args:
        current: the pages as they are, by name.
        golden: texts of the golden files by name; examples are taken from them.

    Raises:
        ValueError: a block is in no page, or a page has one that nothing makes.
    """
    blocks = {
        "methods": _method_table(),
        "initialize": _initialize_example(golden),
        "errors": _error_table(),
        "errordata": _field_table(error_message().schema.defs["ErrorData"]),
        "settings": _setting_table(),
        "codes": _code_table(),
        "compat": (inspect.getdoc(compat) or "").partition("Deliberate differences:")[2],
        "reference": _reference(golden),
        "session": _session_examples(golden),
        "types": _type_tables(),
    }
    found = [match[2] for page in current.values() for match in BLOCK.finditer(page)]
    if sorted(found) != sorted(blocks):
        raise ValueError(f"the pages have the blocks {sorted(found)}, not {sorted(blocks)}")
    return {
        name: BLOCK.sub(lambda match: f"{match[1]}{blocks[match[2]].strip()}\n{match[3]}", page)
        for name, page in current.items()
    }


def _method_table() -> str:
    return _table(
        ("Method", "What it does", "Kind", "Stability", "Feature"),
        (
            (
                f"[`{row.name}`]({REFERENCE}#{_anchor(row.name)})",
                row.summary,
                row.kind if row.direction == "clientToServer" else f"{row.kind}, {DIRECTIONS[row.direction]}",
                row.stability,
                f"`{row.feature}`" if row.feature else "",
            )
            for row in METHODS
        ),
    )


def _initialize_example(golden: Mapping[str, str]) -> str:
    entry = json.loads(golden["golden/initialize.json"])["valid"][0]
    params, result = initialize_messages().values()
    return "\n\n".join(
        (
            "`initializationOptions.ckit`:",
            _field_table(params.schema.defs["InitializeOptions"]),
            "`capabilities.experimental.ckit` in the answer:",
            _field_table(result.schema.defs["Capabilities"]),
            "Request:",
            _code_block({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": entry["params"]}),
            "Answer:",
            _code_block({"jsonrpc": "2.0", "id": 1, "result": entry["result"]}),
        )
    )


def _error_table() -> str:
    if ADVICE.keys() != NUMBERS.keys():
        raise ValueError(f"errors without advice, or advice without error: {ADVICE.keys() ^ NUMBERS.keys()}")
    retryable = {kind.code for kind in CkitError.__subclasses__() if kind.retryable}
    return _table(
        ("`data.code`", "`code`", "Meaning", "Retryable", "What to do"),
        (
            (f"`{code}`", str(number), ADVICE[code][0], "yes" if code in retryable else "no", ADVICE[code][1])
            for code, number in NUMBERS.items()
        ),
    )


def _setting_table() -> str:
    variables = {key: name for name, key in ENVIRONMENT_KEYS.items()}
    rows: list[tuple[str, ...]] = []
    for setting in Configuration(()).describe():
        of_repository = LEAVES[setting.key].repository_may_set
        rows.append(
            (
                f"`{setting.key}`",
                f"`{json.dumps(setting.value)}`",
                setting.description,
                f"`{variables[setting.key]}`",
                "yes" if of_repository else "no",
            )
        )
    return _table(("Setting", "Default", "Meaning", "Environment", "Repository may set it"), rows)


def _code_table() -> str:
    return _table(
        ("Code", "Severity", "Meaning", "What to do"),
        ((f"`{code.code}`", code.severity.name.lower(), code.description, code.advice) for code in CODES.values()),
    )


def _reference(golden: Mapping[str, str]) -> str:
    sections: list[str] = []
    for namespace, title in NAMESPACES.items():
        sections.append(f"## {title}")
        rows = [row for row in METHODS if _namespace(row) == namespace]
        sections += [_method_section(row, json.loads(golden[f"golden/{short_name(row.name)}.json"])) for row in rows]
    return "\n\n".join(sections)


def _namespace(row: Method) -> str:
    _, namespace, *_ = row.name.split("/")
    return namespace if namespace in NAMESPACES else "server"


def _method_section(row: Method, recorded: dict[str, list[dict[str, JsonValue]]]) -> str:
    messages = method_messages(row)
    facts = [row.stability.capitalize(), f"{row.kind}, {DIRECTIONS[row.direction]}"]
    facts += [f"feature `{row.feature}`"] if row.feature else []
    facts += ["answers at once"] if row.cost == "instant" else []
    facts += [f"one at a time ({row.scope})"] if row.scope else []
    parts = [f"### `{row.name}`", row.summary, ", ".join(facts) + ".", _side("Parameters", messages["params"])]
    if "result" not in messages:
        parts += [
            part
            for example in recorded["valid"][:MAX_NOTIFICATIONS]
            for part in (
                f"{example['title']}:",
                _code_block({"jsonrpc": "2.0", "method": row.name, "params": example["params"]}),
            )
        ]
        parts += [] if row.direction == "serverToClient" else [IGNORED]
    elif row.direction == "serverToClient":
        parts += [_side("Result", messages["result"]), *_questions(row, recorded)]
    else:
        parts += [_side("Result", messages["result"]), _possible_errors(row), *_examples(row, recorded)]
    return "\n\n".join(parts)


def _side(title: str, message: Message) -> str:
    if not message.schema.properties:
        return f"{title}: none."
    return f"{title} (`{message.type_name}`): {message.schema.description}\n\n{_field_table(message.schema)}"


def _possible_errors(row: Method) -> str:
    own = next(
        examples.errors for examples in EXAMPLES if examples.method == row.name and isinstance(examples, MethodExamples)
    )
    codes = [*own, *(["capability_disabled"] if row.feature else [])]
    codes += INSTANT_ERRORS if row.cost == "instant" else COMMON_ERRORS
    return "Errors: " + ", ".join(f"`{code}`" for code in dict.fromkeys(codes)) + "."


def _examples(row: Method, recorded: dict[str, list[dict[str, JsonValue]]]) -> list[str]:
    good = recorded["valid"][0]
    # The error of the domain says more than the ones that all methods share, and stands last.
    bad = recorded["invalid"][-1]
    request: JsonValue = {"jsonrpc": "2.0", "id": 1, "method": row.name, "params": good["params"]}
    refused: JsonValue = {"jsonrpc": "2.0", "id": 1, "method": row.name, "params": bad["params"]}
    return [
        f"{good['title']}:",
        _code_block(request, {"jsonrpc": "2.0", "id": 1, "result": good["result"]}),
        f"{bad['title']}:",
        _code_block(refused, {"jsonrpc": "2.0", "id": 1, "error": bad["error"]}),
    ]


def _questions(row: Method, recorded: dict[str, list[dict[str, JsonValue]]]) -> list[str]:
    good, *_ = recorded["valid"]
    bad = recorded["invalid"][-1]
    question: JsonValue = {"jsonrpc": "2.0", "id": "ckit-1", "method": row.name, "params": good["params"]}
    return [
        f"{good['title']}; the daemon asks, and the host answers:",
        _code_block(question, {"jsonrpc": "2.0", "id": "ckit-1", "result": good["result"]}),
        f"An answer that the daemon refuses: {bad['title']}:",
        _code_block({"jsonrpc": "2.0", "id": "ckit-1", "result": bad["result"]}),
    ]


def _session_examples(golden: Mapping[str, str]) -> str:
    parts: list[str] = []
    for conversation in json.loads(golden["golden/session.json"])["conversations"]:
        *_, last = (message["receive"] for message in conversation["messages"] if "receive" in message)
        error = last["error"]
        parts.append(f'- {conversation["title"]}: `{error["data"]["code"]}`, "{error["message"]}"')
    return "\n".join(parts)


def _type_tables() -> str:
    parts: list[str] = []
    for name, schema in _shared_types().items():
        body = _field_table(schema) if schema.properties else _choice_list(schema)
        parts += [f"### `{name}`", schema.description or "", body]
    return "\n\n".join(part for part in parts if part)


@functools.cache
def _shared_types() -> Mapping[str, Schema]:
    """Return the types that the sections of the methods only name."""
    shown = {message.type_name for row in METHODS for message in method_messages(row).values()}
    shown |= {"InitializeOptions", "Capabilities", "ErrorData"}
    return {name: schema for name, schema in named_types().items() if name not in shown}


def _choice_list(schema: Schema) -> str:
    """Return what a union may be, by the value of the field that tells."""
    if schema.discriminator is None:
        raise ValueError("a union without a field that tells its members apart")
    field, mapping = schema.discriminator.property_name, schema.discriminator.mapping
    names = {value: target.removeprefix("#/$defs/") for value, target in mapping.items()}
    return _table(
        (f"`{field}`", "Type", "Meaning"),
        ((f"`{value}`", _linked(name), named_types()[name].description or "") for value, name in names.items()),
    )


def _field_table(schema: Schema) -> str:
    names = sorted(schema.properties, key=lambda name: (name in COMMON_FIELDS, name not in schema.required))
    return _table(
        ("Field", "Type", "", "Meaning"),
        (
            (
                f"`{name}`",
                _linked(_short_type(field)),
                "required" if name in schema.required else "",
                field_note(field),
            )
            for name, field in ((name, schema.properties[name]) for name in names)
        ),
    )


def _short_type(schema: Schema) -> str:
    text = type_expression(schema).removesuffix(" | null")
    # Whoever needs all of a long list finds it in the schema and in the types.
    return text if len(text) <= MAX_TYPE_LENGTH else (schema.type or "string")


def _linked(text: str) -> str:
    name = text.removesuffix("[]")
    # The anchor of a type of this name would lead to the chapter of the same name.
    known = name in _shared_types() and name != "Limits"
    return f"[`{text}`]({REFERENCE}#{name.lower()})" if known else f"`{text}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _anchor(method: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w-]", "", method.lower())


def _code_block(*documents: JsonValue) -> str:
    texts = [_cut(_pretty(document)) for document in documents]
    return "```jsonc\n" + "\n".join(texts) + "\n```"


def _cut(text: str) -> str:
    lines = text.splitlines()
    if len(lines) <= MAX_EXAMPLE_LINES:
        return text
    return "\n".join([*lines[:MAX_EXAMPLE_LINES], f"// ... {len(lines) - MAX_EXAMPLE_LINES} more lines in golden/"])


def _pretty(value: JsonValue, indent: str = "") -> str:
    """Return JSON with as much on a line as fits."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(flat) <= LINE_WIDTH or not isinstance(value, dict | list) or not value:
        return flat if len(flat) <= 4 * LINE_WIDTH else flat[: 4 * LINE_WIDTH] + '..."'
    deeper = indent + "  "
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}: {_pretty(item, deeper)}" for key, item in value.items()]
        opening, closing = "{", "}"
    else:
        items = [_pretty(item, deeper) for item in value]
        opening, closing = "[", "]"
    body = ",\n".join(f"{deeper}{item}" for item in items)
    return f"{opening}\n{body}\n{indent}{closing}"
