"""Specs, prompts, code and entities: made, recorded, written, taken back and explained."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import msgspec

from ckit_daemon.core.errors import (
    CapabilityDisabledError,
    CkitError,
    ConflictError,
    InvalidArgumentError,
    NotFoundError,
)
from ckit_daemon.services.assistant.approvals import Question
from ckit_daemon.services.assistant.tools.base import Output, edit_plan, places
from ckit_daemon.services.cancellation import uninterrupted
from ckit_daemon.services.edits import affected_files, write
from ckit_daemon.services.generation.changes import undoing, writing
from ckit_daemon.services.generation.code import plan_code
from ckit_daemon.services.generation.drafts import planned
from ckit_daemon.services.generation.entity import draft_entity
from ckit_daemon.services.generation.made import Made, MadePrompt, Written
from ckit_daemon.services.generation.promptify import make_prompt
from ckit_daemon.services.generation.provenance import explain
from ckit_daemon.services.generation.run import ModelChoice, Run
from ckit_daemon.services.generation.spec import draft_spec, place_spec
from ckit_daemon.services.generation.spec_log import new_entry
from ckit_daemon.services.generation.workshop import Workshop
from ckit_daemon.services.ports import FileChange

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection

    from ckit_daemon.core.edit import EditPlan
    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.services.assistant.container import Part
    from ckit_daemon.services.assistant.gateway import ModelGateway
    from ckit_daemon.services.assistant.tools.runner import ToolRunner
    from ckit_daemon.services.generation.code import CodeRequest
    from ckit_daemon.services.generation.entity import EntityRequest
    from ckit_daemon.services.generation.ports import GenerationStore
    from ckit_daemon.services.generation.promptify import PromptRequest
    from ckit_daemon.services.generation.provenance import Explanation
    from ckit_daemon.services.generation.records import Generation, Kind
    from ckit_daemon.services.generation.run import Caller
    from ckit_daemon.services.generation.spec import SpecRequest
    from ckit_daemon.services.generation.workshop import TextSink
    from ckit_daemon.services.open_repository import OpenRepository
    from ckit_daemon.services.rag.service import RagService
    from ckit_daemon.settings import Settings

logger = logging.getLogger(__name__)

EDITS: Final = "edits"
"""The feature flag without which nothing is written."""
APPLY_TOOL: Final = "code.apply"
"""What policies and approvals call the writing of generated code."""


class GenerationService:
    """The use cases of generation; used on the event loop only."""

    def __init__(
        self,
        *,
        gateway: Part[ModelGateway],
        store: GenerationStore,
        tools: Part[ToolRunner],
        rag: Part[RagService],
        settings: Callable[[], Settings],
    ) -> None:
        self._store = store
        self._tools = tools
        self._settings = settings
        self._workshop = Workshop(gateway, rag, settings)
        self._writing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    # Making

    async def plan_spec(
        self, request: SpecRequest, repository: OpenRepository, caller: Caller, stream: TextSink | None = None
    ) -> Made:
        """Make a specification without writing anything; `write` does that later. Raises as `draft_spec`."""
        return await self.make_spec(request, repository, caller, stream)

    async def make_spec(
        self,
        request: SpecRequest,
        repository: OpenRepository,
        caller: Caller,
        stream: TextSink | None = None,
        *,
        apply: bool = False,
    ) -> Made:
        """Make a specification, and with `apply` write it; a failure then is written to the log.

        Raises:
            CapabilityDisabledError: it is to be written, and a setting switches that off.
            CkitError: as `draft_spec`.
        """
        if apply:
            self._refuse_without_edits()
        request = await self._workshop.clean(request)
        run = await self._run("spec", repository, caller, request.as_parameters(), request.choice)
        async with self._recorded(run, repository if apply else None):
            data, markdown = await draft_spec(self._workshop, run, repository, request, stream)
            # Whoever plans an entity takes its id, so that nobody else may until it is written.
            async with self._writing[repository.id]:
                versions = repository.document_versions
                spec = await asyncio.to_thread(place_spec, run, repository, request, data, markdown)
                generation = await self._finish(run, spec.plan, repository, apply=apply)
        return Made(
            generation,
            spec.plan,
            apply,
            (*run.warnings, *spec.drafted.warnings),
            versions,
            spec.drafted,
            markdown,
            spec.log_path,
        )

    async def make_entity(
        self, request: EntityRequest, repository: OpenRepository, caller: Caller, *, apply: bool = False
    ) -> Made:
        """Make an entity, and with `apply` write it. Raises as `draft_entity`."""
        if apply:
            self._refuse_without_edits()
        request = await self._workshop.clean(request)
        run = await self._run("entity", repository, caller, request.as_parameters(), request.choice)
        async with self._recorded(run):
            data = await draft_entity(self._workshop, run, repository, request)
            async with self._writing[repository.id]:
                versions = repository.document_versions
                drafted = await asyncio.to_thread(planned, repository, request.type, data, request.id)
                run.entity = drafted.id
                generation = await self._finish(run, drafted.plan, repository, apply=apply)
        return Made(generation, drafted.plan, apply, (*run.warnings, *drafted.warnings), versions, drafted)

    async def make_code(self, request: CodeRequest, repository: OpenRepository, caller: Caller) -> Made:
        """Make code, and write none of it. Raises as `plan_code`."""
        request = await self._workshop.clean(request)
        run = await self._run("code", repository, caller, request.as_parameters(), request.choice)
        async with self._recorded(run):
            versions = repository.document_versions
            code = await plan_code(self._workshop, run, repository, request)
            generation = await self._finish(run, code.plan, repository, apply=False)
        return Made(
            generation,
            code.plan,
            applied=False,
            warnings=tuple(run.warnings),
            versions=versions,
            artifacts=code.artifacts,
        )

    async def make_prompt(
        self, request: PromptRequest, repository: OpenRepository, caller: Caller, *, log: bool = False
    ) -> MadePrompt:
        """Make a prompt, and with `log` write an entry of the log. Raises as `promptify.make_prompt`."""
        if log:
            self._refuse_without_edits()
        request = await self._workshop.clean(request)
        run = await self._run("prompt", repository, caller, request.as_parameters(), ModelChoice(model=request.model))
        log_path: str | None = None
        async with self._recorded(run, repository if log else None):
            packed = await make_prompt(self._workshop, run, repository, request)
            generation = run.record("succeeded")
            await self._put(generation)
            if log:
                log_path = await self._log(generation, repository, {"prompt": packed.text})
        return MadePrompt(generation, packed, tuple(run.warnings), log_path)

    # Writing

    async def write(self, made: Made, repository: OpenRepository) -> Generation:
        """Write what was made and not written yet, without asking anybody.

        Raises:
            ConflictError: a file is not what it was.
            StorageError: the disk refuses.
        """
        async with self._writing[repository.id]:
            return await self._written(made.generation, made.plan, repository)

    async def apply(
        self, generation_id: str, paths: Collection[str] | None, repository: OpenRepository, session_id: str | None
    ) -> Written:
        """Write the files of a generation, or some of them, once a policy or a person allows it.

        Raises:
            NotFoundError: there is no such generation of this repository.
            DeniedError: a policy or a person says no.
            ConflictError: a file is not what it was.
            InvalidArgumentError: the generation has no such files.
        """
        self._refuse_without_edits()
        generation = await self._find(generation_id, repository)
        plan = await asyncio.to_thread(writing, generation, repository.store, paths)
        title = f"Write {len(affected_files(plan))} generated files of {generation.entity or generation.kind}."
        shown = await asyncio.to_thread(edit_plan, title, repository.store, plan, Output(None, ""))
        files = await asyncio.to_thread(places, repository.store, shown.files)
        question = Question(
            call_id=f"apply_{uuid4().hex}",
            repository=repository.id,
            tool=APPLY_TOOL,
            tool_class="write",
            title=title,
            arguments={"generationId": generation_id, "paths": None if paths is None else [*paths]},
            diff=shown.diff,
            files=files,
            session_id=session_id,
        )
        await (await self._tools.get()).permit(replace(shown, files=files), question)
        async with self._writing[repository.id]:
            if await asyncio.to_thread(writing, generation, repository.store, paths) != plan:
                raise ConflictError("The files have changed since this was approved; nothing was written. Try again.")
            return Written(await self._written(generation, plan, repository), plan)

    async def undo(self, generation_id: str, repository: OpenRepository) -> Written:
        """Put back what was there before the files of a generation were written.

        Raises:
            NotFoundError: there is no such generation of this repository.
            ConflictError: nothing of it is written, or somebody changed a file since.
        """
        self._refuse_without_edits()
        generation = await self._find(generation_id, repository)
        async with self._writing[repository.id]:
            plan = await asyncio.to_thread(undoing, generation, repository.store)
            generation = msgspec.structs.replace(generation, applied=tuple(sorted(plan.before)), undone=True)
            await self._carry_out(plan, repository, generation)
        return Written(generation, plan)

    # Explaining

    async def explain(
        self, repository: OpenRepository, *, generation_id: str | None = None, entity: str | None = None
    ) -> Explanation:
        """Say what a generation was made from, and what became of that; or the newest one that made an entity.

        Raises:
            InvalidArgumentError: not just one of both is given.
            NotFoundError: there is none.
        """
        if (generation_id is None) == (entity is None):
            raise InvalidArgumentError("Give one of 'id' and 'entity'.")
        if generation_id is not None:
            generation = await self._find(generation_id, repository)
        else:
            found = await self._store.newest_of(repository.id, entity or "")
            if found is None:
                raise NotFoundError(
                    f"Nothing is known about {entity!r} having been generated here.",
                    details={"kind": "generation", "entity": entity},
                )
            generation = found
        return await asyncio.to_thread(explain, generation, repository.store)

    # Recording

    async def _run(
        self, kind: Kind, repository: OpenRepository, caller: Caller, parameters: JsonObject, choice: ModelChoice
    ) -> Run:
        # Looking for secrets in a long text takes time.
        asked = await asyncio.to_thread(self._workshop.mask, parameters)
        return Run(kind, repository.id, caller, asked, choice)

    def _refuse_without_edits(self) -> None:
        if not self._settings().enabled(EDITS):
            raise CapabilityDisabledError(
                f"A setting switches all writing off: features.{EDITS}; nothing but previews can be had.",
                details={"feature": EDITS},
            )

    @asynccontextmanager
    async def _recorded(self, run: Run, logged: OpenRepository | None = None) -> AsyncGenerator[None]:
        """Remember the run also where it fails; `logged` is where failures are written to the log."""
        try:
            yield
        except CkitError as error:
            error.details.setdefault("generationId", run.id)
            await self._failed(run.record("failed", error), logged)
            raise
        except asyncio.CancelledError:
            # What was made stays made: the cancel came while it was written, and that is not left half done.
            if not run.made:
                await self._failed(run.record("cancelled"), None)
            raise

    async def _failed(self, generation: Generation, logged: OpenRepository | None) -> None:
        # What went wrong first is what the caller must hear of.
        try:
            await self._put(generation)
            if logged is not None:
                await self._log(generation, logged, {})
        except CkitError as error:
            logger.warning("a failed generation is not recorded: %s", error.message, extra={"code": error.code})

    async def _finish(self, run: Run, plan: EditPlan, repository: OpenRepository, *, apply: bool) -> Generation:
        run.take(plan)
        generation = run.record("succeeded")
        await self._put(generation)
        run.made = True
        return await self._written(generation, plan, repository) if apply else generation

    async def _written(self, generation: Generation, plan: EditPlan, repository: OpenRepository) -> Generation:
        paths = {*generation.applied, *plan.after, *plan.creates}
        after = msgspec.structs.replace(generation, applied=tuple(sorted(paths)), undone=False)
        await self._carry_out(plan, repository, after)
        return after

    async def _carry_out(self, plan: EditPlan, repository: OpenRepository, after: Generation) -> None:
        """Write files, and remember the generation as it is then; a cancellation does not come in between."""

        async def work() -> None:
            await write(repository.store, plan)
            await self._put(after)

        await uninterrupted(work())

    async def _log(self, generation: Generation, repository: OpenRepository, output: JsonObject) -> str:
        store = repository.store
        path, text = await asyncio.to_thread(new_entry, store, generation, output)
        await store.apply([FileChange(path, text, None)])
        return path

    async def _put(self, generation: Generation) -> None:
        await self._store.put(generation, keep=self._settings().generation.max_kept)

    async def _find(self, generation_id: str, repository: OpenRepository) -> Generation:
        found = await self._store.find(generation_id)
        if found is None or found.repository != repository.id:
            raise NotFoundError(
                f"There is no generation {generation_id[:64]!r} of this repository; it may have been forgotten.",
                details={"kind": "generation", "id": generation_id[:64]},
            )
        return found
