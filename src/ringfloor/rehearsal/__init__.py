"""Rehearsal: a contact center in one process, on virtual time, in which flows are tried.

    stage = Rehearsal()
    stage.flow("main", Path("main.json"))
    call = stage.call("main")
    call.press("1")
    assert call.heard == ["Welcome.", "For sales press one."]

It is the engine itself with simulated phones and with functions and bots that are Python callables:
nothing is stored, nothing waits, so a flow is through in milliseconds. What a flow names and what
is not there is made as a stand-in: a queue without agents, hours that are always open, a flow that
says its name and hangs up. pytest_plugin gives tests a stage; `ringfloor flow run` lets a person
stand on it.

    world      the center, its time, what happens around it     stage      what there is, who comes
    people     customers and agents, and what they do           standins   what is made unasked
"""

from ringfloor.rehearsal.people import (
    RehearsedAgent,
    RehearsedCall,
    RehearsedChat,
    RehearsedContact,
    RehearsedTask,
    handle,
)
from ringfloor.rehearsal.stage import CUSTOMER, Rehearsal, understood
from ringfloor.rehearsal.world import OWN_NUMBER, START, Function, Step

__all__ = [
    "CUSTOMER",
    "OWN_NUMBER",
    "START",
    "Function",
    "Rehearsal",
    "RehearsedAgent",
    "RehearsedCall",
    "RehearsedChat",
    "RehearsedContact",
    "RehearsedTask",
    "Step",
    "handle",
    "understood",
]
