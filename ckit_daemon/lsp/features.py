"""Every language feature: its LSP method, what it offers, and the function that answers it.

A feature's module is imported when it is first asked for, since what most of them stand on takes longer to load than
the start may take. Functions get values and return values; here is who calls them, when, and in which thread.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from lsprotocol import types

from ckit_daemon.core.errors import CkitError
from ckit_daemon.logs import bind_request
from ckit_daemon.lsp.context import Cancellation, Encoded, LanguageContext
from ckit_daemon.lsp.feed import FindingsFeed
from ckit_daemon.lsp.refresh import Refresher
from ckit_daemon.lsp.tokens_legend import legend

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pygls.lsp.server import LanguageServer

    from ckit_daemon.lsp.context import Client
    from ckit_daemon.services.open_repository import OpenRepository
    from ckit_daemon.services.repositories import Repositories

logger = logging.getLogger(__name__)

Subject: TypeAlias = Literal["file", "workspace"]
"""What a function gets before the params: a view and the document, or the views of all open repositories."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One LSP method.

    Attributes:
        method: its name.
        module: the module in this package that answers it.
        function: the function there.
        subject: what the function gets.
        options: makes what the capabilities say about it.
        wanted: whether a client gets it.
        nothing: the answer about a file that no open repository holds, or whose language is another.
    """

    method: str
    module: str
    function: str
    subject: Subject = "file"
    options: Callable[[], object] = lambda: None
    wanted: Callable[[Client], bool] = lambda _: True
    nothing: bytes = b"null"


def _pulls(client: Client) -> bool:
    return client.has("text_document.diagnostic")


def _edits(client: Client) -> bool:
    return "edits" in client.features


def _graphs(client: Client) -> bool:
    return "graph" in client.features


FEATURES = (
    Feature(
        types.TEXT_DOCUMENT_DIAGNOSTIC,
        "diagnostics",
        "document_diagnostics",
        options=lambda: types.DiagnosticOptions(
            identifier="ckit", inter_file_dependencies=True, workspace_diagnostics=True
        ),
        wanted=_pulls,
        nothing=b'{"kind":"full","items":[]}',
    ),
    Feature(types.WORKSPACE_DIAGNOSTIC, "diagnostics", "workspace_diagnostics", "workspace", wanted=_pulls),
    Feature(types.TEXT_DOCUMENT_HOVER, "hover", "hover"),
    Feature(
        types.TEXT_DOCUMENT_COMPLETION,
        "completion",
        "completion",
        options=lambda: types.CompletionOptions(trigger_characters=[*": -[{,\"'"], resolve_provider=True),
    ),
    Feature(types.COMPLETION_ITEM_RESOLVE, "completion", "resolve", "workspace"),
    Feature(types.TEXT_DOCUMENT_DEFINITION, "navigation", "definition"),
    Feature(types.TEXT_DOCUMENT_REFERENCES, "navigation", "references"),
    Feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, "symbols", "document_symbols"),
    Feature(types.WORKSPACE_SYMBOL, "symbols", "workspace_symbols", "workspace"),
    Feature(types.TEXT_DOCUMENT_DOCUMENT_LINK, "links", "document_links"),
    Feature(types.TEXT_DOCUMENT_PREPARE_RENAME, "rename", "prepare_rename", wanted=_edits),
    Feature(types.TEXT_DOCUMENT_RENAME, "rename", "rename", wanted=_edits),
    Feature(
        types.WORKSPACE_WILL_RENAME_FILES,
        "rename",
        "will_rename_files",
        "workspace",
        options=lambda: types.FileOperationRegistrationOptions(
            [types.FileOperationFilter(types.FileOperationPattern("**/*"), scheme="file")]
        ),
        wanted=_edits,
    ),
    Feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        "actions",
        "code_actions",
        options=lambda: types.CodeActionOptions([types.CodeActionKind.QuickFix, "source.ckit"]),
        wanted=lambda client: client.has("text_document.code_action.code_action_literal_support"),
    ),
    Feature(
        types.TEXT_DOCUMENT_CODE_LENS,
        "lenses",
        "code_lenses",
        options=lambda: types.CodeLensOptions(resolve_provider=True),
    ),
    Feature(types.CODE_LENS_RESOLVE, "lenses", "resolve", "workspace"),
    Feature(types.TEXT_DOCUMENT_INLAY_HINT, "hints", "inlay_hints"),
    Feature(types.TEXT_DOCUMENT_FOLDING_RANGE, "folding", "folding_ranges"),
    Feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, "tokens", "semantic_tokens", options=legend),
    Feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_RANGE, "tokens", "semantic_tokens_in_range", options=legend),
    Feature(types.TEXT_DOCUMENT_PREPARE_CALL_HIERARCHY, "hierarchy", "prepare_call_hierarchy", wanted=_graphs),
    Feature(types.CALL_HIERARCHY_INCOMING_CALLS, "hierarchy", "incoming_calls", wanted=_graphs),
    Feature(types.CALL_HIERARCHY_OUTGOING_CALLS, "hierarchy", "outgoing_calls", wanted=_graphs),
)


class LanguageFeatures:
    """The language features of one session; used on the event loop only."""

    def __init__(
        self,
        server: LanguageServer,
        repositories: Repositories,
        *,
        encode: Callable[[object], bytes],
        notify: Callable[[str, bytes], object],
        record: Callable[[str, str, float], None],
        timeout: Callable[[], float],
    ) -> None:
        """Begin; nothing is offered before `register`.

        Args:
            server: the server that they are registered on.
            repositories: those that are open.
            encode: makes JSON of lsprotocol's values; may be called from any thread.
            notify: sends a notification.
            record: takes note of an answered request: method, outcome, seconds.
            timeout: the deadline of a request, in seconds.
        """
        self._server = server
        self._repositories = repositories
        self._encode = encode
        self._notify = notify
        self._record = record
        self._timeout = timeout
        self._context: LanguageContext | None = None
        self._feed: FindingsFeed | None = None
        self._refresher: Refresher | None = None

    def register(self, client: Client) -> None:
        """Offer what a client can use; to be called in `initialize`, before its answer is made."""
        self._context = context = LanguageContext(client, self._repositories, self._timeout)
        for feature in FEATURES:
            if feature.wanted(client):
                self._server.feature(feature.method, feature.options())(self._handler(context, feature))
        self._feed = FindingsFeed(
            context,
            encode=self._encode,
            notify=self._notify,
            refresh=lambda: self._server.workspace_diagnostic_refresh(None),
        )
        server = self._server
        self._refresher = Refresher(
            {
                "workspace.code_lens.refresh_support": lambda: server.workspace_code_lens_refresh(None),
                "workspace.inlay_hint.refresh_support": lambda: server.workspace_inlay_hint_refresh(None),
                "workspace.semantic_tokens.refresh_support": lambda: server.workspace_semantic_tokens_refresh(None),
            },
            client.has,
        )
        self._repositories.subscribe(lambda opened, _: self.document_changed(opened))
        self._repositories.subscribe(self._refresher.changed)
        self._repositories.on_open(self._opened)
        self._repositories.on_close(self._feed.forget)

    def document_changed(self, opened: OpenRepository) -> None:
        """Take note that a document of a repository was opened, changed or closed."""
        if self._feed is not None:
            self._feed.changed(opened)

    def close(self) -> None:
        """Begin nothing any more."""
        if self._feed is not None:
            self._feed.close()
        if self._refresher is not None:
            self._refresher.close()
        if self._context is not None:
            self._context.close()

    async def _opened(self, opened: OpenRepository) -> None:
        self.document_changed(opened)

    def _handler(self, context: LanguageContext, feature: Feature) -> Callable[[Any], Awaitable[Encoded]]:
        async def answer(params: Any) -> Encoded:  # noqa: ANN401 - lsprotocol's type for the method.
            bind_request(request_id=self._server.protocol.msg_id, method=feature.method)
            started = time.monotonic()
            outcome = "internal_error"
            try:
                result = await self._answer(context, feature, params)
                outcome = "ok"
            except CkitError as error:
                outcome = error.code
                raise
            except asyncio.CancelledError:
                outcome = "cancelled"
                raise
            finally:
                seconds = time.monotonic() - started
                self._record(feature.method, outcome, seconds)
                logger.debug("request finished", extra={"outcome": outcome, "duration_ms": round(seconds * 1000, 3)})
            return result

        return answer

    async def _answer(self, context: LanguageContext, feature: Feature, params: object) -> Encoded:
        await context.changes_made()
        stopping = Cancellation()
        if feature.subject == "workspace":
            return await context.run(stopping, self._encoded, feature, context.views(stopping), params)
        found = context.find(_uri_of(params))
        if found is None:
            return Encoded(feature.nothing)
        view = context.view(found[0], stopping)

        def ask() -> Encoded:
            document = view.document(found[1])
            if document is None:
                return Encoded(feature.nothing)
            return self._encoded(feature, view, document, params)

        return await context.run(stopping, ask)

    def _encoded(self, feature: Feature, *arguments: object) -> Encoded:
        """Call a feature's function and make JSON of what it returns, all in a thread."""
        module = importlib.import_module(f"ckit_daemon.lsp.{feature.module}")
        return Encoded(self._encode(getattr(module, feature.function)(*arguments)))


def _uri_of(params: object) -> str:
    named = getattr(params, "text_document", None) or getattr(params, "item", None)
    return cast("str", getattr(named, "uri", ""))
