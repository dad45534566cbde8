"""Results of tools as an answer for people. What they say is quoted, and never followed."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import groupby
from typing import TYPE_CHECKING, Final

from ckit_daemon.services.assistant.providers.offline.cited import cited, incomplete
from ckit_daemon.services.assistant.providers.offline.exchange import canonical
from ckit_daemon.services.assistant.providers.offline.fields import block, objects, text, texts
from ckit_daemon.services.assistant.providers.offline.quotes import quotes
from ckit_daemon.services.assistant.providers.offline.requests import keywords

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.services.assistant.providers.offline.exchange import Exchange, Result

CLOSING: Final = "_Put together from what the tools found; no language model was asked._"
_SHOWN: Final = 12
"""Most entries of one list."""
_LINES: Final = 60
"""Most lines that are quoted of one text."""
_QUOTES: Final = 3
"""Most sentences that are quoted of one entity."""


def answer(exchange: Exchange) -> str:
    """Return what the tools found about the request, in Markdown."""
    results = exchange.results
    if canonical(results[-1].tool) == "rag.search" and not results[-1].failed:
        parts = cited(exchange.request, block(results[-1].output))
    elif any(canonical(result.tool) == "context.search" for result in results):
        passages = [result for result in results if canonical(result.tool) == "rag.search"]
        looked_at = [result for result in results if result not in passages]
        parts = [_found(exchange.request, [result for result in looked_at if not result.failed])]
        parts += [_failure(result) for result in results if result.failed]
        parts += [incomplete(block(result.output)) for result in passages if text(block(result.output), "degraded")]
    else:
        parts = [_report(result) for result in results]
    return "\n\n".join([*parts, CLOSING])


def _report(result: Result) -> str:
    if result.failed:
        return _failure(result)
    report = _REPORTS.get(canonical(result.tool))
    return report(result, block(result.output)) if report and result.output else _quoted(result)


def _failure(result: Result) -> str:
    message = text(block(result.output), "message") or " ".join(result.text.split())
    return f"`{_own_name(result)}` did not do it: {message}"


def _quoted(result: Result) -> str:
    return f"`{_own_name(result)}` says:\n\n{_code(result.text)}"


def _own_name(result: Result) -> str:
    return result.tool.replace("_", ".", 1)


def _code(content: str, language: str = "") -> str:
    lines = content.rstrip().splitlines()
    shown = lines[:_LINES]
    # A fence must be longer than any that the text itself has.
    fence = "`" * max(3, 1 + max((len(line) - len(line.lstrip("`")) for line in map(str.strip, shown)), default=0))
    more = f"\n\n{len(lines) - _LINES} more lines are left out." if len(lines) > _LINES else ""
    return "\n".join([f"{fence}{language}", *shown, fence]) + more


def _list(entries: Sequence[str], what: str) -> str:
    left = len(entries) - _SHOWN
    more = [f"- and {left} more {what}"] if left > 0 else []
    return "\n".join([*(f"- {entry}" for entry in entries[:_SHOWN]), *more])


def _name(entity: JsonObject) -> str:
    return f"**{text(entity, 'id')}** {text(entity, 'title')}".strip()


# Questions


def _found(question: str, results: Sequence[Result]) -> str:
    """Quote what a search found: the entities that were read with their sentences, the others by name."""
    words = keywords(question)
    parts: list[str] = []
    read = [block(result.output) for result in results if canonical(result.tool) == "entity.details"]
    for entity in read:
        best = quotes(block(entity.get("data")), words)
        said = [f"> {quote.text} _({quote.field})_" for quote in best[:_QUOTES] if quote.words == best[0].words]
        parts.append(f"{_name(entity)} says:\n\n" + "\n>\n".join(said) if said else f"{_name(entity)} fits.")
    seen = {text(entity, "id") for entity in read}
    others = {
        text(hit, "id"): _name(hit)
        for result in results
        for hit in [*objects(block(result.output), "hits"), *objects(block(result.output), "entities")]
        if text(hit, "id") not in seen
    }
    if others:
        heading = "Also about this:" if parts else "These fit:"
        parts.append(f"{heading}\n\n{_list([*others.values()], 'entities')}")
    return "\n\n".join(parts) or "Nothing in the repository fits these words."


def _similar(result: Result, output: JsonObject) -> str:
    entries = [
        f"{_name(each)} ({text(each, 'score')}; {'; '.join(texts(each, 'why'))})"
        for each in objects(output, "entities")
    ]
    like = text(result.arguments, "id") or "the text"
    if not entries:
        return f"Nothing is similar to {like}."
    return f"Similar to {like}, compared by {text(output, 'method')}:\n\n{_list(entries, 'entities')}"


# Entities


def _details(_: Result, output: JsonObject) -> str:
    heading = f"{_name(output)} is a {text(output, 'type')}"
    status = text(output, "status")
    parts = [f"{heading}, {status} (`{text(output, 'path')}`)." if status else f"{heading} (`{text(output, 'path')}`)."]
    relations = objects(output, "relations")
    linked = {text(each, "id") for each in relations}
    for name, value in block(output.get("data")).items():
        if name in {"id", "title", "name", "status"}:
            continue
        if isinstance(value, str) and len(value) > _SHORT:
            parts.append(f"**{name}**: {' '.join(value.split())}")
        elif isinstance(value, list) and (said := [v for v in value if isinstance(v, str) and v not in linked]):
            parts.append(f"**{name}**:\n\n{_list(said, 'entries')}")
    relations.sort(key=lambda each: (text(each, "direction") != "out", text(each, "rel")))
    for (direction, rel), group in groupby(relations, key=lambda each: (text(each, "direction"), text(each, "rel"))):
        names = ", ".join(_name(each) for each in group)
        parts.append(f"{rel} \u2192 {names}" if direction == "out" else f"{names} {rel} \u2192 this")
    findings = [f"{text(each, 'severity')}: {text(each, 'message')}" for each in objects(output, "findings")]
    if findings:
        parts.append(f"What is wrong with it:\n\n{_list(findings, 'findings')}")
    return "\n\n".join(parts)


def _specification(_: Result, output: JsonObject) -> str:
    warnings = [f"Warning: {warning}" for warning in texts(output, "warnings")]
    path, log = text(output, "path"), text(output, "logPath")
    return "\n\n".join([f"**{text(output, 'id')}** is saved in `{path}`, with a log entry in `{log}`.", *warnings])


def _edit(result: Result, output: JsonObject) -> str:
    action = {"create": "made", "update": "changed", "rename": "renamed", "delete": "deleted"}
    done = action.get(text(output, "action"), "changed")
    diff = output.get("diff")
    if not isinstance(diff, str) or not diff:
        return f"{text(output, 'id')} is like that already; nothing had to be changed."
    files = ", ".join(f"`{path}`" for path in texts(output, "files"))
    warnings = [f"Warning: {warning}" for warning in texts(output, "warnings")]
    old = f" It was {text(result.arguments, 'id')}." if done == "renamed" else ""
    return "\n\n".join([f"**{text(output, 'id')}** is {done}, in {files}.{old}", *warnings])


# Pipelines


def _validate(_: Result, output: JsonObject) -> str:
    findings = objects(output, "findings")
    entities = text(output, "entities")
    if not findings:
        return f"The repository is in order: {entities} entities, no findings."
    counts = block(output.get("counts"))
    numbers = ", ".join(f"{count} {severity}" for severity, count in counts.items() if count)
    entries = [
        f"**{text(each, 'severity')}** `{text(each, 'path')}:{text(each, 'line')}` {text(each, 'message')} "
        f"(`{text(each, 'code')}`)"
        for each in findings
    ]
    return f"Findings in {entities} entities: {numbers}.\n\n{_list(entries, 'findings')}"


def _impact(_: Result, output: JsonObject) -> str:
    changed = ", ".join(f"**{text(each, 'id')}**" for each in objects(output, "changed"))
    stale, rules = objects(output, "stale"), objects(output, "rules")
    if not (stale or rules):
        return f"Nothing else has to be looked at when {changed or 'this'} changes."
    again = "1 entity has" if len(stale) == 1 else f"{len(stale)} entities have"
    parts = [f"If {changed} changes, {again} to be looked at again:"]
    by_type: defaultdict[str, list[str]] = defaultdict(list)
    for each in stale:
        by_type[text(each, "type")].append(_name(each))
    parts.append("\n".join(f"- {kind}: {', '.join(names)}" for kind, names in by_type.items()))
    if rules:
        fired = [f"`{text(each, 'rule')}` marks {', '.join(texts(each, 'marks')) or 'nothing'}" for each in rules]
        parts.append(f"Consistency rules that may fire:\n\n{_list(fired, 'rules')}")
    # The gravest come first, and one for each entity is enough to begin with.
    actions = {text(each, "entity"): text(each, "action") for each in reversed(objects(output, "issues"))}
    if actions:
        parts.append(f"What to do:\n\n{_list([*reversed(actions.values())], 'things')}")
    return "\n\n".join(parts)


def _graph(_: Result, output: JsonObject) -> str:
    nodes, edges = objects(output, "nodes"), objects(output, "edges")
    types = Counter(text(each, "type") for each in nodes)
    head = f"{text(output, 'totalNodes')} entities and {text(output, 'totalEdges')} facts between them"
    kinds = ", ".join(f"{count} {kind}" for kind, count in types.most_common())
    facts = [f"{text(each, 'source')} {text(each, 'rel')} {text(each, 'target')}" for each in edges]
    return f"{head}: {kinds}.\n\n{_list(facts, 'facts')}"


def _prompts(_: Result, output: JsonObject) -> str:
    return f"These files are written:\n\n{_list([f'`{path}`' for path in texts(output, 'files')], 'files')}"


def _read(_: Result, output: JsonObject) -> str:
    content, path = output.get("text"), text(output, "path")
    language = path.rpartition(".")[2]
    return f"`{path}`:\n\n{_code(content if isinstance(content, str) else '', language)}"


_SHORT: Final = 24
"""Shorter texts are keys and names rather than something said."""
_REPORTS: Final[Mapping[str, Callable[[Result, JsonObject], str]]] = {
    "pipeline.validate": _validate,
    "pipeline.impact": _impact,
    "pipeline.build.graph": _graph,
    "pipeline.generate": _prompts,
    "entity.details": _details,
    "entity.similar": _similar,
    "entity.edit": _edit,
    "spec.generate": _specification,
    "context.read": _read,
}
