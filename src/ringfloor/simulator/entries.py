"""Entries: flows that lead straight into a queue, for contacts of which only the queue is known."""

from typing import Any

from msgspec import json

from ringfloor.flow.defaults import action, document


def straight_to(
    name: str, queue_arn: str, priority: int | None = None, adjustment_seconds: int = 0
) -> dict[str, Any]:
    """Such a flow, as properties. Rank and adjustment of the wait: as the contact had them."""
    ranks = []
    if priority is not None:
        ranks.append({"QueuePriority": str(priority)})
    if adjustment_seconds:
        ranks.append({"QueueTimeAdjustmentSeconds": str(adjustment_seconds)})
    steps = []
    for number, rank in enumerate(ranks):
        following = f"rank {number + 1}" if number + 1 < len(ranks) else "target"
        steps.append(action(f"rank {number}", "UpdateContactRoutingBehavior", rank, following))
    steps += [
        action(
            "target",
            "UpdateContactTargetQueue",
            {"QueueId": queue_arn},
            "enter",
            NoMatchingError="bye",
        ),
        action(
            "enter",
            "TransferContactToQueue",
            {},
            "bye",
            QueueAtCapacity="bye",
            NoMatchingError="bye",
        ),
        action("bye", "DisconnectParticipant"),
    ]
    return {
        "Name": name,
        "Type": "CONTACT_FLOW",
        "State": "ACTIVE",
        "Status": "PUBLISHED",
        "Content": json.encode(document(*steps)).decode(),
    }
