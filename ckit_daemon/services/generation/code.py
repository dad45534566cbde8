"""Code generated from a specification: files that are shown first, and written only by `apply`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ckit_daemon.core.edit import EditPlan
from ckit_daemon.core.edit.values import value_at
from ckit_daemon.core.entity import text_of
from ckit_daemon.core.errors import GenerationFailedError
from ckit_daemon.services.assistant.fencing import RULES, neutralise
from ckit_daemon.services.generation.artifacts import SCHEMA, checked, from_answer, from_json, normalised
from ckit_daemon.services.generation.prompts import CODER, coder_messages
from ckit_daemon.services.generation.run import AS_SET
from ckit_daemon.services.generation.spec_log import new_entry
from ckit_daemon.services.generation.templates import target_template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckit_daemon.core.json import JsonObject, JsonValue
    from ckit_daemon.services.generation.artifacts import Artifact
    from ckit_daemon.services.generation.run import ModelChoice, Run
    from ckit_daemon.services.generation.workshop import Basis, Workshop
    from ckit_daemon.services.open_repository import OpenRepository

TARGET: Final = "codegen"
NAME: Final = "files"


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """What to build, and how."""

    spec: str
    language: str | None = None
    """None: as the stack says."""
    framework: str | None = None
    style_guide: str | None = None
    folder: str | None = None
    max_tokens: int = 16_000
    choice: ModelChoice = AS_SET

    def as_parameters(self) -> JsonObject:
        """What provenance keeps of it."""
        asked: JsonObject = {
            "entities": [self.spec],
            "language": self.language,
            "framework": self.framework,
            "styleGuide": self.style_guide,
            "folder": self.folder,
            "maxTokens": self.max_tokens,
        }
        return asked | self.choice.as_parameters()


@dataclass(frozen=True, slots=True)
class PlannedCode:
    """Generated files, and what writes them."""

    artifacts: tuple[Artifact, ...]
    plan: EditPlan
    """Makes the files and the entry of the log."""


async def plan_code(workshop: Workshop, run: Run, repository: OpenRepository, request: CodeRequest) -> PlannedCode:
    """Have code written and plan its files; nothing is written to disk.

    Raises:
        NotFoundError: there is no such specification.
        PathNotAllowedError: the model wants a file outside the repository.
        GenerationFailedError: the answer holds no files, or such as can't be used.
        CkitError: as the gateway says.
    """
    progress = run.caller.progress
    progress.report(0, 100, "Reading the repository")
    basis = await workshop.basis(repository, [request.spec], run, guidance=TARGET)
    run.entity = request.spec
    run.warnings += basis.kit.warnings
    template = await asyncio.to_thread(target_template, basis.kit, TARGET, basis.material)
    run.template = template.as_used()
    language = request.language or text_of(value_at(basis.kit["stack"].value, ("runtime", "language"))) or ""
    told = _told(template.text, request, language)
    budget = min(request.max_tokens, workshop.settings.generation.material_tokens)
    asked = f"{told}\n{RULES}\n"
    packed = await workshop.packed(asked, basis.material.sources, run, budget=budget, beside=CODER)
    progress.report(10, 100, "The model writes")
    messages = coder_messages(packed.text, _facts(basis, request, language))
    value, answer, problems = await workshop.structured(messages, SCHEMA, NAME, run)
    progress.report(90, 100, "Checking the files")
    artifacts, notes = from_json(value)
    if not artifacts and (artifacts := await asyncio.to_thread(from_answer, answer)):
        run.warnings.append(
            "The model's answer has not the form that was asked for; the files were found in it all the same."
        )
    if not artifacts:
        listed: list[JsonValue] = [*problems]
        raise GenerationFailedError(
            "The model's answer holds no files: neither JSON of the form that was asked for nor code blocks with "
            "paths. Try another model.",
            details={"problems": listed},
        )
    if notes:
        run.warnings.append(f"The model says: {notes}")
    if run.info is not None and run.info.finish == "length":
        run.warnings.append("The model stopped at its limit of tokens, so that files may be missing.")
    return await asyncio.to_thread(_planned, workshop, run, repository, [normalised(each) for each in artifacts])


def _planned(workshop: Workshop, run: Run, repository: OpenRepository, artifacts: Sequence[Artifact]) -> PlannedCode:
    store = repository.store
    present = checked(artifacts, store, workshop.settings.generation)
    texts = {artifact.path: artifact.content for artifact in artifacts}
    before = {path: old for path, old in present.items() if old is not None and old != texts[path]}
    creates = {path: new for path, new in texts.items() if present[path] is None}
    plan = EditPlan(before, {path: texts[path] for path in before}, creates)
    written: list[JsonValue] = [{"path": each.path, "language": each.language} for each in artifacts]
    log_path, log = new_entry(store, run.record("succeeded"), {"specId": run.entity, "codeArtifacts": written})
    return PlannedCode(tuple(artifacts), replace(plan, creates={**creates, log_path: log}))


def _told(instructions: str, request: CodeRequest, language: str) -> str:
    wishes = [
        f"- Language: {neutralise(language)}" if language else "",
        f"- Framework: {neutralise(request.framework)}" if request.framework else "",
        f"- Put the files below: {neutralise(request.folder)}" if request.folder else "",
        f"- Style guide, in the person's words:\n\n{neutralise(request.style_guide)}" if request.style_guide else "",
    ]
    return "\n".join([instructions, *filter(None, wishes)])


def _facts(basis: Basis, request: CodeRequest, language: str) -> JsonObject:
    spec = basis.focus[0]
    return {
        **basis.material.facts,
        "spec": spec.id,
        "title": spec.title,
        "summary": spec.data.get("summary"),
        "language": language,
        "framework": request.framework,
        "folder": request.folder,
        "testRunner": value_at(basis.kit["stack"].value, ("tools", "testRunner")),
    }
