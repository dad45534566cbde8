"""llama.cpp in this process, through xllamacpp.

xllamacpp offers llama.cpp's server, which cannot be had without a listener. So it gets a Unix socket in a folder that
only this user can enter, with a key that nobody knows, and where the platform lets us reach that socket it is shut
down as soon as the model is there: the daemon has no port, and nobody can connect. Requests go in by a function call.

One thing can't be had of xllamacpp: it holds the interpreter's lock while it loads a model (0.3 s for one of 100 MB),
so that the whole daemon waits for that long once. The file is read before, without the lock, and the model is not tried
out, so that this is no longer than it need be. While a model reads and writes, nobody waits for it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import stat
import tempfile
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, cast

import psutil

from ckit_daemon.core.errors import DegradedError, ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckit_daemon.core.json import JsonObject

BATCH_TOKENS: Final = 128
"""Tokens of a prompt that are read at a time; between two batches an answer can be stopped."""
READ_BYTES: Final = 8 * 1024 * 1024
DESCRIPTORS: Final = Path("/dev/fd")
QUIET: Final = 0


class _Server(Protocol):
    listening_address: str

    def handle_chat_completions(self, request: JsonObject, callback: Callable[[JsonObject], bool]) -> None: ...


def require_engine() -> None:
    """Check that llama.cpp is installed.

    Raises:
        DegradedError: it is not.
    """
    if find_spec("xllamacpp") is None:
        raise DegradedError(
            "Models on this machine need llama.cpp, which is not installed. Run: ckit model install",
            details={"package": "xllamacpp"},
        )


class Engine:
    """One loaded model. All methods block; the caller sees to it that one runs at a time."""

    def __init__(self, model: Path, context_tokens: int) -> None:
        """Load a model, which takes from half a second to many.

        Raises:
            DegradedError: llama.cpp is not installed.
            ProviderError: the file is no model, or too large for this machine.
        """
        require_engine()
        # 40 MB of native code, for those who have a model of their own; it brings no types.
        xllamacpp = import_module("xllamacpp")
        self.model = model
        with tempfile.TemporaryDirectory(prefix="ckit-", ignore_cleanup_errors=True) as folder:
            params = xllamacpp.CommonParams()
            params.model.path = str(model)
            params.model_alias = {model.stem}
            params.hostnames = [str(Path(folder) / "m.sock")]
            params.api_keys = [secrets.token_urlsafe(32)]
            params.n_ctx = context_tokens
            params.n_parallel = 1
            params.n_batch = params.n_ubatch = BATCH_TOKENS
            params.warmup = False
            # All processors at once make a machine that does something else crawl, and the model with it.
            params.cpuparams.n_threads = max((os.cpu_count() or 2) // 2, 1)
            params.use_jinja = True
            params.fit_params = False
            params.ui = False
            params.verbosity = QUIET
            _read_ahead(model)
            try:
                self._server = cast("_Server", xllamacpp.Server(params))
            except RuntimeError:
                raise ProviderError(
                    f"llama.cpp can't load {model.name}: it is no GGUF model, too new for the installed xllamacpp, "
                    "or too large for the memory of this machine.",
                    details={"model": model.stem},
                ) from None
            _stop_listening(self._server.listening_address.removeprefix("unix://"))

    def answer(self, request: JsonObject, take: Callable[[JsonObject], bool]) -> None:
        """Answer a request of OpenAI's chat completions.

        Args:
            request: the body of the request.
            take: gets each chunk of the answer, or an object with `error`; True ends the answer. While the prompt is
                read, chunks without text come that say how far that is.

        Raises:
            ValueError: the request makes no sense to llama.cpp.
        """
        self._server.handle_chat_completions({**request, "return_progress": True}, take)


def _read_ahead(model: Path) -> None:
    """Have the system read a file from the disk, if there is memory for it; whoever maps it then waits for nothing."""
    with contextlib.suppress(OSError), model.open("rb", buffering=0) as file:
        if os.fstat(file.fileno()).st_size < psutil.virtual_memory().available // 2:
            buffer = bytearray(READ_BYTES)
            while file.readinto(buffer):
                pass


def _stop_listening(path: str) -> None:
    if os.name == "nt":
        # There is no list of descriptors; the folder of the socket is gone by now, and its key is known to nobody.
        return
    for entry in DESCRIPTORS.iterdir():
        with contextlib.suppress(OSError):
            descriptor = int(entry.name)
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue
            with socket.socket(fileno=os.dup(descriptor)) as found:
                if found.family is socket.AF_UNIX and found.getsockname() == path:
                    found.shutdown(socket.SHUT_RDWR)
