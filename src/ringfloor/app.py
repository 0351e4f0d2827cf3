"""App: the composition root. The only place where concrete classes meet.

open_center recovers, serve runs the server until it is told to stop, and everything that a process
holds is let go in the order in which it depends on each other.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Container, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

import msgspec
import uvicorn
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from ringfloor.aws import model, query
from ringfloor.aws.throttle import (
    AWS_LIMITS,
    IDENTITY_LIMITS,
    NO_LIMITS,
    PARTICIPANT_LIMITS,
    Limits,
    Throttle,
)
from ringfloor.aws.tokens import Pages, Sealer
from ringfloor.base.errors import Fault
from ringfloor.base.ids import chance
from ringfloor.base.limits import (
    HEAD_BYTES_MAX,
    REQUEST_SECONDS_MAX,
    SETTLE_MS,
    SHUTDOWN_SECONDS,
    SOCKET_CLOSE_SECONDS,
    SOCKET_MESSAGE_BYTES_MAX,
    SOCKET_PING_SECONDS,
)
from ringfloor.base.time import SECOND, Clock, Duration, Instant, VirtualClock, WallClock
from ringfloor.config import Settings, gateway_environment
from ringfloor.domain import practice
from ringfloor.domain.commands import UpdateInstance
from ringfloor.domain.quotas import Quotas
from ringfloor.gateway import phones, voice_file
from ringfloor.gateway.process import GatewayProcess, gateway_command
from ringfloor.journal.disk import open_journal
from ringfloor.journal.journal import Journal
from ringfloor.journal.memory import MemoryJournal
from ringfloor.node import storage_s3, stream_aws, vault, wait_model
from ringfloor.node.accounts import Accounts
from ringfloor.node.arrivals import Arrivals
from ringfloor.node.attachments import Attachments
from ringfloor.node.depot import Depot
from ringfloor.node.functions import Call, Functions, is_associated, resolved
from ringfloor.node.history import History
from ringfloor.node.node import CLOCK_NOTE, Node
from ringfloor.node.outbox import Outbox
from ringfloor.node.recordings import Recordings, sounds_in_use
from ringfloor.node.sealed_input import SealedInput
from ringfloor.node.storage import Storage
from ringfloor.node.stream_targets import Targets
from ringfloor.node.streams import Streams
from ringfloor.node.vault import Vault
from ringfloor.node.wait_models import WaitModels
from ringfloor.operations import all as operations
from ringfloor.operations.context import Service
from ringfloor.operations.frozen import Frozen
from ringfloor.output import Line, bar
from ringfloor.server.agent_service import AgentService
from ringfloor.server.asgi import Endpoints, Proxies
from ringfloor.server.chat_news import ChatNews
from ringfloor.server.downloads import Downloads, RecordingAddresses
from ringfloor.server.exports import Exports
from ringfloor.server.files import Files
from ringfloor.server.identity import Identities
from ringfloor.server.imports import Imports
from ringfloor.server.objects import Objects
from ringfloor.server.participant import ParticipantService
from ringfloor.server.pipeline import Edge
from ringfloor.server.report import Reports
from ringfloor.server.sandbox import NO_PHONES, Kind, Sandbox
from ringfloor.server.sandbox import Phones as SandboxPhones
from ringfloor.server.sockets import Audience, Sockets
from ringfloor.server.softphone import Softphone
from ringfloor.server.streams import ABORT, ACTION, StreamEvents
from ringfloor.server.traces import Traces
from ringfloor.simulator import demo
from ringfloor.simulator.live import Live, Past

log = logging.getLogger(__name__)

SANDBOX_NUMBER = "+15555550100"
"""Owned by every new instance of a sandbox, so that a first outbound contact needs no set-up."""

PHONES_NOTE = "phones"

_encode = msgspec.json.Encoder().encode
_decode_phones = msgspec.json.Decoder(dict[str, phones.Behaviour]).decode


class App:
    """A contact center server: recovered when made, serving while run runs."""

    def __init__(
        self, settings: Settings, report: Callable[[str], None], journal: Journal | None = None
    ) -> None:
        """journal: instead of the one that the settings ask for."""
        self.settings = settings
        os.umask(0o077)  # who calls whom is the operator's alone, wherever the directory stands
        self.journal = journal or _journal(settings, report)
        try:
            keeper = _vault(settings)
            vault.prove(self.journal, keeper)
            self.history = History.open(settings.data, report)
            self.clock = _clock(settings, self.journal)
            streams = Streams(settings.streams, _targets(settings))
            self.node = Node(self.journal, self.history, self.clock, chance, streams)
            functions = Functions(
                resolved(settings.functions),
                direct=settings.sandbox,
                associated=self._associated,
                bots=resolved(settings.bots),
            )
            sealed = SealedInput(anybody=settings.sandbox)
            self.depot = Depot(settings.data, _storage(settings))
            self.recordings = Recordings(self.depot, self.node)
            models = WaitModels(self.node, settings.data, _training(settings))
            self.outbox = Outbox(
                functions,
                self.node.post,
                self.node.wake,
                sealed,
                desks=self.node.desks,
                models=models,
            )
            self.phones = phones.Phones(self.outbox.hear)
            self.gateway = self._gateway()
            quotas = Quotas(settings.quotas, defaults=settings.aws_limits)
            self._connect(quotas.of("call"))
            progress = Progress(sys.stderr)
            self.node.recover(self.outbox, progress.show)
            progress.end()
            models.restore()
            self._practise()
            self.depot.sounds.forget(sounds_in_use(self.node))
            sealer = Sealer((vault.sealing_key(self.journal, keeper),))
            accounts = Accounts(self.node, sealer, keeper, settings.account, _root(settings))
            accounts.recover()
            self.attachments = Attachments(settings.data)
            self.attachments.keep(self.node.desks)
        except BaseException:
            self.journal.close()
            raise
        self.service = Service(
            node=self.node,
            region=settings.region,
            account=settings.account,
            sealer=sealer,
            pages=Pages(sealer),
            accounts=accounts,
            frozen=Frozen(),
            quotas=quotas,
            number=SANDBOX_NUMBER if settings.sandbox else None,
            sandbox=settings.sandbox,
            pool=settings.pool,
            practice=settings.practice,
            depot=self.depot,
            lenient_flows=settings.lenient_flows,
            oldest_in_ms=settings.oldest_in_ms,
        )
        self.endpoints = self._endpoints()

    def _connect(self, quota: int | None) -> None:
        """Choose who carries calls. quota: how many an instance may have that come in."""
        if self.gateway is None:
            self.outbox.connect(self.phones, recordings=self.recordings)
        else:
            remote, now = self.gateway.remote, self.clock.now
            arrivals = Arrivals(
                self.node.desks,
                self.node.ask,
                lambda command: remote.perform(command, now()),
                quota,
            )
            self.outbox.connect(remote, arrivals, self.recordings)
        told = self.journal.note(PHONES_NOTE)
        if told is not None:
            self.phones.restore(_decode_phones(told))

    def _gateway(self) -> GatewayProcess | None:
        """Who carries real calls, if any shall be."""
        voice = self.settings.voice
        if voice is None:
            return None
        environment = gateway_environment()
        voice_file.load(voice, environment.get)  # what is wrong with it is told here and now
        data = self.depot.directory
        command = gateway_command(voice, data)
        return GatewayProcess(command, data, environment, self.outbox.hear, self.node.wake)

    def _practise(self) -> None:
        """Tell the instances that there are what has been set since; they keep it themselves."""
        for desk in self.node.desks.values():
            instance = desk.center.instance
            if instance is None:
                continue
            wanted = practice.of_instance(self.settings.practice, instance.alias)
            if not practice.is_followed(instance.properties, wanted):
                self.node.post(desk.instance_id, UpdateInstance(practice.changes(wanted)))

    def _endpoints(self) -> Endpoints:
        settings = self.settings
        agents = AgentService(self.service)
        api = model.load("connect")
        edge = Edge(
            api=api,
            service=self.service,
            secrets=self.service.accounts,
            policies=self.service.accounts,
            throttle=_throttle(settings, AWS_LIMITS, api.operations.keys() | {ACTION}),
            clock=self.clock,
            wall=WallClock(),
            signature_window=settings.signature_window_seconds * SECOND,
            check=settings.check_results,
        )
        operations.complete(edge.api)
        sandbox = None
        if settings.sandbox:
            sandbox = Sandbox(
                self.service, self._sandbox_phones(), agents.act, anywhere=settings.sandbox_anywhere
            )
        apis = {name: query.load(name) for name in ("iam", "sts")}
        actions = {each.action for service in apis.values() for each in service.operations.values()}
        throttle = _throttle(settings, IDENTITY_LIMITS, actions)
        identities = Identities(edge, apis, throttle)
        audience = Audience()
        news = ChatNews(self.node, audience, self.attachments)
        chats = ParticipantService(
            self.service,
            self.attachments,
            news,
            _throttle(settings, PARTICIPANT_LIMITS, model.load("connectparticipant").operations),
            check=settings.check_results,
        )
        sealer = self.service.sealer
        files = Files(self.attachments, sealer, self.clock)
        sockets = Sockets(sealer, self.clock, audience, news)
        known = api.operations.keys() | chats.api.operations.keys() | actions | {ACTION}
        unknown = settings.rates.keys() - known - {"*"}
        if unknown:
            raise Fault(
                f"rate: {min(unknown)!r} is no operation; name it as AWS does, such as"
                " GetMetricData, or iam:CreateUser for those of IAM and STS"
            )
        operations.complete_identity(identities.apis.values())
        proxies = Proxies(settings.proxies)
        well = self.node.is_well
        return Endpoints(
            edge,
            agents,
            identities,
            (Traces(edge), Exports(edge), Imports(edge), RecordingAddresses(edge)),
            Reports(edge),
            chats,
            files,
            Downloads(self.depot, sealer, self.clock),
            None if self.depot.on_disk is None else Objects(edge, self.depot.on_disk),
            sockets,
            Softphone(self.service, self.outbox.attach),
            StreamEvents(edge),
            sandbox,
            self._settle,
            well,
            proxies,
        )

    def _associated(self, instance_id: str, call: Call) -> bool:
        desk = self.node.desks.get(instance_id)
        return desk is not None and is_associated(desk.center, call)

    async def _settle(self) -> None:
        """What a sandbox was told at this instant has happened before the next question."""
        if self.settings.sandbox:
            await self.node.settle(SETTLE_MS)

    def demo(self, past: Past, out: TextIO) -> Callable[[str], Coroutine[Any, Any, None]]:
        """The demo, to run beside the server, which was given the journal of its past."""
        hang_up = self._sandbox_phones().hang_up
        live = Live(past, self.node, self.outbox, self.phones, hang_up)
        return lambda address: demo.run(live, address, out)

    def _sandbox_phones(self) -> SandboxPhones:
        if self.gateway is not None:
            return NO_PHONES
        carrier, now = self.phones, self.clock.now

        async def tell(number: str, kind: Kind, answer_after: Duration) -> None:
            carrier.tell(number, phones.Behaviour(kind, answer_after))
            await self.node.note(PHONES_NOTE, _encode(carrier.behaviours()))

        return SandboxPhones(
            tell=tell,
            call=lambda from_number, to, channel: carrier.call(from_number, to, channel, now()),
            press=lambda channel, digits: carrier.press(channel, digits, now()),
            hang_up=lambda channel: carrier.hang_up(channel, now()),
            heard=lambda channel: [(each.kind, each.value) for each in carrier.heard(channel)],
        )

    async def run(
        self, out: TextIO, beside: Callable[[str], Coroutine[Any, Any, None]] | None = None
    ) -> None:
        """Serve until a signal says stop. beside: runs while the server does, given its address.

        Raises Fault if the node had to stop, or the address cannot be had.
        """
        listener = _listener(self.settings)
        host, port = listener.getsockname()[:2]
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        server = _Server(self.endpoints, self.node, f"ringfloor: listening on {address}", out)
        node = asyncio.create_task(self._run_node())
        node.add_done_callback(lambda _: setattr(server, "should_exit", True))
        self.recordings.start()
        companion = asyncio.ensure_future(server.then(beside(address))) if beside else None
        try:
            await server.serve(sockets=[listener])
        finally:
            try:
                await _ended(companion)
            finally:
                await self.recordings.close()
                self.node.close()
                if self.gateway is not None:
                    self.gateway.hurry()
                try:
                    await node
                finally:
                    await self.node.finish()
                    await self._let_gateway_go()
                    self.attachments.close()
                    self.depot.close()

    async def _run_node(self) -> None:
        """The node, as soon as there is whom it asks for its calls; raises Fault."""
        if self.gateway is not None:
            await self.gateway.start()
        await self.node.run()

    async def _let_gateway_go(self) -> None:
        """Calls survive a server whose journal does."""
        if self.gateway is not None:
            await self.gateway.close(keep=self.settings.data is not None)


async def _ended(companion: "asyncio.Task[None] | None") -> None:
    """What ran beside the server ends with it; raises what it has failed with."""
    if companion is not None:
        companion.cancel()
        with suppress(asyncio.CancelledError):
            await companion


class _Protocol(HttpToolsProtocol):
    """uvicorn's protocol, with bounds on what comes before a body and on how long one waits."""

    _head_bytes = 0
    _in_head = True
    _waiting: asyncio.TimerHandle | None = None
    """For a request to be complete."""

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._wait_for_request()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait_for_request(self) -> None:
        self._wait_no_more()
        self._waiting = self.loop.call_later(REQUEST_SECONDS_MAX, self._too_slow)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _too_slow(self) -> None:
        if self.flow.read_paused:  # it is we who do not read on
            self._wait_for_request()
        else:
            self.transport.close()

    @override
    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._head_bytes = self._head_bytes + len(data) if self._in_head else 0
        if self._head_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
            self.send_400_response(f"The headers are longer than {HEAD_BYTES_MAX} bytes.")

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._wait_for_request()

    @override
    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._in_head = False
        self.scope[ABORT] = self.transport.abort  # type: ignore[literal-required]  # besides ASGI's

    @override
    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._wait_no_more()


class _Socket(WebSocketsSansIOProtocol):
    """uvicorn's web socket, cut when its client does not take the last that is sent."""

    @override
    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        self.loop.call_later(SOCKET_CLOSE_SECONDS, self.transport.abort)


class _Server(uvicorn.Server):
    """uvicorn's server, with our first line and our way to stop."""

    def __init__(self, endpoints: Endpoints, node: Node, first_line: str, out: TextIO) -> None:
        super().__init__(
            uvicorn.Config(
                endpoints.serve,
                http=_Protocol,
                lifespan="off",
                interface="asgi3",
                ws=_Socket,
                ws_max_size=SOCKET_MESSAGE_BYTES_MAX,
                ws_ping_interval=SOCKET_PING_SECONDS,
                ws_ping_timeout=SOCKET_PING_SECONDS,
                ws_per_message_deflate=False,  # memory for each client, and little is long
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,  # X-Forwarded-For is anybody's word
                date_header=False,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            )
        )
        self._node = node
        self._first_line = first_line
        self._out = out
        self._serves = asyncio.Event()

    async def then(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it as soon as the address is served; if it fails, the server ends."""
        try:
            await self._serves.wait()
            await work
        except Exception:  # whatever it is goes on to whoever awaits this
            self.should_exit = True
            raise
        finally:
            work.close()

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM end the server; uvicorn would raise them again afterwards."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(self._first_line, file=self._out, flush=True)
        self._serves.set()

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._node.close()  # wakes those who wait for news, so that they let go
        await super().shutdown(sockets)


class Progress:
    """A line on a terminal while a long recovery runs."""

    def __init__(self, out: TextIO) -> None:
        self._line = Line(out, after=0.5)

    def show(self, instance_id: str, record: int, last: int) -> None:
        """So many records of this instance have been replayed."""
        if self._line.due() is not None:
            share = record / last if last else 1.0
            self._line.show(f"replaying {instance_id[:8]} {bar(share)} of {last}")

    def end(self) -> None:
        """The line is no longer needed."""
        self._line.end()


def _training(settings: Settings) -> Duration | None:
    """How often models of waits are trained; None: never."""
    every = settings.train_waits
    if every is not None and wait_model.fitting() is None:
        log.info(
            "no models of waits are trained: pip install 'ringfloor[waits]' brings what it takes"
        )
        return None
    return every


def _journal(settings: Settings, report: Callable[[str], None]) -> Journal:
    return MemoryJournal() if settings.data is None else open_journal(settings.data, report)


def _clock(settings: Settings, journal: Journal) -> Clock:
    if not settings.virtual_clock:
        return WallClock()
    note = journal.note(CLOCK_NOTE)
    start: Instant = int(note) if note else WallClock().now() // SECOND * SECOND
    return VirtualClock(start)


def _throttle(settings: Settings, defaults: Limits, operations: Container[str]) -> Throttle:
    """The throttle of an API: AWS's defaults, if they hold, and what the operator says of it."""
    limits = defaults if settings.aws_limits else NO_LIMITS
    own = {name: rate for name, rate in settings.rates.items() if name == "*" or name in operations}
    return Throttle(limits.with_rates(own))


def _storage(settings: Settings) -> Storage | None:
    """Where objects are kept; None: on the disk."""
    if settings.storage == "disk":
        return None
    if not storage_s3.available():
        raise Fault("storage s3 takes boto3: pip install 'ringfloor[aws]'")
    return storage_s3.S3Storage(settings.region, settings.storage_endpoint)


def _targets(settings: Settings) -> Targets:
    return Targets(
        secrets=settings.stream_secrets,
        batch=settings.stream_batch,
        endpoints=settings.stream_endpoints,
        region=settings.region,
        aws=stream_aws.Aws if stream_aws.available() else None,
    )


def _root(settings: Settings) -> tuple[str, str]:
    assert settings.access_key_id is not None
    assert settings.secret_access_key is not None
    return settings.access_key_id, settings.secret_access_key


def _vault(settings: Settings) -> Vault | None:
    """None where a disk outlives the only key that there is."""
    keys = settings.encryption_keys
    if settings.data is None or not settings.temporary_pair:
        keys += (vault.derived_key(_root(settings)[1]),)
    return Vault(keys) if keys else None


def _listener(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by connections; without it each answer waits 40 ms for the client's ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise Fault(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror or error};"
            " choose another --port, or 0 for a free one"
        ) from error
    listener.set_inheritable(True)
    return listener
