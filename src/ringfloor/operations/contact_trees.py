"""Contact trees: the contacts that came of one another, live and final, from the first on."""

from ringfloor.aws.tokens import Cursor
from ringfloor.base.limits import ASSOCIATED_CONTACTS_DEFAULT
from ringfloor.base.time import seconds
from ringfloor.domain.contact import association, kept_since
from ringfloor.domain.resources import Home, Properties
from ringfloor.node.desk import Desk
from ringfloor.node.history import Branch, TreeKey
from ringfloor.operations.contacts import find, method
from ringfloor.operations.context import Context
from ringfloor.operations.registry import Params, Result, operation

BEFORE_ALL: TreeKey = (-1, "")


def _key(initiated_at: object, contact_id: object) -> TreeKey:
    assert isinstance(initiated_at, int)
    return initiated_at, str(contact_id)


@operation("ListAssociatedContacts")
async def list_associated_contacts(context: Context, params: Params) -> Result:
    """The contacts of the tree that a contact belongs to, by when they were initiated."""
    desk = context.desk(params.InstanceId)
    root = await find(context, desk, params.ContactId, association)
    pages, size = context.service.pages, params.MaxResults or ASSOCIATED_CONTACTS_DEFAULT
    cursor = pages.cursor(context.operation, params.InstanceId, params, context.now)
    after = BEFORE_ALL if cursor is None else _key(*cursor.after)
    found = await _tree(context, desk, root, after, size + 1)
    listed: Properties = {
        "ContactSummaryList": [_summary(desk.center.home, each) for each in found[:size]]
    }
    if len(found) <= size:
        return listed
    last = Cursor(after=found[size - 1].key)
    token = pages.next_token(context.operation, params.InstanceId, params, last, context.now)
    return {**listed, "NextToken": token}


async def _tree(
    context: Context, desk: Desk, root: str, after: TreeKey, at_most: int
) -> list[Branch]:
    """Live contacts are looked at first: one that ends meanwhile is then seen twice, not never."""
    live = await context.read(lambda: _live(desk, root, after))
    final = await context.node.analyse(
        desk,
        lambda history: history.tree(
            desk.instance_id,
            root,
            kept_since(context.now, desk.center.record_months),
            after,
            at_most,
        ),
    )
    known = {each.contact_id: each for each in (*live, *final)}
    return sorted(known.values(), key=lambda each: each.key)[:at_most]


def _live(desk: Desk, root: str, after: TreeKey) -> list[Branch]:
    return [
        Branch(
            contact.id,
            contact.initiated_at,
            contact.disconnected_at,
            contact.initial_contact_id,
            contact.previous_contact_id,
            contact.related_contact_id,
            contact.initiation_method,
            contact.channel,
        )
        for contact in desk.center.contacts.values()
        if association(contact) == root and (contact.initiated_at, contact.id) > after
    ]


def _summary(home: Home, branch: Branch) -> Properties:
    members: Properties = {
        "ContactId": branch.contact_id,
        "ContactArn": home.contact_arn(branch.contact_id),
        "InitiationTimestamp": seconds(branch.initiated_at),
        "DisconnectTimestamp": (
            None if branch.disconnected_at is None else seconds(branch.disconnected_at)
        ),
        "InitialContactId": branch.initial_contact_id,
        "PreviousContactId": branch.previous_contact_id,
        "RelatedContactId": branch.related_contact_id,
        "InitiationMethod": method(branch.initiation_method),
        "Channel": branch.channel,
    }
    return {name: value for name, value in members.items() if value is not None}
