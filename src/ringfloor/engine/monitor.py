"""Monitor: a supervisor in somebody else's call.

    ACCEPTED --his phone is up--> CONNECTED, listening <--> barging in

A supervisor's contact is his own, of method MONITOR; it is not queued, needs no accepting and has
no after contact work. It ends with the call. Who has barged in controls everybody; if he drops the
agent, the customer is his (BARGED). Sources: behaviour specification, sections 2.6 and 5.3.
"""

from collections.abc import Iterator

from ringfloor.base.errors import Refusal, invalid_request, not_found
from ringfloor.base.ids import Seed, derive
from ringfloor.base.limits import CALL_MONITORS_MAX
from ringfloor.base.time import Instant
from ringfloor.domain.call import Party, agent_leg, first_agent_leg, living
from ringfloor.domain.commands import MonitorContact, SetMonitorState
from ringfloor.domain.contact import Contact, Watch
from ringfloor.domain.events import (
    AgentLegConnected,
    ContactInitiated,
    Event,
    MonitorStateChanged,
    PartyAdded,
)
from ringfloor.engine import call as calls
from ringfloor.engine import connection, entry, joining, outbound, routing
from ringfloor.engine.state import Center


def begin(center: Center, command: MonitorContact, seed: Seed) -> Iterator[Event]:
    """The supervisor's phone is rung up. A client token that began a live one begins nothing."""
    if entry.begun_with(center, command.client_token) is not None:
        return
    contact = center.contacts.get(command.contact_id)
    if contact is None:
        raise not_found("ContactId", command.contact_id, "live contact")
    supervisor = center.agents.get(command.agent_id)
    if supervisor is None:
        raise not_found("UserId", command.agent_id, "user")
    call = calls.call_of(center, contact)
    if contact.stage != "CONNECTED" or call is None or contact.monitors is not None:
        raise invalid_request("ContactId", contact.id, "is no call of an agent and a customer")
    if contact.agent_id == supervisor.id:
        raise invalid_request("UserId", supervisor.id, "is the agent of this contact")
    if sum(each.role == "monitor" for each in living(call)) >= CALL_MONITORS_MAX:
        raise Refusal(
            "ServiceQuotaExceededException",
            f"ContactId: {contact.id!r} is monitored by {CALL_MONITORS_MAX} already",
        )
    outbound.check_free(center, supervisor.id)
    new_id = derive(seed, 0)
    yield ContactInitiated(
        connection.successor(
            center,
            contact,
            id=new_id,
            method="MONITOR",
            stage="ACCEPTED",
            connected_to_system_at=center.at,
            agent_id=supervisor.id,
            routing_profile_id=routing.profile_of(center, supervisor).id,
            client_token=command.client_token,
            customer_leg=agent_leg(contact),
            call_id=call.id,
            monitors=call.id,
            capabilities=command.capabilities,
        )
    )
    yield PartyAdded(
        call.id,
        new_id,
        Party(
            leg=first_agent_leg(new_id),
            contact_id=new_id,
            role="monitor",
            state="connecting",
            since=center.at,
        ),
    )


def agent_ready(contact: Contact) -> Iterator[Event]:
    """The supervisor's phone is up: he listens."""
    assert contact.agent_id is not None
    yield AgentLegConnected(contact.id, contact.agent_id)
    yield joining.joined(contact)
    yield MonitorStateChanged(contact.id, contact.agent_id, "SILENT_MONITOR")


def set_state(center: Center, command: SetMonitorState) -> Iterator[Event]:
    """Listen, or barge in; as far as he was allowed to when it began."""
    contact = connection.his(center, command.agent_id, command.contact_id)
    call = calls.call_of(center, contact)
    party = None if call is None else call.parties.get(agent_leg(contact))
    if contact.stage != "CONNECTED" or party is None or party.role != "monitor":
        raise invalid_request("ContactId", contact.id, "monitors nobody now")
    if command.state not in contact.capabilities:
        rule = f"is not among {', '.join(contact.capabilities)}"
        raise invalid_request("TargetMonitorMode", command.state, rule)
    if contact.watches[-1].state != command.state:
        yield MonitorStateChanged(contact.id, command.agent_id, command.state)


def state_changed(center: Center, event: MonitorStateChanged, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    watch_over(contact, at)
    contact.watches.append(Watch(event.state, at))
    call = calls.call_of(center, contact)
    if call is None:  # a chat
        return
    party = call.parties[agent_leg(contact)]
    party.state = "silent" if event.state == "SILENT_MONITOR" else "connected"
    party.since = at


def watch_over(contact: Contact, at: Instant) -> None:
    """What the supervisor has been doing he does no longer."""
    if contact.watches and contact.watches[-1].until is None:
        last = contact.watches[-1]
        contact.watches[-1] = Watch(last.state, last.since, at)
