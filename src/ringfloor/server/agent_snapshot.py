"""Agent snapshot: what an agent's desktop shows, in the words of the agent service.

Called by server.agent_service, always within node.read; pure functions of a center. Rules:

* Members are those of AmazonConnectCTIService; what has no value is left out, nextState excepted,
  which is null. Timestamps are epoch seconds.
* The state is the status that was chosen, except while a voice contact is there: then it is what
  the contact does to the agent. agentAvailabilityState always carries the chosen one.
* A contact has two connections, the agent's and the customer's; their ids are those of the legs in
  domain.call. In a call there is one for each party that the agent sees (engine.call.seen); who
  could not be had stays as disconnected until somebody else is tried. A task has only the agent's.
* initial is who is on the customer's side: of a consultation, the agent who asks.
* An offer that was missed, or a call that has failed, stays until it is cleared, as it was then:
  what becomes of the contact with others is not shown to him.
* softphoneMediaInfo is that of the agent's own connection in a call, unless he has a desk phone.
  mediaLegContextToken is the channel that a page attaches to, once it rings; no callConfigJson.

Sources: behaviour specification, sections 3.1 and 7.2; agent service notes, section 1.4.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ringfloor.base.time import Instant, seconds
from ringfloor.domain import destinations, practice
from ringfloor.domain.call import (
    Party,
    PartyState,
    agent_leg,
    customer_leg,
    first_agent_leg,
    is_agent_leg,
)
from ringfloor.domain.contact import Agent, Contact, Held, association
from ringfloor.domain.resources import Home, Properties, Resource
from ringfloor.domain.vocabulary import AgentContactState, StatusType
from ringfloor.engine import call as calls
from ringfloor.engine import chat_parties
from ringfloor.engine.connection import accepts_by_itself, is_agent_first
from ringfloor.engine.legs import DIALLED
from ringfloor.engine.outbound import is_new
from ringfloor.engine.routing import desk_phone, phone_of, profile_of
from ringfloor.engine.state import Center
from ringfloor.engine.view import segment_attributes

STATUS_TYPES: Mapping[StatusType, str] = {
    "ROUTABLE": "routable",
    "CUSTOM": "not_routable",
    "OFFLINE": "offline",
}

CONTACT_STATES: Mapping[AgentContactState, str] = {
    "INCOMING": "incoming",
    "PENDING": "pending",
    "CONNECTING": "connecting",
    "CONNECTED": "connected",
    "CONNECTED_ONHOLD": "connected",
    "PAUSED": "paused",
    "MISSED": "missed",
    "REJECTED": "rejected",
    "ERROR": "error",
    "ENDED": "ended",
}

VOICE_STATES: Mapping[AgentContactState, tuple[str, str]] = {
    "ERROR": ("Error", "error"),
    "MISSED": ("MissedCallAgent", "error"),
    "REJECTED": ("MissedCallAgent", "error"),
    "CONNECTED": ("Busy", "system"),
    "CONNECTED_ONHOLD": ("Busy", "system"),
    "ENDED": ("AfterCallWork", "system"),
    "CONNECTING": ("PendingBusy", "system"),
    "PENDING": ("PendingBusy", "system"),
    "INCOMING": ("Pending", "not_routable"),
}
"""The agent's state, name and type, while a voice contact is in this one; the first row wins."""

PRECEDENCE = tuple(VOICE_STATES)

CONNECTION_STATES: Mapping[AgentContactState, tuple[str, str]] = {
    "INCOMING": ("connecting", "connecting"),
    "PENDING": ("connecting", "connecting"),
    "CONNECTING": ("connecting", "connected"),
    "PAUSED": ("connected", "connected"),
    "CONNECTED": ("connected", "connected"),
    "CONNECTED_ONHOLD": ("connected", "hold"),
    "MISSED": ("disconnected", "disconnected"),
    "REJECTED": ("disconnected", "disconnected"),
    "ERROR": ("disconnected", "disconnected"),
    "ENDED": ("disconnected", "disconnected"),
}
"""The agent's connection and the customer's."""

PARTY_STATES: Mapping[PartyState, str] = {
    "connecting": "connecting",
    "connected": "connected",
    "hold": "hold",
    "silent": "silent_monitor",
    "disconnected": "disconnected",
}

ENDPOINTS: Mapping[str, str] = {
    "USER": "agent",
    "QUEUE": "queue",
    "PHONE_NUMBER": "phone_number",
    "FLOW": "flow",
}
"""Type of a quick connect to that of the endpoint that shows it."""

FEATURES = {"attachmentsEnabled": False, "messagingMarkdownEnabled": False}


IN_CHAT: tuple[AgentContactState, ...] = ("CONNECTED", "CONNECTED_ONHOLD")
"""States in which an agent sees who else is in his chat."""


def snapshot(center: Center, agent_id: str, now: Instant) -> Properties:
    """The whole of it."""
    agent = center.agents[agent_id]
    chosen = _status(center, agent.status_id, agent.status_since)
    following = None
    if agent.next_status_id is not None and agent.next_status_since is not None:
        following = _status(center, agent.next_status_id, agent.next_status_since)
    return {
        "state": _voice_state(center, agent) or chosen,
        "nextState": following,
        "agentAvailabilityState": {
            "state": chosen["name"],
            "timeStamp": chosen["startTimestamp"],
        },
        "contacts": [_contact(center, agent, held) for held in agent.contacts.values()],
        "snapshotTimestamp": seconds(now),
    }


def configuration(center: Center, agent_id: str) -> Properties:
    """Who the agent is and what he is set up for."""
    user = center.resources["user"][agent_id]
    kind, number = phone_of(user)
    profile = center.resources["routing_profile"][user.properties["RoutingProfileId"]]
    media = profile.properties["MediaConcurrencies"]
    return {
        "name": _full_name(user),
        "username": user.name,
        "softphoneEnabled": kind != "DESK_PHONE",
        "softphoneAutoAccept": accepts_by_itself(center, center.agents[agent_id], "VOICE"),
        "extension": number,
        "routingProfile": {
            "name": profile.name,
            "routingProfileARN": center.home.arn_of("routing_profile", profile.id),
            "defaultOutboundQueue": queue(center, profile.properties["DefaultOutboundQueueId"]),
            "channelConcurrencyMap": {each["Channel"]: each["Concurrency"] for each in media},
        },
        "agentPreferences": {"LANGUAGE": "en_US"},
        "agentARN": center.home.arn_of("user", agent_id),
    }


def states(center: Center) -> list[Properties]:
    """The statuses that an agent can choose, in their order."""
    enabled = [
        status
        for status in center.resources["agent_status"].values()
        if status.properties.get("State") == "ENABLED"
    ]
    enabled.sort(key=lambda status: (status.properties.get("DisplayOrder") or 99, status.name))
    return [_state(center.home, status) for status in enabled]


def queues(center: Center, agent_id: str) -> list[Properties]:
    """The queues of the agent's routing profile by name, then his own, which has none."""
    rows = profile_of(center, center.agents[agent_id]).rows
    found = [queue(center, queue_id) for queue_id in {row.queue_id for row in rows}]
    return [*sorted(found, key=lambda each: each["name"]), queue(center, agent_id)]


def queue_arns(center: Center, agent_id: str) -> set[str]:
    """The queues that he works for: his profile's, his contacts' and his own."""
    agent = center.agents[agent_id]
    user = center.resources["user"][agent_id].properties
    profile = center.resources["routing_profile"][user["RoutingProfileId"]]
    his = {row.queue_id for row in profile_of(center, agent).rows}
    his |= {profile.properties["DefaultOutboundQueueId"], agent_id}
    contacts = (center.contacts.get(each) for each in agent.contacts)
    his |= {each.queue_id for each in contacts if each is not None and each.queue_id is not None}
    return {queue(center, each)["queueARN"] for each in his}


def endpoints(center: Center, arns: Sequence[str]) -> list[Properties]:
    """The quick connects of these queues, each once, by name; not those of users who are gone."""
    queues = (center.resources["queue"].get(arn.rsplit("/", 1)[-1]) for arn in arns)
    wanted = {
        each
        for found in queues
        if found is not None
        for each in found.properties.get("QuickConnectIds") or ()
    }
    shown = sorted(
        (center.resources["quick_connect"][each] for each in wanted),
        key=lambda each: (each.name, each.id),
    )
    return [known for each in shown if (known := _destination(center, each)) is not None]


def countries(center: Center) -> list[str]:
    """The countries that may be called, as streams writes them."""
    assert center.instance is not None
    rules = practice.destinations(center.instance.properties)
    return [country.lower() for country in destinations.countries(rules)]


def queue(center: Center, queue_id: str) -> Properties:
    """A queue, or the agent queue of the user of that id, which has no name."""
    if queue_id in center.agents:
        return {"queueARN": f"{center.home.arn}/queue/agent/{queue_id}"}
    known = center.resources["queue"].get(queue_id)
    arn = center.home.arn_of("queue", queue_id)
    return _given(queueARN=arn, name=known.name if known else None)


def connections(contact: Contact | str) -> tuple[str, str]:
    """The ids of the agent's connection and of the customer's; str: the id of one that is gone."""
    if isinstance(contact, str):
        return first_agent_leg(contact), contact
    return agent_leg(contact), customer_leg(contact)


def _destination(center: Center, quick_connect: Resource) -> Properties | None:
    """A quick connect as an endpoint, unless it leads to nobody."""
    config = quick_connect.properties["QuickConnectConfig"]
    kind = config["QuickConnectType"]
    user = queued = number = None
    if kind == "USER":
        user = center.resources["user"].get(config["UserConfig"]["UserId"])
        if user is None:
            return None
    elif kind == "QUEUE":
        queued = queue(center, config["QueueConfig"]["QueueId"])
    elif kind == "PHONE_NUMBER":
        number = config["PhoneConfig"]["PhoneNumber"]
    return _given(
        endpointARN=center.home.arn_of("quick_connect", quick_connect.id),
        type=ENDPOINTS[kind],
        name=quick_connect.name,
        phoneNumber=number,
        agentLogin=user.name if user else None,
        queue=queued,
    )


# The agent


def _state(home: Home, status: Resource) -> Properties:
    return {
        "agentStateARN": home.arn_of("agent_status", status.id),
        "type": STATUS_TYPES[status.properties["Type"]],
        "name": status.name,
    }


def _status(center: Center, status_id: str, since: Instant) -> Properties:
    status = center.resources["agent_status"][status_id]
    return {**_state(center.home, status), "startTimestamp": seconds(since)}


def _voice_state(center: Center, agent: Agent) -> Properties | None:
    voice = [held for held in agent.contacts.values() if held.channel == "VOICE"]
    if not voice:
        return None
    first = min(voice, key=lambda held: PRECEDENCE.index(held.state))
    name, kind = VOICE_STATES[first.state]
    if first.state == "CONNECTING":
        name = _setting_up(center.contacts[first.contact_id])
    elif first.state == "ERROR":
        name = first.error or name
    return {"name": name, "type": kind, "startTimestamp": seconds(first.since)}


def _setting_up(contact: Contact) -> str:
    """The agent's state while a call is offered to him, or set up for him."""
    if contact.stage == "DIALING":
        return "CallingCustomer"
    if contact.stage != "ACCEPTED":
        return "PendingBusy"
    return "Dialing" if is_new(contact) else "Joining"


def _full_name(user: Resource) -> str:
    identity = user.properties.get("IdentityInfo") or {}
    names = (identity.get("FirstName"), identity.get("LastName"))
    return " ".join(name for name in names if name) or user.name


# His contacts


def _contact(center: Center, agent: Agent, held: Held) -> Properties:
    contact = held.last or center.contacts.get(held.contact_id)
    shown: Properties = {
        "contactId": held.contact_id,
        "type": held.channel.lower(),
        "state": {"type": CONTACT_STATES[held.state], "timestamp": seconds(held.since)},
        "connections": _connections(center, agent, held, contact),
        "attributes": {},
        "contactDuration": "0",
        "references": {},
        "contactFeatures": {
            **FEATURES,
            "multiPartyConferenceEnabled": (
                chat_parties.may_be_many(center)
                if held.channel == "CHAT"
                else calls.everybody_controls(center)
            ),
        },
        "channelContext": {},
    }
    return shown if contact is None else {**shown, **_details(center, contact)}


def _details(center: Center, contact: Contact) -> Properties:
    callback = _is_callback(contact)
    first = contact.id if contact.channel == "VOICE" else None
    enqueued = contact.enqueued_at
    return _given(
        type="queue_callback" if callback else contact.channel.lower(),
        initialContactId=contact.initial_contact_id or first,
        relatedContactId=contact.related_contact_id,
        contactAssociationId=association(contact),
        queue=None if contact.queue_id is None else queue(center, contact.queue_id),
        queueTimestamp=None if enqueued is None else seconds(enqueued),
        attributes={
            name: {"name": name, "value": value} for name, value in contact.attributes.items()
        },
        name=contact.name,
        description=contact.description,
        references={
            name: _given(type=reference.type, value=reference.value)
            for name, reference in contact.references.items()
        },
        initiationMethod=contact.initiation_method.lower(),
        segmentAttributes={  # the client's model knows texts only
            name: value
            for name, value in segment_attributes(contact).items()
            if "ValueString" in value
        },
        customerEndpoint=_phone(contact.customer_number),
        connectSystemEndpoint=_phone(contact.system_number),
    )


def _connections(
    center: Center, agent: Agent, held: Held, contact: Contact | None
) -> list[Properties]:
    call = None if contact is None else calls.call_of(center, contact)
    if contact is not None and call is not None and contact.stage == "CONNECTED":
        return [_party(center, contact, each) for each in calls.seen(center, call, contact)]
    agents_id, customers_id = connections(contact or held.contact_id)
    agents_state, customers_state = CONNECTION_STATES[held.state]
    if held.state == "CONNECTING" and contact is not None:
        agents_state = "connected" if contact.stage == "DIALING" else agents_state
        customers_state = "connecting" if contact.connected_to_system_at is None else "connected"
    task = held.channel == "TASK"
    agents = _given(
        connectionId=agents_id,
        endpoint=_agent(center, agent.id),
        state={"type": agents_state, "timestamp": seconds(held.since)},
        type="agent",
        initial=task,
        mute=False,
        softphoneMediaInfo=_softphone(center, agent, contact),
    )
    if task:
        return [agents]
    since = _customer_since(contact, customers_state) if contact else None
    customers = _given(
        connectionId=customers_id,
        endpoint=_customers_endpoint(center, contact) if contact else None,
        state={"type": customers_state, "timestamp": seconds(since or held.since)},
        type="outbound" if contact and _is_dialled(contact) else "inbound",
        initial=True,
        mute=False,
    )
    return [agents, customers, *_others_in_chat(center, held, contact)]


def _softphone(center: Center, agent: Agent, contact: Contact | None) -> Properties | None:
    """What a page needs to know to carry the agent's side of a call."""
    if contact is None or contact.channel != "VOICE":
        return None
    if contact.desk_phone or desk_phone(center, center.resources["user"][agent.id]):
        return None
    there = contact.stage in ("ACCEPTED", "DIALING", "CONNECTED") and contact.agent_id == agent.id
    first = is_agent_first(contact)
    return _given(
        callType="audio_only",
        autoAccept=accepts_by_itself(center, agent, "VOICE", callback=first),
        mediaLegContextToken=agent_leg(contact) if there else None,
    )


def _others_in_chat(center: Center, held: Held, contact: Contact | None) -> list[Properties]:
    """Who else serves the customer of the agent's chat, or is asked to."""
    if contact is None or contact.monitors is not None or held.state not in IN_CHAT:
        return []
    found = []
    for each in chat_parties.others(center, contact):
        there = each.stage == "CONNECTED" and each.agent_id is not None
        quick_connect = center.resources["quick_connect"].get(each.started_with or "")
        asked = None if quick_connect is None else _destination(center, quick_connect)
        since = each.connected_to_agent_at if there else each.initiated_at
        found.append(
            _given(
                connectionId=agent_leg(each),
                endpoint=_agent(center, each.agent_id) if there and each.agent_id else asked,
                state={
                    "type": "connected" if there else "connecting",
                    "timestamp": seconds(since or each.initiated_at),
                },
                type="outbound",
                initial=False,
                mute=False,
                quickConnectName=None if quick_connect is None else quick_connect.name,
            )
        )
    return found


def _agent(center: Center, agent_id: str) -> Properties:
    user = center.resources["user"][agent_id]
    return {
        "type": "agent",
        "endpointARN": center.home.arn_of("user", agent_id),
        "name": _full_name(user),
        "agentLogin": user.name,
    }


def _customers_endpoint(center: Center, contact: Contact) -> Properties | None:
    """Who is on the customer's side: of a consultation, the agent who asks."""
    leg = customer_leg(contact)
    asking = center.contacts.get(contact.previous_contact_id or "")
    if is_agent_leg(leg) and asking is not None and asking.agent_id is not None:
        return _agent(center, asking.agent_id)
    return _phone(contact.customer_number)


def _party(center: Center, contact: Contact, party: Party) -> Properties:
    """A party of a call, as the agent of this contact is shown it."""
    own = party.leg == agent_leg(contact)
    state = PARTY_STATES[party.state]
    if party.role == "monitor" and state == "connected":
        state = "barge"
    since = party.since
    if party.role == "customer" and party.state == "connected":
        since = contact.connected_to_system_at or since
    return _given(
        connectionId=party.leg,
        endpoint=_party_endpoint(center, contact, party),
        state={"type": state, "timestamp": seconds(since)},
        type=_party_type(contact, party, own=own),
        initial=party.leg == customer_leg(contact),
        mute=party.muted,
        softphoneMediaInfo=(
            _softphone(center, center.agents[contact.agent_id or ""], contact) if own else None
        ),
        forcedMute=party.forced_mute or None,
        quickConnectName=_quick_connect_name(center, party),
        monitorCapabilities=list(contact.capabilities) or None if own else None,
        monitorStatus=contact.watches[-1].state if own and contact.watches else None,
        monitoringInfo=_monitored(center, contact) if own and contact.monitors else None,
    )


def _party_type(contact: Contact, party: Party, *, own: bool) -> str:
    if own:
        return "agent" if contact.monitors is None else "monitoring"
    if party.leg == customer_leg(contact):
        return "outbound" if _is_dialled(contact) else "inbound"
    return "inbound" if party.role == "customer" else "outbound"


def _party_endpoint(center: Center, contact: Contact, party: Party) -> Properties | None:
    theirs = center.contacts.get(party.contact_id)
    if party.role == "customer":
        return _phone((theirs or contact).customer_number)
    if party.role == "third_party":
        return _phone(party.number)
    if theirs is not None and theirs.agent_id is not None:
        return _agent(center, theirs.agent_id)
    known = center.resources["quick_connect"].get(party.quick_connect_id or "")
    return {"type": "agent"} if known is None else _destination(center, known)


def _quick_connect_name(center: Center, party: Party) -> str | None:
    known = center.resources["quick_connect"].get(party.quick_connect_id or "")
    return None if known is None else known.name


def _monitored(center: Center, contact: Contact) -> Properties:
    """Whom a supervisor listens to, and since when."""
    theirs = center.contacts.get(contact.previous_contact_id or "")
    name = None
    if theirs is not None and theirs.agent_id is not None:
        name = _full_name(center.resources["user"][theirs.agent_id])
    joined = contact.connected_to_agent_at or contact.initiated_at
    return _given(
        agent=None if name is None else {"agentName": name}, joinTimeStamp=seconds(joined)
    )


def _customer_since(contact: Contact, state: str) -> Instant | None:
    match state:
        case "hold":
            return contact.held_at
        case "connected":
            return contact.connected_to_system_at
        case _:
            return contact.disconnected_at


def _is_dialled(contact: Contact) -> bool:
    return contact.channel == "VOICE" and contact.initiation_method in DIALLED


def _is_callback(contact: Contact) -> bool:
    return contact.channel == "VOICE" and contact.initiation_method == "CALLBACK"


def _phone(number: str | None) -> Properties | None:
    return None if number is None else {"type": "phone_number", "phoneNumber": number}


def _given(**members: Any) -> Properties:  # noqa: ANN401  JSON
    return {name: value for name, value in members.items() if value is not None}
