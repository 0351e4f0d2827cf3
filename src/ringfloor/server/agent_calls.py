"""Agent calls: what an agent does with the parties of a call, and what he begins himself.

Called by server.agent_operations, whose table the handlers stand in. A connection's id is the
party's leg (server.agent_snapshot). Before two are joined there is no call yet: then a connection
stands for the contact. Chats and tasks are handed on at once, by the same operation. Sources:
behaviour specification, sections 5.1 to 5.3 and 7.3; the agent service's model.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar, get_args

from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request, not_found
from ringfloor.base.time import from_seconds
from ringfloor.domain import commands
from ringfloor.domain.call import agent_leg
from ringfloor.domain.contact import (
    Contact,
    Held,
    MonitorState,
    Reference,
    ReferenceType,
    association,
)
from ringfloor.domain.resources import Properties
from ringfloor.domain.vocabulary import AgentContactState
from ringfloor.engine import call as calls
from ringfloor.engine import chat_parties
from ringfloor.node.desk import Desk
from ringfloor.operations import permissions, tasks
from ringfloor.operations.context import Service, identifier
from ringfloor.operations.task_forms import Form
from ringfloor.server import agent_inputs as inputs
from ringfloor.server import agent_snapshot

T = TypeVar("T")


class Call(Protocol):
    """What is needed of agent_operations.Call."""

    @property
    def service(self) -> Service: ...
    @property
    def desk(self) -> Desk: ...
    @property
    def user_id(self) -> str: ...
    async def read(self, question: Callable[[], T]) -> T: ...
    async def submit(self, command: commands.Command) -> str: ...
    async def held(self, contact_id: str) -> Held: ...


Handler = Callable[[Any, Any], Awaitable[Properties]]


def _live(call: Call, contact_id: str) -> tuple[Contact | None, bool]:
    """The contact, and whether it is in a call."""
    contact = call.desk.center.contacts.get(contact_id)
    if contact is None:
        return None, False
    in_call = calls.call_of(call.desk.center, contact) is not None
    return contact, in_call and contact.stage == "CONNECTED"


LOST: frozenset[AgentContactState] = frozenset({"MISSED", "REJECTED", "ERROR"})
"""States in which a contact is still shown to an agent, and may be somebody else's by now."""


async def _his(call: Call, contact_id: str) -> Held:
    """A contact that the agent has; refuses what he only sees, until he clears it."""
    held = await call.held(contact_id)
    if held.state in LOST:
        raise invalid_request("contactId", contact_id, f"is {held.state}; he has it no longer")
    return held


async def in_call(call: Call, params: inputs.Connection) -> bool:
    """Whether the connection is a party of a call; refuses what is no connection of the contact."""
    await _his(call, params.contact_id)

    def question() -> bool:
        contact, talks = _live(call, params.contact_id)
        known: tuple[str, ...] = agent_snapshot.connections(contact or params.contact_id)
        if contact is not None and talks:
            there = calls.call_of(call.desk.center, contact)
            assert there is not None
            known = tuple(there.parties)
        if params.connection_id not in known:
            rule = f"is none of {', '.join(repr(each) for each in known)}"
            raise invalid_parameter("connectionId", params.connection_id, rule)
        return talks

    return await call.read(question)


def on_party(
    command: type[commands.HoldParty] | type[commands.ResumeParty],
    otherwise: type[commands.HoldContact] | type[commands.ResumeContact],
) -> Handler:
    """Of a chat or a task, which have no parties: the contact itself."""

    async def handler(call: Call, params: inputs.Connection) -> Properties:
        if await in_call(call, params):
            await call.submit(command(call.user_id, params.contact_id, params.connection_id))
        else:
            await call.submit(otherwise(call.user_id, params.contact_id))
        return {}

    return handler


def muting(*, muted: bool) -> Handler:
    """The party is heard by nobody, or again."""

    async def handler(call: Call, params: inputs.Connection) -> Properties:
        await _needs_call(call, params)
        leg = params.connection_id
        await call.submit(commands.MuteParty(call.user_id, params.contact_id, leg, muted))
        return {}

    return handler


async def send_digits(call: Call, params: inputs.Digits) -> Properties:
    """Keys towards a party."""
    await _needs_call(call, inputs.Connection(params.contact_id, params.connection_id))
    leg = params.connection_id
    await call.submit(commands.PressDigits(call.user_id, params.contact_id, leg, params.digits))
    return {}


async def _needs_call(call: Call, params: inputs.Connection) -> None:
    if not await in_call(call, params):
        raise invalid_request("contactId", params.contact_id, "is not in a call")


async def destroy_connection(call: Call, params: inputs.Connection) -> Properties:
    """Drop the party; with his own the agent leaves, or declines what he has not accepted.

    An agent of a chat may send away whoever else serves its customer.
    """
    contact_id = params.contact_id
    held = await _his(call, contact_id)
    if held.channel == "CHAT" and await call.read(lambda: _is_beside(call, params)):
        await call.submit(commands.DropParty(call.user_id, contact_id, params.connection_id))
        return {}
    if await in_call(call, params):
        await call.submit(commands.DropParty(call.user_id, contact_id, params.connection_id))
        return {}

    def rings() -> bool:
        contact, _ = _live(call, contact_id)
        return contact is not None and contact.stage == "OFFERED"

    command = commands.RejectContact if await call.read(rings) else commands.LeaveContact
    await call.submit(command(call.user_id, contact_id))
    return {}


def _is_beside(call: Call, params: inputs.Connection) -> bool:
    """Whether the connection is of another agent in the same chat."""
    contact = call.desk.center.contacts.get(params.contact_id)
    others = () if contact is None else chat_parties.others(call.desk.center, contact)
    return params.connection_id in [agent_leg(each) for each in others]


def on_call(command: type[commands.SwapParties] | type[commands.JoinParties]) -> Handler:
    """Toggle and conference: the parties follow from who is there."""

    async def handler(call: Call, params: inputs.Contact) -> Properties:
        await _his(call, params.contact_id)
        await call.submit(command(call.user_id, params.contact_id))
        return {}

    return handler


async def set_monitor_state(call: Call, params: inputs.MonitorMode) -> Properties:
    """A supervisor listens, or barges in."""
    wanted = params.target_monitor_mode
    if wanted not in get_args(MonitorState):
        rule = f"must be one of {', '.join(get_args(MonitorState))}"
        raise invalid_parameter("targetMonitorMode", wanted, rule)
    state: MonitorState = "BARGE" if wanted == "BARGE" else "SILENT_MONITOR"
    await call.submit(commands.SetMonitorState(call.user_id, params.contact_id, state))
    return {}


# Whom an agent calls


def _quick_connect(call: Call, endpoint: inputs.Endpoint) -> str | None:
    """The quick connect that an endpoint names."""
    if endpoint.endpoint_arn is None:
        return None
    home = call.desk.center.home
    return identifier(home, "quick_connect", endpoint.endpoint_arn, "endpoint.endpointARN")


async def create_additional_connection(call: Call, params: inputs.Addition) -> Properties:
    """Dial somebody else for a call; hand a chat or a task on."""
    held = await _his(call, params.contact_id)
    quick_connect = _quick_connect(call, params.endpoint)
    if held.channel == "VOICE":
        if quick_connect is None:  # a number of his own choice is a call out
            center = call.desk.center
            await call.read(
                lambda: permissions.allowed(center, call.user_id, "CreateOutboundContact")
            )
        await call.submit(
            commands.AddParty(
                agent_id=call.user_id,
                contact_id=params.contact_id,
                quick_connect_id=quick_connect,
                number=None if quick_connect else params.endpoint.phone_number or "",
            )
        )
        return {}
    if quick_connect is None:
        raise invalid_request("endpoint.endpointARN", None, "is needed: a quick connect")
    found = quick_connect
    if held.channel == "CHAT":
        await call.submit(commands.TransferChat(call.user_id, params.contact_id, found))
        return {}
    route = await call.read(lambda: tasks.of_quick_connect(call.desk.center, found))
    await call.submit(
        commands.TransferTask(
            contact_id=params.contact_id,
            flow_id=route.flow_id,
            target_id=route.target_id,
            quick_connect_id=found,
        )
    )
    return {}


async def add_new_connection(call: Call, params: inputs.Addition) -> Properties:
    """Dial somebody else for a call; ask somebody else into a chat."""
    held = await _his(call, params.contact_id)
    if held.channel != "CHAT":
        if held.channel == "VOICE":
            return await create_additional_connection(call, params)
        rule = f"is a {held.channel}; it has one agent"
        raise invalid_request("contactId", params.contact_id, rule)
    await call.submit(
        commands.AddParty(
            agent_id=call.user_id,
            contact_id=params.contact_id,
            quick_connect_id=_quick_connect(call, params.endpoint),
        )
    )
    return {}


async def transfer_contact(call: Call, params: inputs.Addition) -> Properties:
    """Hand a chat or a task on."""
    held = await _his(call, params.contact_id)
    if held.channel == "VOICE":
        rule = "is a call: add a connection, then destroy your own"
        raise invalid_request("contactId", params.contact_id, rule)
    return await create_additional_connection(call, params)


async def create_outbound_contact(call: Call, params: inputs.Outbound) -> Properties:
    """Call somebody."""
    center, related = call.desk.center, params.related_contact_id
    queue_id = None
    if params.queue_arn is not None:
        queue_id = identifier(center.home, "queue", params.queue_arn, "queueARN")
    quick_connect = _quick_connect(call, params.endpoint)

    def question() -> tuple[str, Mapping[str, str], str | None]:
        number = params.endpoint.phone_number or ""
        if quick_connect is not None:
            found = center.resource("quick_connect", quick_connect, "endpoint.endpointARN")
            config = found.properties["QuickConnectConfig"]
            if config["QuickConnectType"] != "PHONE_NUMBER":
                raise invalid_request("endpoint.endpointARN", found.id, "is no outside number")
            number = config["PhoneConfig"]["PhoneNumber"]
        before = _own(call, related, "relatedContactId")
        if before is None:
            return number, {}, None
        return number, before.attributes, association(before)

    number, attributes, association_id = await call.read(question)
    await call.submit(
        commands.DialOut(
            agent_id=call.user_id,
            to=number,
            queue_id=queue_id,
            related_contact_id=related,
            attributes=dict(attributes),
            association_id=association_id,
            quota=call.service.quotas.of("call"),
        )
    )
    return {}


async def create_task_contact(call: Call, params: inputs.Task) -> Properties:
    """Start a task for whom a quick connect leads to."""
    center = call.desk.center
    quick_connect = _quick_connect(call, params.endpoint)
    if quick_connect is None:
        raise invalid_request("endpoint.endpointARN", None, "is needed: a quick connect")
    found = quick_connect

    def question() -> tuple[tasks.Route, Contact | None, str | None]:
        before = _own(call, params.previous_contact_id, "previousContactId")
        related = _own(call, params.related_contact_id, "relatedContactId")
        tree = None if related is None else association(related)
        return tasks.of_quick_connect(center, found), before, tree

    route, before, tree = await call.read(question)
    at = params.scheduled_time
    form = Form(
        name=params.name,
        description=params.description,
        at=None if at is None else from_seconds(at),
        life_ms=None,
        references={name: _reference(each) for name, each in (params.references or {}).items()},
        attributes={},
    )
    task_id = await call.submit(
        tasks.asked(
            form,
            route,
            client_token=params.idempotency_token,
            previous=before,
            related_contact_id=params.related_contact_id,
            association_id=tree,
            quota=call.service.quotas.of("task"),
        )
    )
    return {"contactId": task_id}


def _own(call: Call, contact_id: str | None, field: str) -> Contact | None:
    """A contact of the agent's that another is to follow, whose attributes that one will have."""
    if contact_id is None:
        return None
    held = call.desk.center.agents[call.user_id].contacts.get(contact_id)
    found = call.desk.center.contacts.get(contact_id)
    if held is None or held.state in LOST or found is None:
        raise not_found(field, contact_id, "contact of this agent")
    return found


def _reference(given: inputs.Reference) -> Reference:
    if given.type not in get_args(ReferenceType):
        rule = f"must be one of {', '.join(get_args(ReferenceType))}"
        raise invalid_parameter("references.type", given.type, rule)
    return Reference(given.type, given.value)  # type: ignore[arg-type]  # just looked up


def on_task(command: type[commands.PauseTask] | type[commands.ResumeTask]) -> Handler:
    """A task of the agent's own rests, or goes on."""

    async def handler(call: Call, params: inputs.Contact) -> Properties:
        held = await _his(call, params.contact_id)
        if held.channel != "TASK":
            raise invalid_request("contactId", params.contact_id, f"is a {held.channel}, no task")
        await call.submit(command(params.contact_id))
        return {}

    return handler


async def complete_contact(call: Call, params: inputs.Contact) -> Properties:
    """A task is done; after any other contact, the work that followed it."""
    held = await call.held(params.contact_id)
    if held.channel == "TASK" and held.state != "ENDED":
        await call.submit(commands.FinishTask(call.user_id, params.contact_id))
    elif held.state == "ENDED":
        await call.submit(commands.ClearContact(call.user_id, params.contact_id))
    else:
        rule = f"is {held.state}; CompleteContact needs ENDED"
        raise Refusal("InvalidRequestException", f"contactId: {params.contact_id!r} {rule}")
    return {}
