"""SearchContacts: contacts of an instance, live and final, by time and by what is known of them.

Live contacts are looked at a slice at a time, so that nobody waits for a search; final ones are
found by the history. A page goes on after the last contact of the one before: what begins or ends
meanwhile moves nothing.
"""

from collections.abc import Sequence
from functools import partial
from itertools import islice

import msgspec

from ringfloor.aws.tokens import Cursor
from ringfloor.base.limits import CONTACT_SEARCH_ROWS_DEFAULT, CONTACT_SEARCH_SLICE
from ringfloor.base.time import seconds
from ringfloor.domain.contact import Contact, kept_since
from ringfloor.domain.resources import Home, Properties
from ringfloor.engine import hierarchy
from ringfloor.engine.view import segment_attributes
from ringfloor.node.desk import Desk
from ringfloor.operations.contacts import method, routing_criteria
from ringfloor.operations.context import Context
from ringfloor.operations.registry import Params, Result, operation
from ringfloor.projections.contact_search import (
    NEWEST_FIRST,
    Condition,
    Order,
    Place,
    criteria,
    every,
    time_range,
)

_decode_contact = msgspec.msgpack.Decoder(Contact).decode


@operation("SearchContacts")
async def search_contacts(context: Context, params: Params) -> Result:
    """The contacts of a time range that meet the criteria."""
    desk = context.desk(params.InstanceId)
    home, center = desk.center.home, desk.center

    def groups(contact: Contact) -> Sequence[str]:
        return [group.id for group in hierarchy.of_user(center, contact.agent_id or "")]

    condition = every(
        [
            time_range(params.TimeRange),
            criteria(params.SearchCriteria, groups, context.service.region),
        ]
    )
    order = NEWEST_FIRST
    if params.Sort is not None:
        order = Order(params.Sort.FieldName, params.Sort.Order == "DESCENDING")
    size = params.MaxResults or CONTACT_SEARCH_ROWS_DEFAULT
    cursor = context.service.pages.cursor(context.operation, params.InstanceId, params, context.now)
    live = await _live(context, desk, condition)
    after = None if cursor is None else _place(*cursor.after)
    found = await context.node.analyse(
        desk,
        lambda history: history.search(
            desk.instance_id,
            kept_since(context.now, center.record_months),
            condition,
            order,
            after,
            size + 1,
            [contact.id for contact in live],
        ),
    )
    ended = [_decode_contact(record) for record in found.records]
    rows = order.after(after, [*live, *ended])
    listed: Properties = {
        "Contacts": [_summary(home, contact) for contact in rows[:size]],
        "TotalCount": found.total + len(live),
    }
    if len(rows) <= size:
        return listed
    token = context.service.pages.next_token(
        context.operation,
        params.InstanceId,
        params,
        Cursor(after=order.place(rows[size - 1])),
        context.now,
    )
    return {**listed, "NextToken": token}


def _place(value: object, contact_id: object) -> Place:
    assert isinstance(value, int | str)
    return value, str(contact_id)


async def _live(context: Context, desk: Desk, condition: Condition) -> list[Contact]:
    """The live contacts that meet it, as they are when each is looked at."""
    ids = iter(await context.read(lambda: list(desk.center.contacts)))
    found: list[Contact] = []
    while names := list(islice(ids, CONTACT_SEARCH_SLICE)):
        found += await context.read(partial(_meeting, desk, names, condition))
        await context.give_way()
    return found


def _meeting(desk: Desk, ids: Sequence[str], condition: Condition) -> list[Contact]:
    contacts = desk.center.contacts
    return [
        msgspec.structs.replace(contact)
        for contact_id in ids
        if (contact := contacts.get(contact_id)) is not None and condition.holds(contact)
    ]


def _summary(home: Home, contact: Contact) -> Properties:
    connected = contact.connected_to_agent_at
    members: Properties = {
        "Arn": home.contact_arn(contact.id),
        "Id": contact.id,
        "InitialContactId": contact.initial_contact_id,
        "PreviousContactId": contact.previous_contact_id,
        "InitiationMethod": method(contact.initiation_method),
        "Channel": contact.channel,
        "QueueInfo": _timed(contact.queue_id, "EnqueueTimestamp", contact.enqueued_at),
        "AgentInfo": (
            None
            if connected is None
            else _timed(contact.agent_id, "ConnectedToAgentTimestamp", connected)
        ),
        "InitiationTimestamp": seconds(contact.initiated_at),
        "DisconnectTimestamp": _seconds(contact.disconnected_at),
        "ScheduledTimestamp": _seconds(contact.scheduled_at),
        "SegmentAttributes": {
            name: {"ValueString": shown["ValueString"]}
            for name, shown in segment_attributes(contact).items()
            if "ValueString" in shown
        },
        "Name": contact.name,
        "RoutingCriteria": routing_criteria(contact),
        "Tags": dict(contact.tags) or None,
    }
    return {name: value for name, value in members.items() if value is not None}


def _seconds(at: int | None) -> float | None:
    return None if at is None else seconds(at)


def _timed(identifier: str | None, name: str, at: int | None) -> Properties | None:
    if identifier is None:
        return None
    return {"Id": identifier} if at is None else {"Id": identifier, name: seconds(at)}
