"""Chat items: what a transcript and a socket show of a chat, in the words of the API.

Called by server.participant (GetTranscript) and server.chat_news (pushes); pure functions. Members
without a value are left out; instants are ISO 8601 with milliseconds.

Source: botocore's model of connectparticipant; the agent service's notes, section 2.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from ringfloor.base.time import SECOND, Instant
from ringfloor.domain.chat import ChatItem, Receipt
from ringfloor.domain.resources import Properties

ATTACHMENT = "application/vnd.amazonaws.connect.message.attachment"
METADATA = "application/vnd.amazonaws.connect.event.message.metadata"


def iso(instant: Instant) -> str:
    """2019-11-08T02:41:28.172Z."""
    whole, rest = divmod(instant, SECOND)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03}Z"


def shown(
    item: ChatItem, receipts: Mapping[str, Receipt] | None = None, *, past: bool = False
) -> Properties:
    """One message, event or attachment.

    receipts: of a message, by participant. past: said in a chat that this one continues.
    """
    metadata = {
        "MessageId": item.id,
        "Receipts": [receipt_of(each, receipt) for each, receipt in (receipts or {}).items()],
    }
    return _given(
        AbsoluteTime=iso(item.at),
        Content=item.content,
        ContentType=item.content_type,
        Id=item.id,
        Type=item.type,
        ParticipantId=item.participant_id,
        DisplayName=item.display_name,
        ParticipantRole=item.role,
        Attachments=[
            {
                "AttachmentId": file.id,
                "AttachmentName": file.name,
                "ContentType": file.content_type,
                "Status": "APPROVED",
            }
            for file in item.attachments
        ]
        or None,
        MessageMetadata=metadata if receipts else None,
        **{"RelatedContactId" if past else "ContactId": item.contact_id},
    )


def receipt_of(participant_id: str, receipt: Receipt) -> Properties:
    """Who received a message, and when."""
    return _given(
        DeliveredTimestamp=receipt.delivered_at and iso(receipt.delivered_at),
        ReadTimestamp=receipt.read_at and iso(receipt.read_at),
        RecipientParticipantId=participant_id,
    )


def pushed(item: ChatItem, chat_id: str) -> Properties:
    """An item as a socket tells it."""
    return {**shown(item), "InitialContactId": chat_id}


def pushed_receipt(
    chat_id: str, message: tuple[str, str], participant_id: str, receipt: Receipt, at: Instant
) -> Properties:
    """A receipt as a socket tells it. message: its id and contact. at: when it was told."""
    message_id, contact_id = message
    return {
        "AbsoluteTime": iso(at),
        "ContentType": METADATA,
        "Id": message_id,
        "Type": "MESSAGEMETADATA",
        "MessageMetadata": {
            "MessageId": message_id,
            "Receipts": [receipt_of(participant_id, receipt)],
        },
        "ContactId": contact_id,
        "InitialContactId": chat_id,
    }


def _given(**members: object) -> Properties:
    return {name: value for name, value in members.items() if value is not None}
