"""Generated things to wire values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckit_daemon.rpc.convert import workspace_edit
from ckit_daemon.services.edits import affected_files
from ckit_daemon.services.generation.kit import sha256
from ckit_daemon.services.generation.run import Caller, ModelChoice
from ckit_daemon.wire import code as code_wire
from ckit_daemon.wire import generation as wire
from ckit_daemon.wire.session import Failure, Usage

if TYPE_CHECKING:
    from ckit_daemon.rpc.context import RequestContext
    from ckit_daemon.services.generation.made import Made, Written
    from ckit_daemon.services.generation.provenance import Explanation
    from ckit_daemon.services.generation.records import Generation
    from ckit_daemon.services.open_repository import OpenRepository


def caller(ctx: RequestContext) -> Caller:
    """Who asks, as the generators know it."""
    return Caller(request_id=str(ctx.request_id), progress=ctx.progress)


def choice(params: wire.ModelOptions) -> ModelChoice:
    """How the client wants the model to be asked."""
    return ModelChoice(params.model, params.temperature, params.max_output_tokens, params.bypass_cache)


def change(made: Made, repository: OpenRepository, encoding: str) -> wire.GeneratedChange:
    """Convert generated files; comparing the texts of large ones takes time."""
    store, generation = repository.store, made.generation
    return wire.GeneratedChange(
        generation_id=generation.id,
        answered=wire.Answered(
            provider=generation.provider or "",
            model=generation.model or "",
            cached=generation.cached,
            usage=Usage.model_validate_json(generation.usage.to_json()),
        ),
        applied=made.applied,
        edit=workspace_edit(made.plan, store.root, encoding, made.versions),
        diff=made.plan.unified_diff(),
        files=affected_files(made.plan),
        warnings=list(made.warnings),
        version=store.snapshot.version,
    )


def entity_change(made: Made, repository: OpenRepository, encoding: str) -> wire.EntityChange:
    """Convert a generated entity."""
    drafted = made.drafted
    if drafted is None:
        message = f"a {made.generation.kind} is no entity"
        raise TypeError(message)
    return wire.EntityChange(
        **dict(change(made, repository, encoding)),
        id=drafted.id,
        path=drafted.path,
        data=drafted.data,
        repairs=made.generation.repairs,
    )


def written(done: Written, repository: OpenRepository) -> code_wire.ChangedFiles:
    """Convert files that were written or put back."""
    return code_wire.ChangedFiles(
        generation_id=done.generation.id,
        files=affected_files(done.plan),
        diff=done.plan.unified_diff(),
        version=repository.store.snapshot.version,
    )


def explained(found: Explanation) -> wire.ExplainResult:
    """Convert where something came from."""
    generation, used = found.generation, found.generation.template
    template = None
    if used is not None and found.template is not None:
        template = wire.UsedTemplate(name=used.name, path=used.path, sha256=used.sha256, state=found.template)
    inputs = [
        wire.Input(
            kind=item.kind, id=item.id, path=item.path, sha256=item.sha256, reason=item.reason or None, state=state
        )
        for item, state in zip(generation.inputs, found.inputs, strict=True)
    ]
    files = [
        wire.WrittenFile(path=file.path, sha256=sha256(file.new), state=state)
        for file, state in zip(generation.files, found.files, strict=True)
    ]
    return wire.ExplainResult(generation=_generation(generation, template, inputs, files), fresh=found.fresh)


def _generation(
    generation: Generation,
    template: wire.UsedTemplate | None,
    inputs: list[wire.Input],
    files: list[wire.WrittenFile],
) -> wire.Generation:
    failure = generation.failure
    return wire.Generation(
        id=generation.id,
        kind=generation.kind,
        outcome=generation.outcome,
        failure=None if failure is None else Failure.model_validate_json(failure.to_json()),
        repository=generation.repository,
        entity=generation.entity,
        created_at=generation.created_at,
        duration_ms=generation.duration_ms,
        request_id=generation.request_id,
        parameters=generation.parameters,
        provider=generation.provider,
        model=generation.model,
        cached=generation.cached,
        usage=Usage.model_validate_json(generation.usage.to_json()),
        repairs=generation.repairs,
        template=template,
        inputs=inputs,
        files=files,
    )
