"""Slots: on which channels an agent can be offered a contact, in all combinations (section 4.3)."""

from collections.abc import Iterator
from itertools import combinations, combinations_with_replacement, product

import pytest

from engine_builders import Driver, ProfileOf, a_center
from ringfloor.domain.contact import Held
from ringfloor.engine import routing

CHANNELS = ("VOICE", "CHAT", "TASK")
WORKED = ("CONNECTING", "CONNECTED", "CONNECTED_ONHOLD", "ENDED")
BLOCKED = ("MISSED", "REJECTED", "ERROR")

WORDS = [
    # slots of voice, chat, task; mixing channels; what he holds; what he can be offered
    ("1 2 1", "", "", "VOICE CHAT TASK"),
    ("1 2 0", "", "", "VOICE CHAT"),
    ("1 2 1", "", "CHAT", "CHAT"),
    ("1 2 1", "", "CHAT CHAT", ""),
    ("1 2 1", "CHAT", "CHAT", "VOICE CHAT TASK"),
    ("1 2 1", "CHAT", "CHAT CHAT", "VOICE TASK"),
    ("1 2 1", "CHAT", "VOICE", ""),
    ("1 2 1", "CHAT", "CHAT VOICE", ""),
    ("1 2 1", "VOICE CHAT", "CHAT VOICE", "CHAT TASK"),
    ("1 2 2", "CHAT", "CHAT TASK", "TASK"),
    ("1 2 2", "VOICE CHAT TASK", "VOICE CHAT TASK", "CHAT TASK"),
    ("0 1 1", "VOICE CHAT", "VOICE", ""),
]


def an_agent(slots: str, mixes: str) -> Driver:
    voice, chat, task = (int(each) for each in slots.split())
    profile = ProfileOf("", voice=voice, chat=chat, task=task, mixes=mixes)
    center = a_center(profiles={"p": profile})
    center.available("a1")
    return center


def offered(center: Driver, held: tuple[str, ...], states: tuple[str, ...]) -> set[str]:
    agent = center.agent("a1")
    agent.contacts = {
        f"c{number}": Held(contact_id=f"c{number}", channel=channel, state=state, since=0)  # type: ignore[arg-type]
        for number, (channel, state) in enumerate(zip(held, states, strict=True))
    }
    return set(routing.open_channels(center.center, agent))


@pytest.mark.parametrize(("slots", "mixes", "held", "free"), WORDS)
def test_slots_in_words(slots, mixes, held, free):
    """Whatever he does with a contact, it has its slot: ringing, talking, holding, after work."""
    center, channels = an_agent(slots, mixes), tuple(held.split())
    for states in product(WORKED, repeat=len(channels)):
        assert offered(center, channels, states) == set(free.split())


def allowed(slots: dict[str, int], mixes: set[str], held: tuple[str, ...]) -> Iterator[str]:
    """The rule once more: room on the channel, and no other channel in work that bars it."""
    for channel in CHANNELS:
        barred = [other for other in held if other != channel and other not in mixes]
        if not barred and len([other for other in held if other == channel]) < slots[channel]:
            yield channel


@pytest.mark.parametrize("slots", list(product((0, 1), (0, 1, 2), (0, 1, 2))), ids=str)
def test_slots_in_all_combinations(slots):
    for count in range(4):
        for mixes in combinations(CHANNELS, count):
            center = an_agent(" ".join(map(str, slots)), " ".join(mixes))
            # a channel that the profile does not have mixes with nothing
            mixing = {each for each in mixes if slots[CHANNELS.index(each)]}
            room = dict(zip(CHANNELS, slots, strict=True))
            for number in range(4):
                for held in combinations_with_replacement(CHANNELS, number):
                    states = ("CONNECTED",) * number
                    assert offered(center, held, states) == set(allowed(room, mixing, held))


@pytest.mark.parametrize("state", BLOCKED)
@pytest.mark.parametrize("held", [("CHAT",), ("CHAT", "TASK"), ("VOICE", "CHAT")], ids=str)
def test_a_contact_that_went_wrong_bars_all_channels(state, held):
    center = an_agent("1 9 9", "VOICE CHAT TASK")
    for place in range(len(held)):
        states = tuple(state if each == place else "CONNECTED" for each in range(len(held)))
        assert offered(center, held, states) == set()


@pytest.mark.parametrize("status", ["Break", "Offline"])
def test_only_available_agents_without_a_next_status_are_offered_anything(status):
    center = an_agent("1 2 2", "VOICE CHAT TASK")
    agent = center.agent("a1")
    agent.next_status_id = center.ids[status]
    assert offered(center, ("CHAT",), ("CONNECTED",)) == set()
    agent.next_status_id = None
    assert offered(center, ("CHAT",), ("CONNECTED",)) == {"VOICE", "CHAT", "TASK"}
    agent.status_type = "CUSTOM" if status == "Break" else "OFFLINE"
    assert offered(center, (), ()) == set()
