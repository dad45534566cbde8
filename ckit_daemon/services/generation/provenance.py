"""Says what a generation was made from, and what became of that since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ckit_daemon.core.errors import ContentRejectedError, NotFoundError, PathNotAllowedError
from ckit_daemon.services.generation.changes import state_of
from ckit_daemon.services.generation.kit import read_kit, sha256
from ckit_daemon.services.generation.templates import current_hash

if TYPE_CHECKING:
    from ckit_daemon.services.generation.changes import FileState
    from ckit_daemon.services.generation.records import Generation, Input
    from ckit_daemon.services.ports import Repository

State = Literal["fresh", "changed", "gone"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A generation with the present state of all that it names, in its order."""

    generation: Generation
    inputs: tuple[State, ...]
    template: State | None
    files: tuple[FileState, ...]

    @property
    def fresh(self) -> bool:
        """Whether all inputs and the template are what they were."""
        return all(state == "fresh" for state in (*self.inputs, self.template) if state is not None)


def explain(generation: Generation, store: Repository) -> Explanation:
    """Compare a generation with its repository as it is now, unsaved text included; reads the disk."""
    used = generation.template
    template = None if used is None else _state(current_hash(store.snapshot, read_kit(store), used), used.sha256)
    return Explanation(
        generation,
        tuple(_input_state(item, generation, store) for item in generation.inputs),
        template,
        tuple(state_of(file, generation, store) for file in generation.files),
    )


def _input_state(item: Input, generation: Generation, store: Repository) -> State:
    now = _hash_now(item, store)
    # What the generation itself did to the file, such as a link to the new entity, makes nothing stale.
    own = {sha256(file.new) for file in generation.files if file.path == item.path}
    return "fresh" if now in own else _state(now, item.sha256)


def _hash_now(item: Input, store: Repository) -> str | None:
    if item.id is not None:
        # An entity stays itself when its file is renamed.
        entity = store.snapshot.get(item.id)
        return None if entity is None else sha256(entity.document.text)
    try:
        return sha256(store.read_file(item.path).text)
    except (NotFoundError, PathNotAllowedError, ContentRejectedError):
        return None


def _state(now: str | None, then: str) -> State:
    if now is None:
        return "gone"
    return "fresh" if now == then else "changed"
