"""A rest for the garbage collector while many objects are made that live on."""

from __future__ import annotations

import gc
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Generator


class _CollectorPause:
    """How many loads want the garbage collector to rest."""

    lock: ClassVar = threading.Lock()
    holders: ClassVar[int] = 0
    was_enabled: ClassVar[bool] = False


@contextmanager
def paused_collector() -> Generator[None]:
    """Pause the cyclic garbage collector: a bulk load makes many objects that live on, and none in a cycle.

    What exists at the end is kept out of later collections as well, which would walk through it again and again
    and hold up every request meanwhile; it is still freed when nothing refers to it any more.
    """
    pause = _CollectorPause
    with pause.lock:
        if pause.holders == 0:
            pause.was_enabled = gc.isenabled()
            gc.disable()
        pause.holders += 1
    try:
        yield
    finally:
        with pause.lock:
            pause.holders -= 1
            if pause.holders == 0 and pause.was_enabled:
                gc.freeze()
                gc.enable()
