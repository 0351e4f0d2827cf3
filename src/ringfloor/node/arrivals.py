"""Arrivals: calls that come in over a carrier become contacts or are refused; none rings for ever.

Called by the outbox for every ChannelIncoming. The instance that owns the number which was dialled
is asked at once, so that whatever is told of the channel next comes after it; its refusal becomes
the cause by which the call is hung up. The contact's id is the channel's: a call that is announced
again is the contact that there is. Simulated phones do without: whoever lets them call says so.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping

from ringfloor.base.errors import Refusal
from ringfloor.base.limits import SIP_HEADER_CHARS_MAX
from ringfloor.domain import commands
from ringfloor.domain.numbers import is_e164
from ringfloor.node.desk import Desk
from ringfloor.telephony.commands import Answer, HangUp
from ringfloor.telephony.events import CALLER_HEADERS, Q850, ChannelIncoming

log = logging.getLogger(__name__)

Ask = Callable[[str, commands.Command], "asyncio.Future[str]"]
"""Carries a command out for an instance, after all that it was told before."""

WITHHELD = "anonymous"
"""What AWS says where a caller's number is not known."""

HEADERS: Mapping[str, str] = {name.lower(): name for name in CALLER_HEADERS}
"""SIP headers that flows may ask for ($.Media.Sip.Headers), by name as it is compared."""

CAUSES: Mapping[str, int] = {
    "LimitExceededException": Q850.CONGESTION,
    "ServiceUnavailableException": Q850.CONGESTION,
}
"""Code of a refusal to the cause of the hang-up; any other: the number takes no calls as it is."""


class Arrivals:
    """Who lets calls in."""

    def __init__(
        self,
        desks: Mapping[str, Desk],
        ask: Ask,
        answer: Callable[[HangUp | Answer], None],
        quota: int | None = None,
    ) -> None:
        """answer: performs a command at once. quota: how many calls an instance may have."""
        self._desks = desks
        self._ask = ask
        self._answer = answer
        self._quota = quota
        self._asked: set[asyncio.Future[str]] = set()

    def owner(self, number: str) -> Desk | None:
        """The instance that has claimed a number."""
        for desk in self._desks.values():
            if number in desk.center.names["phone_number"]:
                return desk
        return None

    def begin(self, event: ChannelIncoming) -> str | None:
        """Somebody calls; the id of the instance that is asked to take him. None: nobody is."""
        desk = self.owner(event.to)
        instance = None if desk is None else desk.center.instance
        if desk is None or instance is None or instance.deleted:
            self._refuse(event, Q850.UNALLOCATED_NUMBER, "nobody owns the number")
            return None
        known = desk.center.contacts.get(event.channel_id)
        if known is not None:
            over = known.stage == "ENDED"
            self._answer(HangUp(event.channel_id) if over else Answer(event.channel_id))
            return desk.instance_id
        if not instance.properties.get("InboundCallsEnabled"):
            self._refuse(event, Q850.CALL_REJECTED, "its instance takes no inbound calls")
            return None
        try:
            asked = self._ask(desk.instance_id, self._command(event))
        except Refusal as refusal:
            self._refuse(event, CAUSES.get(refusal.code, Q850.CONGESTION), str(refusal.message))
            return None
        self._asked.add(asked)
        asked.add_done_callback(lambda _: self._told(event, asked))
        return desk.instance_id

    def _command(self, event: ChannelIncoming) -> commands.StartInboundContact:
        return commands.StartInboundContact(
            contact_id=event.channel_id,
            from_number=event.from_ if is_e164(event.from_) else WITHHELD,
            to=event.to,
            quota=self._quota,
            headers=allowed(event.headers),
        )

    def _told(self, event: ChannelIncoming, asked: "asyncio.Future[str]") -> None:
        self._asked.discard(asked)
        error = None if asked.cancelled() else asked.exception()
        if isinstance(error, Refusal):
            cause = CAUSES.get(error.code, Q850.DESTINATION_OUT_OF_ORDER)
            self._refuse(event, cause, str(error.message))
        elif error is not None:
            self._refuse(event, Q850.TEMPORARY_FAILURE, "the node has stopped")

    def _refuse(self, event: ChannelIncoming, cause: int, why: str) -> None:
        log.warning("a call to %s is refused with cause %d: %s", event.to, cause, why)
        self._answer(HangUp(event.channel_id, cause))

    def busy(self) -> bool:
        """Whether somebody rings who has not been taken or refused yet."""
        return not all(each.done() for each in self._asked)


def allowed(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What flows may see of a call's headers; of one that stands there twice, the first."""
    found: dict[str, str] = {}
    for given, value in headers:
        name = HEADERS.get(given.lower())
        if name is not None and name not in found:
            found[name] = value[:SIP_HEADER_CHARS_MAX]
    return found
