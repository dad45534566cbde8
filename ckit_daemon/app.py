"""The composition root: the only place where objects are built and wired."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
from typing import TYPE_CHECKING

from lsprotocol import types

from ckit_daemon import __version__
from ckit_daemon.conversations import Conversations
from ckit_daemon.framing import Framer
from ckit_daemon.lifecycle import Lifecycle
from ckit_daemon.lsp.context import Client
from ckit_daemon.lsp.features import LanguageFeatures
from ckit_daemon.lsp.folders import WorkspaceFolders
from ckit_daemon.lsp.sync import DocumentSync
from ckit_daemon.messages import Inbox, WireOutbox
from ckit_daemon.metrics import Metrics
from ckit_daemon.probes import GitProbe, RepositoryProbe, StorageProbe, tool_probes
from ckit_daemon.processes import ChildProcesses
from ckit_daemon.retrieval import Retrieval
from ckit_daemon.rpc.capabilities import describe_capabilities
from ckit_daemon.rpc.context import Session
from ckit_daemon.rpc.initialize import settle_session
from ckit_daemon.rpc.outgoing import ClientRequests
from ckit_daemon.services.assistant.providers.keys import key_variables, teach_variables
from ckit_daemon.services.container import Services
from ckit_daemon.services.health import HealthService
from ckit_daemon.services.pipelines.script import ScriptRunner, reduced_environment
from ckit_daemon.services.repositories import Opener, Repositories
from ckit_daemon.stdio import Reader, Writer
from ckit_daemon.tracing import NoTracer, is_configured, otlp_tracer
from ckit_daemon.transport import CkitServer
from ckit_daemon.versions import versions

if TYPE_CHECKING:
    from pathlib import Path

    from ckit_daemon.config import Configuration
    from ckit_daemon.core.json import JsonObject
    from ckit_daemon.logs import Logs
    from ckit_daemon.rpc.dispatch import Dispatcher
    from ckit_daemon.services.open_repository import OpenRepository
    from ckit_daemon.services.ports import SnapshotChange
    from ckit_daemon.settings import LimitSettings, Settings
    from ckit_daemon.tracing import Tracer

logger = logging.getLogger(__name__)


CLOSE_SECONDS = 0.5
"""How long repositories may save their caches at the end; a cache that is not saved costs time, nothing else."""
WRITE_SECONDS = 0.25
"""How long the client may take to read the last answers."""
PATIENT_WRITE_SECONDS = 10.0
"""The same where the process goes on, so that nobody waits for its end."""


PROBE_AFTER_SECONDS = 1.0
"""When health is probed first: a session that is over sooner need not pay for starting every tool."""


class App:
    """One daemon on one connection. Several may live in one process; the tests do that."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        own_process: bool,
        client_pid: int | None = None,
        parent: int = 0,
        logs: Logs | None = None,
    ) -> None:
        """Build everything; call it on the running loop."""
        self._own_process = own_process
        self._logs = logs
        self._children = ChildProcesses()
        self._lifecycle = Lifecycle(self._children, own_process=own_process, parent=parent)
        self._lifecycle.watch_client(client_pid)
        self._health = HealthService(self._limits, versions)
        self._repositories = Repositories(functools.cache(self._opener))
        self._outbox = WireOutbox(self._max_message_bytes)
        self._session = Session()
        self._client = ClientRequests(self._outbox, lambda: self._session)
        self._conversations = Conversations(lambda: self._services, self._client)
        self._retrieval = Retrieval(lambda: self._services, self._conversations.secrets)
        self._services = Services(
            configuration=configuration,
            health=self._health,
            metrics=Metrics(),
            repositories=self._repositories,
            scripts=ScriptRunner(self._children, self._child_environment),
            assistant=self._conversations.assistant,
            rag=self._retrieval.rag,
        )
        self._dispatcher: Dispatcher | None = None
        self._tracer: Tracer = NoTracer()
        self._probing: asyncio.TimerHandle | None = None
        self.server = CkitServer("ckit-daemon", __version__)
        self.server.ckit.bind(self._outbox, self)
        self._language = LanguageFeatures(
            self.server,
            self._repositories,
            encode=self.server.ckit.encode,
            notify=self._outbox.send_notification,
            record=self._services.metrics.record,
            timeout=lambda: self._limits().request_timeout_seconds,
        )
        DocumentSync(self.server, self._repositories, self._on_discovery, self._language.document_changed)
        self._folders = WorkspaceFolders(self.server, self._repositories)
        self._repositories.subscribe(self._on_change)
        self._repositories.on_open(self._on_open)
        self._repositories.on_open(self._retrieval.opened)
        self._repositories.on_close(self._retrieval.closed)
        self._repositories.on_close(lambda closed: self._health.remove(f"repository:{closed.id}"))
        for probe in (StorageProbe(self._own_folders), GitProbe(), *tool_probes(self._child_environment)):
            self._health.add(probe)
        teach_variables(configuration.settings)

    async def serve(self, read_fd: int, write_fd: int) -> int:
        """Serve the connection until it ends.

        Args:
            read_fd: descriptor that the client's messages come from.
            write_fd: descriptor that ours go to.

        Returns:
            The exit code: 0 after `shutdown` and `exit` or end of input, else 1, or what a signal asks for.
        """
        writer = Writer(write_fd, on_broken=lambda: self.stop(1, "the client reads no more"))
        self._outbox.writer = writer
        inbox = Inbox(asyncio.get_running_loop(), self.server.ckit.receive)

        def has_room(timeout: float) -> bool:
            return writer.wait_below(self._limits().max_buffered_bytes, timeout) and inbox.wait_for_room(timeout)

        reader = Reader(
            read_fd,
            Framer(self._max_message_bytes),
            inbox.put,
            has_room,
            self._on_end_of_input,
            patience=lambda: self._limits().incomplete_message_seconds,
        )
        self._services.metrics.transferred = lambda: (reader.bytes_read, writer.bytes_written)
        self._lifecycle.begin()
        reader.start()
        await self._lifecycle.wait(reader.tick)
        logger.info("stopping: %s", self._lifecycle.reason)
        if not self._lifecycle.urgent:
            await inbox.emptied()
        if self._dispatcher is not None:
            await self._dispatcher.drain(0 if self._lifecycle.urgent else self._limits().shutdown_grace_seconds)
        if self._probing is not None:
            self._probing.cancel()
        # Before what they look at is closed, which they would take for a fault.
        self._health.close()
        self._repositories.changes.abandon()
        self._language.close()
        with contextlib.suppress(TimeoutError):
            # Only a process has to be gone in time; where it goes on, what is left half closed would stay.
            async with asyncio.timeout(CLOSE_SECONDS if self._own_process else None):
                await self._conversations.aclose()
                await self._retrieval.aclose()
                await self._repositories.aclose()
        if self._dispatcher is not None:
            self._dispatcher.close()
        await asyncio.gather(asyncio.to_thread(self._lifecycle.end_children), asyncio.to_thread(self._tracer.close))
        seconds = WRITE_SECONDS if self._own_process else PATIENT_WRITE_SECONDS
        writer.close(0 if self._lifecycle.urgent else seconds)
        return self._lifecycle.exit_code or 0

    @property
    def dispatcher(self) -> Dispatcher:
        """The dispatcher; the first use builds it."""
        if self._dispatcher is None:
            # pydantic and the models of all messages take as long to import as the rest of our own code.
            from ckit_daemon.rpc.dispatch import Dispatcher  # noqa: PLC0415
            from ckit_daemon.rpc.record import Recorder  # noqa: PLC0415
            from ckit_daemon.rpc.routes import ROUTES  # noqa: PLC0415
            from ckit_daemon.rpc.trace import ClientTrace  # noqa: PLC0415
            from ckit_daemon.wire.methods import BY_NAME  # noqa: PLC0415

            self._dispatcher = Dispatcher(
                services=self._services,
                outbox=self._outbox,
                recorder=Recorder(
                    self._services.metrics,
                    self._tracer,
                    ClientTrace(self._outbox, lambda: self.server.ckit.trace.value),
                ),
                routes=ROUTES,
                methods=BY_NAME,
                session=lambda: self._session,
            )
        return self._dispatcher

    def initialize(self, params: types.InitializeParams, raw: JsonObject) -> JsonObject:
        """Settle the session for the transport; see `transport.Host`."""
        settled = settle_session(raw)
        self._services.configuration = self._services.configuration.with_client(settled.config)
        self._session = settled.session
        self._follow_log_settings()
        teach_variables(self._settings())
        if self._settings().enabled("language"):
            enabled = self._settings().enabled_features()
            self._language.register(Client(params.capabilities, settled.session.encoding, enabled))
        self._lifecycle.watch_client(params.process_id)
        endpoint = self._settings().telemetry.otel_endpoint
        if is_configured(endpoint):
            self._tracer = otlp_tracer(endpoint)
            self._health.add(self._tracer)
        # The second half of the start, behind the answer: nothing is in flight yet that could be held up.
        asyncio.get_running_loop().call_soon(lambda: self.dispatcher)
        return describe_capabilities(self._settings(), settled.session)

    def receive_answer(self, message: JsonObject) -> bool:
        """Take the client's answer to a request of ours; False when it is none of those."""
        return self._client.receive(message)

    def initialized(self) -> None:
        """Tell the client about options that were not taken over, and begin what may wait until now."""
        for warning in self._services.configuration.warnings:
            text = f"Option {warning.key} ({warning.source}) was ignored: {warning.message}"
            logger.warning(text, extra={"key": warning.key, "source": warning.source})
            self.server.window_log_message(types.LogMessageParams(type=types.MessageType.Warning, message=text))
        # A client that names folders will ask about them: what is read by then need not be waited for.
        self._folders.open(self._session.workspace_folders)
        self._tracer.start()
        self._probing = asyncio.get_running_loop().call_later(PROBE_AFTER_SECONDS, self._health.renew, 0)

    def stop(self, code: int, reason: str) -> None:
        """End the daemon; may be called from any thread."""
        self._lifecycle.stop(code, reason)

    async def _on_open(self, opened: OpenRepository) -> None:
        self._health.add(RepositoryProbe(f"repository:{opened.id}", opened.store.root))

    def _on_discovery(self, opened: OpenRepository) -> None:
        self._tell_change(opened.id, None, opened.store.snapshot.version)

    def _on_change(self, opened: OpenRepository, change: SnapshotChange) -> None:
        self._tell_change(opened.id, sorted(change.paths), change.after.version)

    def _tell_change(self, repository: str, paths: list[str] | None, version: int) -> None:
        from ckit_daemon.wire.repo import DidChangeParams  # noqa: PLC0415 - as all models, not before initialize.

        params = DidChangeParams(repository=repository, paths=paths, version=version)
        self._outbox.send_notification("ckit/repo/didChange", params.to_json())

    def _opener(self) -> Opener:
        # The engine is imported here, in a worker thread, when the first repository is opened.
        from ckit_daemon.open_repositories import DiskOpener  # noqa: PLC0415

        return DiskOpener(lambda: self._services.configuration)

    def _on_end_of_input(self) -> None:
        self.stop(0 if self.server.ckit.shutting_down else 1, "end of input")

    def _settings(self) -> Settings:
        return self._services.configuration.settings

    def _limits(self) -> LimitSettings:
        return self._settings().limits

    def _follow_log_settings(self) -> None:
        if self._logs is None:
            return
        try:
            self._logs.follow(self._settings().log)
        except OSError as error:
            message = f"The file can't be opened: {error.strerror}."
            self._services.configuration = self._services.configuration.without_client("log.file", message)
            self._logs.follow(self._settings().log)

    def _max_message_bytes(self) -> int:
        return self._limits().max_message_bytes

    def _child_environment(self) -> dict[str, str]:
        return reduced_environment(os.environ, key_variables(self._settings()))

    def _own_folders(self) -> tuple[Path, ...]:
        paths = self._settings().paths
        return paths.cache(), paths.state()
