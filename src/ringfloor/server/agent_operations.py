"""Agent operations: the protocol of amazon-connect-streams, AmazonConnectCTIService of 2017-02-15.

Called by server.agent_service with what an HTTP request carries. OPERATIONS is the table of all 33
operations; what has no row there answers 501. Rules:

* A request is performed for the user whom its bearer token names, on his own contacts only, if his
  security profiles grant it (operations.permissions). The engine decides what he may do with them;
  a refusal names the state that was in the way.
* Reads see durable state. Every change bears the user's ARN and the operation in the audit trail.
* GetAgentSnapshot answers at once unless its nextToken stands for what the agent would see again;
  then it waits for a change, at most AGENT_POLL_MS. The token is the number of changes since the
  start and a digest of what was sent, so that a token from before a restart is stale too.
* Either connection of a contact may be named where one is needed: there are only two parties, so
  holding either means the customer, and destroying either ends the conversation for now.
* Softphone reports and client logs are taken and not kept.

Sources: behaviour specification, section 7.3; the agent service's notes and model.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

from msgspec.structs import replace

from ringfloor.aws.tokens import TokenInvalid
from ringfloor.base.codec import encode
from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request, not_found, shown
from ringfloor.base.limits import AGENT_PAGE_ROWS_MAX, AGENT_POLL_MS, NEXT_TOKEN_MS
from ringfloor.base.time import Instant, seconds
from ringfloor.domain import commands
from ringfloor.domain.contact import Held
from ringfloor.domain.events import Origin
from ringfloor.domain.resources import Properties
from ringfloor.engine.connection import AgentCommand, unknown_contact
from ringfloor.node.desk import Desk
from ringfloor.operations import permissions, sign_in
from ringfloor.operations.context import Service, identifier
from ringfloor.server import agent_inputs as inputs
from ringfloor.server import agent_snapshot

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


class Call(NamedTuple):
    """One request: on whose behalf, and what can be used to answer."""

    service: Service
    desk: Desk
    user_id: str
    operation: str
    source: str
    request_id: str
    now: Instant

    async def read(self, question: Callable[[], T]) -> T:
        """Ask something of durable state, in which the user is still there."""

        def careful() -> T:
            if self.user_id not in self.desk.center.agents:
                raise Refusal("UnauthorizedException", "the user has been deleted")
            return question()

        return await self.service.node.read(careful)

    async def submit(self, command: commands.Command) -> None:
        """Carry a command out in the user's name."""
        arn = self.desk.center.home.arn_of("user", self.user_id)
        origin = Origin(arn, self.source, self.request_id, self.operation)
        await self.service.node.submit(self.desk.instance_id, command, origin)

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


def _on_contact(command: type[AgentCommand]) -> "_Handler":
    async def handler(call: Call, params: inputs.Contact) -> Properties:
        await call.submit(command(call.user_id, params.contact_id))
        return {}

    return handler


async def _complete_contact(call: Call, params: inputs.Contact) -> Properties:
    held = await call.held(params.contact_id)
    if held.state != "ENDED":
        raise invalid_request(
            "contactId", params.contact_id, f"is {held.state}; CompleteContact needs ENDED"
        )
    await call.submit(commands.ClearContact(call.user_id, params.contact_id))
    return {}


def _on_connection(command: type[AgentCommand]) -> "_Handler":
    async def handler(call: Call, params: inputs.Connection) -> Properties:
        await _checked_connection(call, params)
        await call.submit(command(call.user_id, params.contact_id))
        return {}

    return handler


async def _destroy_connection(call: Call, params: inputs.Connection) -> Properties:
    """Hang up; before the agent has accepted that means to decline."""
    held = await _checked_connection(call, params)
    command = commands.RejectContact if held.state == "CONNECTING" else commands.LeaveContact
    await call.submit(command(call.user_id, params.contact_id))
    return {}


async def _checked_connection(call: Call, params: inputs.Connection) -> Held:
    held = await call.held(params.contact_id)
    known = agent_snapshot.connections(params.contact_id)
    if params.connection_id not in known:
        raise invalid_parameter(
            "connectionId", params.connection_id, f"is none of {known[0]!r} and {known[1]!r}"
        )
    return held


async def _taken(_call: Call, _params: inputs.Input) -> Properties:
    return {}


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


OPERATIONS: Mapping[str, _Row | None] = {
    "AcceptContact": _Row(inputs.Contact, _on_contact(commands.AcceptContact)),
    "ClearContact": _Row(inputs.Contact, _on_contact(commands.ClearContact)),
    "CompleteContact": _Row(inputs.Contact, _complete_contact),
    "ConferenceConnections": None,
    "CreateAdditionalConnection": None,
    "CreateOutboundContact": None,
    "CreateTaskContact": None,
    "CreateTransport": None,
    "DestroyConnection": _Row(inputs.Connection, _destroy_connection),
    "GetAgentConfiguration": _Row(inputs.Input, _get_agent_configuration),
    "GetAgentPermissions": _Row(inputs.Page, _get_agent_permissions),
    "GetAgentSnapshot": _Row(inputs.Poll, _get_agent_snapshot),
    "GetAgentStates": _Row(inputs.Page, _get_agent_states),
    "GetDialableCountryCodes": _Row(inputs.Page, _get_dialable_country_codes),
    "GetEndpoints": _Row(inputs.EndpointsPage, _get_endpoints),
    "GetNewAuthToken": None,  # perform itself
    "GetRoutingProfileQueues": _Row(inputs.QueuesPage, _get_routing_profile_queues),
    "HoldConnection": _Row(inputs.Connection, _on_connection(commands.HoldContact)),
    "MuteParticipant": None,
    "NotifyContactIssue": _Row(inputs.Issue, _notify_contact_issue),
    "PauseContact": None,
    "PutAgentState": _Row(inputs.PutState, _put_agent_state),
    "RejectContact": _Row(inputs.Contact, _on_contact(commands.RejectContact)),
    "ResumeConnection": _Row(inputs.Connection, _on_connection(commands.ResumeContact)),
    "ResumeContact": None,
    "SendClientLogs": _Row(inputs.Logs, _taken),
    "SendDigits": None,
    "SendSoftphoneCallMetrics": _Row(inputs.CallMetrics, _taken),
    "SendSoftphoneCallReport": _Row(inputs.CallReport, _taken),
    "ToggleActiveConnections": None,
    "UnmuteParticipant": None,
    "UpdateAgentConfiguration": None,
    "UpdateMonitorParticipantState": None,
}


async def perform(service: Service, request: Request, now: Instant) -> Properties:
    """Carry a request out and answer its result. A poll may take AGENT_POLL_MS of real time.

    Refuses with UnauthorizedException, AccessDeniedException, UnknownOperationException,
    NotImplementedException and what the operation itself refuses.
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
    )
    await call.read(lambda: permissions.allowed(call.desk.center, call.user_id, name))
    row = OPERATIONS[name]
    if row is None:
        raise Refusal(
            "NotImplementedException", f"{name} of the agent service is not implemented yet"
        )
    return await row.handler(call, inputs.read(row.shape, given))
