"""Calls: the auditor's opinion of who talks with whom.

It sits everybody of a call on a seat, by the channel that he is on, and moves him as events say. It
is asked what must come of what an agent wants (expected), after each event (on), and when a command
is done (after). Sources: behaviour specification, sections 5.1 to 5.3.
"""

from dataclasses import dataclass
from typing import Any

from ringfloor.domain import commands, events

SEATS_MAX, SEATS_MANY_MAX = 3, 6
MONITORS_MAX = 5

CONTROLS = (
    commands.AddParty,
    commands.HoldParty,
    commands.ResumeParty,
    commands.DropParty,
    commands.MuteParty,
    commands.PressDigits,
    commands.SwapParties,
    commands.JoinParties,
    commands.SetMonitorState,
)


@dataclass
class Seat:
    """One channel in a call."""

    channel: str
    contact: str
    role: str
    state: str
    """connecting, connected, hold, silent or gone."""
    added_by: str | None = None
    muted: bool = False
    forced: bool = False
    reason: str | None = None


class Calls:
    """All calls of a center."""

    def __init__(self, auditor: Any) -> None:
        self.auditor = auditor
        self.rooms: dict[str, dict[str, Seat]] = {}

    # Looking

    def room(self, leg: Any) -> dict[str, Seat]:
        """The call that a contact is in; empty: none."""
        for room in self.rooms.values():
            if any(each.contact == leg.id and each.state != "gone" for each in room.values()):
                return room
        return {}

    def seat(self, leg: Any, channel: str) -> Seat | None:
        found = self.room(leg).get(channel)
        return found if found is not None and found.state != "gone" else None

    def phone(self, leg: Any) -> str:
        """The channel of a contact's agent."""
        return f"{leg.id}/{leg.phones_lost}/agent" if leg.phones_lost else f"{leg.id}/agent"

    def held(self, leg: Any, channel: str) -> bool:
        found = self.seat(leg, channel)
        return found is not None and found.state == "hold"

    def customer_waits(self, leg: Any) -> bool:
        """Whether the customer's side of a contact is on hold; of a third party, he himself."""
        return self.held(leg, leg.customer) and self.has_customer(leg)

    def has_customer(self, leg: Any) -> bool:
        found = self.seat(leg, leg.customer)
        return found is not None and found.contact == leg.id

    def customer_stays(self, leg: Any) -> bool:
        """Whether he is there, whoever of the agents goes; without a call he is."""
        if not self.room(leg):
            return True
        found = self.seat(leg, leg.customer)
        return self.has_customer(leg) and found is not None and found.state in ("connected", "hold")

    def first_reason(self, leg: Any) -> str | None:
        """Why the customer of a contact has left, if he has."""
        found = self.room(leg).get(leg.customer)
        return found.reason if found is not None else None

    def others(self, leg: Any, *, customers: bool = False) -> list[Seat]:
        """Who talks, or will, besides the agent of a contact and its customer."""
        return [
            each
            for each in self.talkers(self.room(leg))
            if each.channel != self.phone(leg) and (customers or each.role != "customer")
        ]

    def talkers(self, room: dict[str, Seat]) -> list[Seat]:
        return [each for each in room.values() if each.state != "gone" and each.role != "monitor"]

    def waits(self, leg: Any) -> bool:
        """Whether it is a transfer that no agent has taken yet."""
        seats = self.room(leg).values()
        return any(each.contact == leg.id and each.state == "connecting" for each in seats)

    def many(self) -> bool:
        return bool(self.auditor.settings.get("MultiPartyConference"))

    def controls(self, leg: Any, seat: Seat) -> bool:
        own = self.room(leg)[self.phone(leg)]
        barges = own.role == "monitor" and own.state != "silent"
        anybody = seat.role != "monitor" and (barges or self.many())
        return leg.id in (seat.contact, seat.added_by) or anybody

    def is_controlled(self, leg: Any, seat: Seat) -> bool:
        """Whether another agent is there who may let him speak; else he may himself."""
        agents = (
            self.auditor.legs[each.contact]
            for each in self.room(leg).values()
            if each.state not in ("gone", "connecting")
            and each.channel != seat.channel
            and each.channel.endswith("/agent")
        )
        return not self.many() and any(self.controls(each, seat) for each in agents)

    # What must come of a command

    def expected(self, command: Any) -> Any:
        auditor = self.auditor
        person = auditor.people.get(command.agent_id)
        leg = auditor.legs.get(command.contact_id)
        if person is None or leg is None or leg.id not in person.holds:
            return "refused"
        if leg.channel == "CHAT" and isinstance(command, commands.AddParty | commands.DropParty):
            return auditor.chats.controls(command, leg)
        if leg.channel != "VOICE":
            return None if isinstance(command, commands.SetMonitorState) else "refused"
        if leg.stage != "TALKING" or not self.room(leg):
            return "refused"
        others = self.others(leg, customers=True)
        match command:
            case commands.SetMonitorState():
                own = self.room(leg)[self.phone(leg)]
                return None if own.role == "monitor" else "refused"
            case commands.AddParty():
                most = SEATS_MANY_MAX if self.many() else SEATS_MAX
                rings = any(each.state == "connecting" for each in self.talkers(self.room(leg)))
                return "refused" if rings or len(self.talkers(self.room(leg))) >= most else None
            case commands.SwapParties():
                states = sorted(each.state for each in others)
                mine = all(self.controls(leg, each) for each in others)
                if states != ["connected", "hold"] or not mine:
                    return "refused"
                return [self._to_hold(next(e for e in others if e.state == "connected"))]
            case commands.JoinParties():
                held = [e for e in others if e.state == "hold" and self.controls(leg, e)]
                rings = any(each.state == "connecting" for each in others)
                if len(others) < 2 or rings or not held:
                    return "refused"
                return self._back(held[0])
            case _:
                seat = self.seat(leg, command.leg)
                if seat is None or not self.controls(leg, seat):
                    return "refused"
                return self._of_seat(command, leg, seat)

    def _of_seat(self, command: Any, leg: Any, seat: Seat) -> Any:
        own = seat.channel == self.phone(leg)
        mine = [each for each in self.others(leg, customers=True) if self.controls(leg, each)]
        match command:
            case commands.HoldParty():
                chosen = [e for e in (mine if own else [seat]) if e.state == "connected"]
                return [self._to_hold(chosen[0])] if chosen else "refused"
            case commands.ResumeParty():
                if own and seat.state == "hold" and self.is_controlled(leg, seat):
                    return "refused"
                wanted = mine if own and seat.state != "hold" else [seat]
                chosen = [each for each in wanted if each.state == "hold"]
                return self._back(chosen[0]) if chosen else "refused"
            case commands.PressDigits():
                deaf = own or seat.state not in ("connected", "hold")
                return "refused" if deaf else [("DigitsPressed", seat.contact)]
            case commands.MuteParty():
                if own and seat.forced and not command.muted and self.is_controlled(leg, seat):
                    return "refused"
                return [] if seat.muted == command.muted else [("PartyMuted", seat.contact)]
        if own:
            return self.auditor.departs(leg, "AGENT_DISCONNECT")
        if seat.role == "customer":
            return self.auditor._lose(commands.LoseChannel(seat.channel, "AGENT_DISCONNECT"))
        return None

    def _to_hold(self, seat: Seat) -> tuple[str, ...]:
        return ("ContactHeld" if self._is_agents(seat) else "PartyHeld", seat.contact)

    def _is_agents(self, seat: Seat) -> bool:
        """Whether it is the customer of a contact that an agent has."""
        return seat.role == "customer" and bool(self.auditor.legs[seat.contact].agent)

    def _back(self, seat: Seat) -> list[tuple[str, ...]]:
        side = "agent" if seat.channel.endswith("/agent") else "customer"
        back = ("ContactResumed" if self._is_agents(seat) else "PartyResumed", seat.contact)
        leg = self.auditor.legs[seat.contact]
        its_own = side == "agent" or seat.channel == leg.customer
        stops = its_own and side in leg.plays
        return [("FlowFinished", seat.contact), back] if stops else [back]

    def passes(self, leg: Any) -> list[tuple[str, ...]]:
        """The customer goes to somebody else in the call, whom nobody holds any longer."""
        heir = min(self.others(leg), key=lambda e: (e.role != "agent", e.state == "connecting"))
        held = [e for e in self.room(leg).values() if e.state == "hold" and e.role != "customer"]
        freed = [e for e in held if e is heir or heir.role == "third_party"]
        backs = [said for each in freed for said in self._back(each)]
        stopped = [("FlowFinished", leg.id)] if "customer" in leg.plays else []
        again = [said for said in backs if said not in stopped]
        return [*stopped, *again, ("CustomerPassed", leg.id)]

    def refused(self, command: Any) -> None:
        """A refused command changes nothing here either."""

    # What happened

    def on(self, event: events.Event) -> None:  # noqa: C901, PLR0912  a row for each event
        auditor = self.auditor
        match event:
            case events.PartyAdded(party=party):
                self._added(event, party)
            case events.PartyJoined(leg=channel):
                seat = self.rooms[event.call_id][channel]
                auditor.need(seat.state == "connecting", f"{channel} is dialled")
                seat.state = "connected"
            case events.PartyHeld(leg=channel):
                self._turn(self.rooms[event.call_id][channel], "connected", "hold")
            case events.PartyResumed(leg=channel):
                self._turn(self.rooms[event.call_id][channel], "hold", "connected")
            case events.PartyMuted(leg=channel, muted=muted, forced=forced):
                seat = self.rooms[event.call_id][channel]
                auditor.need(seat.muted != muted, f"{channel} was {seat.muted}")
                seat.muted, seat.forced = muted, forced
            case events.PartyLeft(leg=channel, reason=reason):
                seat = self.rooms[event.call_id][channel]
                seat.state, seat.reason = "gone", reason
                leg = auditor.legs[event.contact_id]
                if leg.held_since is not None:
                    auditor._end_hold(leg)
                    auditor.people[leg.agent].holds[leg.id] = "CONNECTED"
            case events.MonitorStateChanged(contact_id=contact_id, state=state):
                leg = auditor.legs[contact_id]
                if leg.channel == "VOICE":
                    seat = self.room(leg)[self.phone(leg)]
                    auditor.need(seat.role == "monitor", f"{contact_id} monitors")
                    seat.state = "silent" if state == "SILENT_MONITOR" else "connected"
            case events.ContactConnectedToAgent(contact_id=contact_id):
                if auditor.legs[contact_id].channel == "VOICE":
                    self._talks(auditor.legs[contact_id])
            case events.ContactHeld() | events.ContactResumed():
                leg = auditor.legs[event.contact_id]
                seat = self.seat(leg, leg.customer)
                if seat is not None:
                    now = "hold" if isinstance(event, events.ContactHeld) else "connected"
                    self._turn(seat, "connected" if now == "hold" else "hold", now)
            case events.CustomerPassed():
                self._passed(auditor.legs[event.contact_id], auditor.legs[event.next_contact_id])
            case events.ContactEnded(contact_id=contact_id, reason=reason):
                for room in self.rooms.values():
                    for seat in room.values():
                        if seat.contact == contact_id and seat.state != "gone":
                            seat.state, seat.reason = "gone", reason
            case _:
                pass

    def _turn(self, seat: Seat, before: str, now: str) -> None:
        self.auditor.need(seat.state == before, f"{seat.channel} {before}, not {seat.state}")
        seat.state = now

    def _added(self, event: events.PartyAdded, party: Any) -> None:
        room = self.rooms.setdefault(event.call_id, {})
        need = self.auditor.need
        need(party.contact_id == event.contact_id, f"{party.leg} is of {event.contact_id}")
        old = room.get(party.leg)
        need(old is None or old.state == "gone", f"{party.leg} comes once")
        for each in list(room.values()):
            if each.state == "gone" and each.role != "customer":
                del room[each.channel]
        room[party.leg] = Seat(party.leg, party.contact_id, party.role, party.state, party.added_by)
        most = SEATS_MANY_MAX if self.many() else SEATS_MAX
        need(len(self.talkers(room)) <= most, f"{event.call_id} has {len(room)} parties")
        monitors = [e for e in room.values() if e.role == "monitor" and e.state != "gone"]
        need(len(monitors) <= MONITORS_MAX, f"{event.call_id} has {len(monitors)} monitors")
        if isinstance(self.auditor.command, commands.AddParty):
            loud = [
                each.channel
                for each in self.talkers(room)
                if each.state == "connected"
                and each.contact != event.contact_id
                and each.channel != self.phone(self.auditor.legs[self.auditor.command.contact_id])
                and self.controls(self.auditor.legs[self.auditor.command.contact_id], each)
            ]
            need(not loud, f"{loud} on hold while somebody is dialled")

    def _talks(self, leg: Any) -> None:
        """Its agent is there: in the call that there is, or a new one begins."""
        room = self.room(leg)
        if not room:
            self.rooms[leg.id] = {
                leg.customer: Seat(leg.customer, leg.id, "customer", "connected"),
                self.phone(leg): Seat(self.phone(leg), leg.id, "agent", "connected"),
            }
            return
        seat = next(each for each in room.values() if each.contact == leg.id)
        self.auditor.need(seat.state == "connecting", f"{leg.id} was to come")
        del room[seat.channel]
        seat.channel = self.phone(leg)
        seat.state = "silent" if seat.role == "monitor" else "connected"
        room[seat.channel] = seat

    def _passed(self, leg: Any, heir: Any) -> None:
        """Another contact of the call has the customer: he is not on hold any more."""
        room = next(each for each in self.rooms.values() if heir.customer in each)
        customer = room[heir.customer]
        need = self.auditor.need
        need(customer.role == "customer" and customer.contact == leg.id, f"{leg.id} had him")
        need(any(each.contact == heir.id for each in room.values()), f"{heir.id} is in the call")
        customer.contact, customer.state = heir.id, "connected"
        for each in room.values():
            if each.added_by == leg.id and each.contact != heir.id:
                each.added_by = heir.id
        seat = next(
            (e for e in room.values() if e.contact == heir.id and e.role != "customer"), None
        )
        if seat is not None and seat.role != "third_party":
            seat.role, seat.added_by = "agent", None
            if seat.state == "connecting":
                del room[seat.channel], room[customer.channel]

    # When a command is done

    def after(self) -> None:
        need = self.auditor.need
        for name, room in list(self.rooms.items()):
            there = [each for each in room.values() if each.state != "gone"]
            if not there:
                del self.rooms[name]
                continue
            talkers = self.talkers(room)
            sides = [each for each in talkers if each.role in ("customer", "agent")]
            need(len(talkers) > 1 and bool(sides), f"{name} is over, not {talkers}")
            for seat in there:
                leg = self.auditor.legs[seat.contact]
                need(leg.stage not in ("WORKING", "FINAL"), f"{seat.channel} of {leg.id} is gone")
                if seat.role == "customer":
                    held = leg.held_since is not None
                    right = leg.stage != "TALKING" or held == (seat.state == "hold")
                    need(right, f"{seat.channel} is {seat.state}, held {leg.held_since}")
        for leg in self.auditor._live("TALKING"):
            if leg.channel == "VOICE":
                need(self.seat(leg, self.phone(leg)) is not None, f"{leg.id} is in a call")
