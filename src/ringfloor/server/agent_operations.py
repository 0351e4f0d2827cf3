"""Agent operations: the protocol of amazon-connect-streams, AmazonConnectCTIService of 2017-02-15.

Called by server.agent_service with what an HTTP request carries. OPERATIONS is the table of all 33
operations. Rules:

* A request is performed for the user whom its bearer token names, on his own contacts only, if his
  security profiles grant it (operations.permissions). The engine decides what he may do with them;
  a refusal names the state that was in the way.
* Reads see durable state. Every change bears the user's ARN and the operation in the audit trail.
* GetAgentSnapshot answers at once unless its nextToken stands for what the agent would see again;
  then it waits for a change, at most AGENT_POLL_MS. The token is the number of changes since the
  start and a digest of what was sent, so that a token from before a restart is stale too.
* What is done with a call's connections is in server.agent_calls. An agent may be signed in at
  several desktops at once; all show the same, and what is done at one is seen at the others.
* Softphone reports and client logs are taken and not kept.

Sources: behaviour specification, section 7.3; the agent service's notes and model.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

from msgspec.structs import replace

from ringfloor.aws.request import HttpRequest
from ringfloor.aws.tokens import TokenInvalid
from ringfloor.base.codec import encode
from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request, not_found, shown
from ringfloor.base.limits import AGENT_PAGE_ROWS_MAX, AGENT_POLL_MS, NEXT_TOKEN_MS
from ringfloor.base.time import Instant, seconds
from ringfloor.domain import commands
from ringfloor.domain.contact import Held
from ringfloor.domain.events import Origin
from ringfloor.domain.numbers import is_e164
from ringfloor.domain.resources import Properties
from ringfloor.engine.connection import AgentCommand, unknown_contact
from ringfloor.node.desk import Desk
from ringfloor.operations import people, permissions, sign_in
from ringfloor.operations.context import Service, identifier
from ringfloor.server import agent_calls, agent_snapshot, agent_transports
from ringfloor.server import agent_inputs as inputs
from ringfloor.server.agent_presence import Presence

log = logging.getLogger(__name__)

T = TypeVar("T")

SERVICE = "AmazonConnectCTIService"


class Request(NamedTuple):
    """What an HTTP request carries. target: X-Amz-Target; bearer: X-Amz-Bearer."""

    target: str
    bearer: str | None
    body: bytes
    source: str = ""
    request_id: str = ""
    http: HttpRequest | None = None
    """Where an answer depends on the address that was asked."""
    presence: Presence | None = None


class Call(NamedTuple):
    """One request: on whose behalf, and what can be used to answer."""

    service: Service
    desk: Desk
    user_id: str
    operation: str
    source: str
    request_id: str
    now: Instant
    http: HttpRequest | None = None
    presence: Presence | None = None

    async def read(self, question: Callable[[], T]) -> T:
        """Ask something of durable state, in which the user is still there."""

        def careful() -> T:
            if self.user_id not in self.desk.center.agents:
                raise Refusal("UnauthorizedException", "the user has been deleted")
            return question()

        return await self.service.node.read(careful)

    async def submit(self, command: commands.Command) -> str:
        """Carry a command out in the user's name; the id of what it made, or empty."""
        arn = self.desk.center.home.arn_of("user", self.user_id)
        origin = Origin(arn, self.source, self.request_id, self.operation)
        return await self.service.node.submit(self.desk.instance_id, command, origin)

    async def held(self, contact_id: str) -> Held:
        """A contact as the agent holds it now; refuses with ContactNotFoundException."""
        agents = self.desk.center.agents

        def question() -> Held:
            found = agents[self.user_id].contacts.get(contact_id)
            if found is None:
                raise unknown_contact(contact_id)
            return replace(found)

        return await self.read(question)


# Looking


async def _get_agent_snapshot(call: Call, params: inputs.Poll) -> Properties:
    if call.presence is None:
        return await _polled(call, params)
    with call.presence.asking(call.desk.instance_id, call.user_id):
        return await _polled(call, params)


async def _polled(call: Call, params: inputs.Poll) -> Properties:
    seen, token = await call.read(lambda: _look(call, call.now))
    if params.next_token == token:
        version = int(token.partition("-")[0])
        wait = AGENT_POLL_MS if params.timeout is None else min(params.timeout, AGENT_POLL_MS)
        node = call.service.node
        await node.changed(call.desk, call.user_id, version, wait)
        seen, token = await call.read(lambda: _look(call, node.clock.now()))
    return {"snapshot": seen, "nextToken": token}


def _look(call: Call, now: Instant) -> tuple[Properties, str]:
    seen = agent_snapshot.snapshot(call.desk.center, call.user_id, now)
    seen = agent_transports.with_chats(call.service.sealer, call.desk, call.user_id, seen)
    lasting = {name: value for name, value in seen.items() if name != "snapshotTimestamp"}
    digest = blake2b(encode(lasting), digest_size=8).hexdigest()
    return seen, f"{call.desk.versions.get(call.user_id, 0)}-{digest}"


async def _get_agent_configuration(call: Call, _params: inputs.Input) -> Properties:
    center = call.desk.center
    return {
        "configuration": await call.read(lambda: agent_snapshot.configuration(center, call.user_id))
    }


async def _get_agent_permissions(call: Call, params: inputs.Page) -> Properties:
    center = call.desk.center
    rows = await call.read(lambda: permissions.desktop(center, call.user_id))
    return _page(call, params, "permissions", rows)


async def _get_agent_states(call: Call, params: inputs.Page) -> Properties:
    rows = await call.read(lambda: agent_snapshot.states(call.desk.center))
    return _page(call, params, "states", rows)


async def _get_dialable_country_codes(call: Call, params: inputs.Page) -> Properties:
    rows = await call.read(lambda: agent_snapshot.countries(call.desk.center))
    return _page(call, params, "countryCodes", rows)


async def _get_routing_profile_queues(call: Call, params: inputs.QueuesPage) -> Properties:
    center = call.desk.center
    named = identifier(
        center.home, "routing_profile", params.routing_profile_arn, "routingProfileARN"
    )

    def question() -> list[Properties]:
        user = center.resources["user"][call.user_id]
        if named != user.properties["RoutingProfileId"]:
            raise not_found("routingProfileARN", named, "routing profile of this agent")
        return agent_snapshot.queues(center, call.user_id)

    return _page(call, params, "queues", await call.read(question))


async def _get_endpoints(call: Call, params: inputs.EndpointsPage) -> Properties:
    center = call.desk.center

    def question() -> list[Properties]:
        his = agent_snapshot.queue_arns(center, call.user_id)
        for each in params.queue_arns:
            if each not in his:
                raise not_found("queueARNs", each, "queue of this agent")
        return agent_snapshot.endpoints(center, params.queue_arns)

    return _page(call, params, "endpoints", await call.read(question))


def _page(call: Call, params: inputs.Page, member: str, rows: Sequence[object]) -> Properties:
    """Part of a short list that hardly ever changes: the token is how many rows have been sent."""
    sealer, purpose = call.service.sealer, f"page of {call.operation}"
    start = 0
    if params.next_token is not None:
        try:
            start = sealer.open(purpose, params.next_token, call.now, int)
        except TokenInvalid:
            raise invalid_parameter("nextToken", "...", "is invalid or expired") from None
    end = start + min(params.max_results or AGENT_PAGE_ROWS_MAX, AGENT_PAGE_ROWS_MAX)
    page: Properties = {member: list(rows[start:end])}
    if end < len(rows):
        page["nextToken"] = sealer.seal(purpose, end, call.now + NEXT_TOKEN_MS)
    return page


# Doing


async def _put_agent_state(call: Call, params: inputs.PutState) -> Properties:
    center, wanted = call.desk.center, params.state

    def question() -> str:
        if wanted.agent_state_arn is not None:
            arn, member = wanted.agent_state_arn, "state.agentStateARN"
            return center.resource(
                "agent_status", identifier(center.home, "agent_status", arn, member), member
            ).id
        if wanted.name is None:
            raise invalid_request("state", None, "needs agentStateARN or name")
        known = center.names["agent_status"].get(wanted.name)
        if known is None:
            raise not_found("state.name", wanted.name, "agent status")
        return known

    await call.submit(commands.SetAgentStatus(call.user_id, await call.read(question)))
    return {}


async def _update_agent_configuration(call: Call, params: inputs.UpdateConfiguration) -> Properties:
    """Which phone of his rings: the softphone, or the one of this number; the rest stays."""
    wanted = params.configuration
    kind = "SOFT_PHONE" if wanted.softphone_enabled else "DESK_PHONE"
    number = wanted.extension or None
    if (number is not None or kind == "DESK_PHONE") and not is_e164(number or ""):
        raise invalid_parameter("configuration.extension", number, "is no E.164 number")
    people.check_phone(call.desk.center, "configuration.extension", number)

    def question() -> Properties:
        user = call.desk.center.resources["user"][call.user_id].properties
        phone = {**user["PhoneConfig"], "PhoneType": kind, "DeskPhoneNumber": number}
        own = {"PhoneType": kind, "PhoneNumber": number}
        return {
            "PhoneConfig": _given(phone),
            "PhoneNumberConfigs": [
                _given({**each, **own}) if each["Channel"] == "VOICE" else each
                for each in user.get("PhoneNumberConfigs") or ()
            ],
        }

    await call.submit(commands.UpdateResource("user", call.user_id, await call.read(question)))
    return {}


def _given(members: Properties) -> Properties:
    return {name: value for name, value in members.items() if value is not None}


def _on_contact(command: type[AgentCommand]) -> "_Handler":
    async def handler(call: Call, params: inputs.Contact) -> Properties:
        await call.submit(command(call.user_id, params.contact_id))
        return {}

    return handler


async def _taken(_call: Call, _params: inputs.Input) -> Properties:
    return {}


async def _create_transport(call: Call, params: inputs.Transport) -> Properties:
    sealer, kind, contact_id = call.service.sealer, params.transport_type, params.contact_id
    if kind == "web_socket" and call.http is not None:
        http = call.http
        return await call.read(
            lambda: agent_transports.web_socket(sealer, http, call.desk, call.user_id, call.now)
        )
    if kind == "chat_token":
        if contact_id is None:
            raise invalid_request("contactId", None, "is needed for a chat_token")
        return await call.read(
            lambda: agent_transports.chat_token(
                sealer, call.desk, call.user_id, contact_id, call.now
            )
        )
    raise Refusal(
        "NotImplementedException",
        f"transportType: {shown(kind)} is not implemented; web_socket and chat_token are",
    )


async def _notify_contact_issue(call: Call, params: inputs.Issue) -> Properties:
    log.warning(
        "agent %s of instance %s reports issue %s with contact %s: %s",
        call.user_id,
        call.desk.instance_id,
        shown(params.issue_code),
        shown(params.contact_id),
        shown(params.description),
    )
    return {}


# The table

_Handler = Callable[[Call, Any], Awaitable[Properties]]


class _Row(NamedTuple):
    shape: type[inputs.Input]
    handler: _Handler


BESIDE_THE_MODEL = frozenset({"AddNewConnection", "TransferContact"})
"""What newer methods of streams ask for, though the model in that library does not have it."""

OPERATIONS: Mapping[str, _Row | None] = {
    "AcceptContact": _Row(inputs.Contact, _on_contact(commands.AcceptContact)),
    "AddNewConnection": _Row(inputs.Addition, agent_calls.add_new_connection),
    "ClearContact": _Row(inputs.Contact, _on_contact(commands.ClearContact)),
    "CompleteContact": _Row(inputs.Contact, agent_calls.complete_contact),
    "ConferenceConnections": _Row(inputs.Contact, agent_calls.on_call(commands.JoinParties)),
    "CreateAdditionalConnection": _Row(inputs.Addition, agent_calls.create_additional_connection),
    "CreateOutboundContact": _Row(inputs.Outbound, agent_calls.create_outbound_contact),
    "CreateTaskContact": _Row(inputs.Task, agent_calls.create_task_contact),
    "CreateTransport": _Row(inputs.Transport, _create_transport),
    "DestroyConnection": _Row(inputs.Connection, agent_calls.destroy_connection),
    "GetAgentConfiguration": _Row(inputs.Input, _get_agent_configuration),
    "GetAgentPermissions": _Row(inputs.Page, _get_agent_permissions),
    "GetAgentSnapshot": _Row(inputs.Poll, _get_agent_snapshot),
    "GetAgentStates": _Row(inputs.Page, _get_agent_states),
    "GetDialableCountryCodes": _Row(inputs.Page, _get_dialable_country_codes),
    "GetEndpoints": _Row(inputs.EndpointsPage, _get_endpoints),
    "GetNewAuthToken": None,  # perform itself
    "GetRoutingProfileQueues": _Row(inputs.QueuesPage, _get_routing_profile_queues),
    "HoldConnection": _Row(
        inputs.Connection, agent_calls.on_party(commands.HoldParty, commands.HoldContact)
    ),
    "MuteParticipant": _Row(inputs.Connection, agent_calls.muting(muted=True)),
    "NotifyContactIssue": _Row(inputs.Issue, _notify_contact_issue),
    "PauseContact": _Row(inputs.Contact, agent_calls.on_task(commands.PauseTask)),
    "PutAgentState": _Row(inputs.PutState, _put_agent_state),
    "RejectContact": _Row(inputs.Contact, _on_contact(commands.RejectContact)),
    "ResumeConnection": _Row(
        inputs.Connection, agent_calls.on_party(commands.ResumeParty, commands.ResumeContact)
    ),
    "ResumeContact": _Row(inputs.Contact, agent_calls.on_task(commands.ResumeTask)),
    "SendClientLogs": _Row(inputs.Logs, _taken),
    "SendDigits": _Row(inputs.Digits, agent_calls.send_digits),
    "SendSoftphoneCallMetrics": _Row(inputs.CallMetrics, _taken),
    "SendSoftphoneCallReport": _Row(inputs.CallReport, _taken),
    "ToggleActiveConnections": _Row(inputs.Contact, agent_calls.on_call(commands.SwapParties)),
    "TransferContact": _Row(inputs.Addition, agent_calls.transfer_contact),
    "UnmuteParticipant": _Row(inputs.Connection, agent_calls.muting(muted=False)),
    "UpdateAgentConfiguration": _Row(inputs.UpdateConfiguration, _update_agent_configuration),
    "UpdateMonitorParticipantState": _Row(inputs.MonitorMode, agent_calls.set_monitor_state),
}


async def perform(service: Service, request: Request, now: Instant) -> Properties:
    """Carry a request out and answer its result. A poll may take AGENT_POLL_MS of real time.

    Refuses with UnauthorizedException, AccessDeniedException, UnknownOperationException and what
    the operation itself refuses.
    """
    prefix, _, name = request.target.partition(".")
    if prefix != SERVICE or name not in OPERATIONS:
        raise Refusal(
            "UnknownOperationException",
            f"X-Amz-Target: {shown(request.target)} is no operation of {SERVICE}",
        )
    given = inputs.members(request.body)
    if name == "GetNewAuthToken":  # its sender's access token may be over
        wanted = inputs.read(inputs.NewToken, given)
        token = await sign_in.refresh(service, wanted.refresh_token, now, request.source)
        return {"newAuthToken": token.text, "expirationDateTime": seconds(token.expires)}
    sent = request.bearer or inputs.token(given)
    bearer = await sign_in.who(service, sent, now, request.source)
    call = Call(
        service,
        bearer.desk,
        bearer.user_id,
        request.target,
        request.source,
        request.request_id,
        now,
        request.http,
        request.presence,
    )
    await call.read(lambda: permissions.allowed(call.desk.center, call.user_id, name))
    row = OPERATIONS[name]
    assert row is not None
    return await row.handler(call, inputs.read(row.shape, given))
