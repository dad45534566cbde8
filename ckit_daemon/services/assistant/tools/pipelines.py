"""Tools for the work that repositories do with pipelines: check, draw the graph, tell the impact, render prompts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from ckit_daemon.core.document import Severity
from ckit_daemon.services.assistant.tools.arguments import Arguments, EntityIds
from ckit_daemon.services.assistant.tools.base import Output, Plan, ReadTool, Tool, edit_of_texts, edit_plan
from ckit_daemon.services.clock import timestamp
from ckit_daemon.services.impact import assess
from ckit_daemon.services.pipelines.native import compute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.core.document import Finding
    from ckit_daemon.core.impact import Impact
    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.services.assistant.records import ToolClass
    from ckit_daemon.services.assistant.tools.base import AnyTool, ToolContext

_SEVERITIES: Final = {severity.name.lower(): severity for severity in Severity}


class ValidateArguments(Arguments):
    """What to report."""

    ids: EntityIds | None = Field(default=None, description="Only findings about these entities.")
    min_severity: Literal["error", "warning", "information", "hint"] = Field(
        default="information", description="Only findings at least this grave."
    )
    limit: int = Field(default=50, ge=1, le=500, description="Most findings to return.")


class Validate(ReadTool[ValidateArguments]):
    """Checks the repository."""

    name = "pipeline.validate"
    description = (
        "Check the repository: YAML, schemas, references between entities, and the constitution's rules. "
        "Returns the findings with file and line, the gravest first."
    )
    arguments = ValidateArguments
    features = ("pipelines",)

    async def look(self, context: ToolContext, arguments: ValidateArguments) -> Output:
        """Validate in a worker thread."""
        return await asyncio.to_thread(self._report, context, arguments)

    @staticmethod
    def _report(context: ToolContext, arguments: ValidateArguments) -> Output:
        report = context.repository.report(context.progress)
        for identifier in arguments.ids or ():
            report.snapshot.require(identifier)
        worst = _SEVERITIES[arguments.min_severity]
        chosen = [
            finding
            for finding in report.findings
            if finding.severity <= worst and (arguments.ids is None or finding.entity in arguments.ids)
        ]
        page = sorted(chosen, key=lambda finding: finding.severity)[: arguments.limit]
        counts = {severity.name.lower(): count for severity, count in report.counts.items()}
        value: JsonObject = {
            "ok": report.ok,
            "entities": len(report.snapshot.definitions),
            "counts": {**counts},
            "total": len(chosen),
            "findings": [_finding(finding) for finding in page],
        }
        summary = ", ".join(f"{count} {name}" for name, count in counts.items())
        head = f"{'Valid' if report.ok else 'Not valid'}: {len(report.snapshot.definitions)} entities; {summary}."
        left = len(chosen) - len(page)
        more = f"{left} more findings: ask with ids, a higher minSeverity or a larger limit." if left else ""
        return Output(value, "\n".join([head, *map(_finding_line, page)]), more)


def _finding(finding: Finding) -> JsonObject:
    start = finding.location.range.start
    return {
        "code": finding.code,
        "severity": finding.severity.name.lower(),
        "message": finding.message,
        "path": finding.location.path,
        "line": start.line + 1,
        "entity": finding.entity,
        "field": [*finding.path],
    }


def _finding_line(finding: Finding) -> str:
    start = finding.location.range.start
    place = f"{finding.location.path}:{start.line + 1}"
    return f"{finding.severity.name.lower()} {place} {finding.code}: {finding.message}"


class GraphArguments(Arguments):
    """Which part of the graph."""

    ids: EntityIds | None = Field(default=None, description="Begin with these entities; all of the graph without.")
    depth: int = Field(default=1, ge=0, le=20, description="How many facts away from `ids` to go.")
    types: list[str] | None = Field(default=None, max_length=50, description="Only entities of these types.")
    relations: list[str] | None = Field(default=None, max_length=50, description="Only facts of these kinds.")
    direction: Literal["out", "in", "both"] = Field(default="both", description="Which way to follow facts.")
    limit: int = Field(default=200, ge=1, le=2000, description="Most entities to return.")


class BuildGraph(ReadTool[GraphArguments]):
    """Shows the graph."""

    name = "pipeline.build-graph"
    description = (
        "List entities and the facts between them, e.g. which stories a feature has and which services a package uses."
    )
    arguments = GraphArguments
    features = ("pipelines", "graph")

    async def look(self, context: ToolContext, arguments: GraphArguments) -> Output:
        """Cut the graph in a worker thread."""
        return await asyncio.to_thread(self._graph, context, arguments)

    @staticmethod
    def _graph(context: ToolContext, arguments: GraphArguments) -> Output:
        snapshot = context.repository.store.snapshot
        for identifier in arguments.ids or ():
            snapshot.require(identifier)
        part = snapshot.graph.subgraph(
            ids=arguments.ids,
            types=arguments.types,
            relations=arguments.relations,
            depth=arguments.depth if arguments.ids else None,
            direction=arguments.direction,
        )
        page = part.entities[: arguments.limit]
        shown = {entity.id for entity in page}
        edges = [edge for edge in part.edges if edge.source in shown and edge.target in shown]
        value: JsonObject = {
            "totalNodes": len(part.entities),
            "totalEdges": len(part.edges),
            "nodes": [{"id": each.id, "type": each.type, "title": each.title, "status": each.status} for each in page],
            "edges": [{"source": each.source, "target": each.target, "rel": each.rel} for each in edges],
        }
        lines = [f"{len(part.entities)} entities and {len(part.edges)} facts."]
        lines += [f"{each.id} ({each.type}) {each.title or ''} [{each.status or 'no status'}]" for each in page]
        lines += [f"{each.source} {each.rel} {each.target}" for each in edges]
        left = len(part.entities) - len(page)
        more = f"{left} more entities: ask with ids, types or a larger limit." if left else ""
        return Output(value, "\n".join(lines), more)


class ImpactArguments(Arguments):
    """What changes."""

    ids: EntityIds = Field(default=[], description="The entities that change; with `between` only these.")
    between: Literal["unsaved", "workingTree", "staged"] | None = Field(
        default=None, description="Find out what changed: unsaved text, the working tree or the index against Git."
    )
    depth: int | None = Field(default=None, ge=1, le=20, description="Over how many facts staleness goes on.")
    limit: int = Field(default=100, ge=1, le=1000, description="Most stale entities and most issues to return.")


class TellImpact(ReadTool[ImpactArguments]):
    """Tells what a change breaks."""

    name = "pipeline.impact"
    description = (
        "Tell what breaks if entities change, or what the present changes break: which consistency rules fire, which "
        "entities become stale and by which way, and what to do about each. Give `ids` or `between`."
    )
    arguments = ImpactArguments
    features = ("pipelines", "impact")

    async def look(self, context: ToolContext, arguments: ImpactArguments) -> Output:
        """Assess in a worker thread."""
        _, found = await asyncio.to_thread(
            assess,
            context.repository.store,
            ids=arguments.ids,
            between=arguments.between,
            base="HEAD",
            head="HEAD",
            depth=arguments.depth,
        )
        return await asyncio.to_thread(_impact_output, found, arguments.limit)


def _impact_output(found: Impact, limit: int) -> Output:
    stale, issues = found.stale[:limit], found.issues[:limit]
    value: JsonObject = {
        "changed": [{"id": each.id, "type": each.type, "kind": each.kind} for each in found.changes],
        "rules": [
            {"rule": each.rule.id, "entity": each.source.id, "certainty": each.certainty, "marks": [*each.marked]}
            for each in found.firings
        ],
        "stale": [
            {
                "id": each.entity.id,
                "type": each.entity.type,
                "title": each.entity.title,
                "origin": each.origin,
                "severity": each.severity.name.lower(),
                "via": [{"source": edge.source, "target": edge.target, "rel": edge.rel} for edge in each.way],
            }
            for each in stale
        ],
        "issues": [
            {
                "entity": each.entity.id,
                "kind": each.kind,
                "severity": each.severity.name.lower(),
                "certainty": each.certainty,
                "message": each.message,
                "action": each.suggested_action,
                "path": each.entity.path,
            }
            for each in issues
        ],
    }
    counts = (len(found.changes), len(found.firings), len(found.stale), len(found.issues))
    lines = ["{} changed, {} rules fire, {} entities become stale, {} issues.".format(*counts)]
    lines += [f"rule {each.rule.id} fires for {each.source.id} ({each.certainty})" for each in found.firings]
    lines += [f"stale: {each.entity.id} ({each.entity.type}) {each.entity.title or ''}" for each in stale]
    lines += [
        f"{each.severity.name.lower()}: {each.entity.id}: {each.message.rstrip('.')}. {each.suggested_action}"
        for each in issues
    ]
    left = len(found.stale) + len(found.issues) - len(stale) - len(issues)
    more = f"{left} more: ask with fewer ids, a depth or a larger limit." if left else ""
    return Output(value, "\n".join(lines), more)


class GenerateArguments(Arguments):
    """What to render."""

    ids: EntityIds = Field(default=[], description="The entities; all of them without.")


class Generate(Tool[GenerateArguments]):
    """Renders prompts."""

    name = "pipeline.generate"
    description = (
        "Render the prompts and checklists of entities with the repository's templates, and write them under "
        "generated/prompts. A person has to approve the files."
    )
    tool_class: ToolClass = "write"
    arguments = GenerateArguments
    features = ("pipelines", "prompts")

    async def plan(self, context: ToolContext, arguments: GenerateArguments) -> Plan:
        """Render in a worker thread."""
        return await asyncio.to_thread(self._plan, context, arguments.ids)

    @staticmethod
    def _plan(context: ToolContext, ids: Sequence[str]) -> Plan:
        for identifier in ids:
            context.repository.store.snapshot.require(identifier)
        store = context.repository.store
        done = compute(context.repository, "generate", ids=ids, now=timestamp(), progress=context.progress)
        edit = edit_of_texts({path: store.disk_text(path) for path in done.files}, dict(done.files))
        files = sorted([*edit.after, *edit.creates])
        value: JsonObject = {"ok": done.ok, "files": [*files], "output": done.output}
        text = "\n".join([f"{len(files)} files written.", *files])
        output = Output(value, text, error_code=None if done.ok else "generation_failed")
        return edit_plan(f"Write {len(files)} rendered prompts and checklists.", store, edit, output)


TOOLS: Final[tuple[AnyTool, ...]] = (Validate(), BuildGraph(), TellImpact(), Generate())
