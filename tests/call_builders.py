"""Call builders: an office in which agents take, hand on and make calls; nothing answers by itself.

center = talking()                      a1 talks to c1, a2 is Available
add(center, "a1", "c1", "to-a2", "t1")  he consults a2
take(center, "a2", "t1")
"""

from typing import Any

from engine_builders import Driver, a_center, a_content, an_action
from ringfloor.domain import commands, dialogue

CUSTOMER = "+12065550100"
THIRD = "+12065550177"


def an_office(*, agents: int = 3, multi: bool = False, **options: Any) -> Driver:
    """Agents a1, a2 ... of sales, with quick connects to a2, to the queue, and out of the house."""
    center = a_center(
        agents=agents, queues=["sales", "support"], driver=Driver(answers=False), **options
    )
    center.run(commands.UpdateInstance({"MultiPartyConference": multi}))
    for kind, config in {
        "to-a2": ("USER", {"UserId": center.ids["a2"]}),
        "to-a3": ("USER", {"UserId": center.ids["a3"]}),
        "to-support": ("QUEUE", {"QueueId": center.ids["support"]}),
    }.items():
        type_, details = config
        flow_type = {"USER": "AGENT_TRANSFER", "QUEUE": "QUEUE_TRANSFER"}[type_]
        flow = center.center.named("contact_flow", f"Default {flow_type.lower().replace('_', ' ')}")
        member = f"{type_.title()}Config"
        center.create(
            "quick_connect",
            kind,
            {
                "Name": kind,
                "QuickConnectConfig": {
                    "QuickConnectType": type_,
                    member: {**details, "ContactFlowId": flow},
                },
            },
        )
    return center


def hear_out(center: Driver, contact: str) -> None:
    """Everything that is said to either side of a contact is heard, until nothing is."""
    for _ in range(20):
        there = center.center.contacts.get(center.ids.get(contact, contact))
        runs = [] if there is None else [run for run in there.runs.values() if run.ask]
        said = [run for run in runs if isinstance(run.ask, dialogue.Play)]
        if there is None or not said:
            return
        center.run(commands.Hear(there.id, said[0].number, dialogue.Done()))


def take(center: Driver, agent: str, contact: str) -> None:
    """The agent accepts, his phone is up, and the whispers are over."""
    contact_id = center.ids.get(contact, contact)
    center.run(commands.AcceptContact(center.ids[agent], contact_id))
    center.run(commands.ConnectAgent(contact_id))
    hear_out(center, contact)
    assert center.contact(contact).stage == "CONNECTED"


def talking(**options: Any) -> Driver:
    """a1 talks to c1 since 1 s; a2 is Available."""
    center = an_office(**options)
    center.available("a1")
    center.enqueue("c1", "sales")
    take(center, "a1", "c1")
    center.available("a2")
    return center


def add(center: Driver, agent: str, contact: str, whom: str, alias: str) -> None:
    number = whom if whom.startswith("+") else None
    done = center.run(
        commands.AddParty(
            agent_id=center.ids[agent],
            contact_id=center.ids.get(contact, contact),
            number=number,
            quick_connect_id=None if number else center.ids[whom],
        )
    )
    center.name(alias, done.answer)


def calling_out(**parameters: str) -> Driver:
    """c1 is in a flow that transfers him to a third party, x1."""
    center = an_office()
    content = a_content(
        an_action(
            "out",
            "TransferParticipantToThirdParty",
            {
                "ThirdPartyPhoneNumber": THIRD,
                "ThirdPartyConnectionTimeLimitSeconds": "30",
                **parameters,
            },
            "after",
            NoMatchingError="failed",
            CallFailed="failed",
            ConnectionTimeLimitExceeded="late",
        ),
        an_action("after", "MessageParticipant", {"Text": "after"}, "bye", NoMatchingError="bye"),
        an_action("failed", "MessageParticipant", {"Text": "failed"}, "bye", NoMatchingError="bye"),
        an_action("late", "MessageParticipant", {"Text": "late"}, "bye", NoMatchingError="bye"),
        an_action("bye", "DisconnectParticipant"),
    )
    center.a_flow("out", content)
    center.name("c1", "c1")
    center.run(
        commands.StartInboundContact(
            contact_id="c1", from_number="+12065550100", flow_id=center.ids["out"]
        )
    )
    (x1,) = set(center.center.contacts) - {"c1"}
    center.name("x1", x1)
    return center


def asks_for(center: Any, name: str = "asks", **parameters: Any) -> None:
    """A flow that makes a callback to sales and hangs up; says "no" where it cannot."""
    wanted = {
        "QueueId": center.ids["sales"],
        "InitialCallDelaySeconds": "30",
        "MaximumConnectionAttempts": "2",
        "RetryDelaySeconds": "60",
        **parameters,
    }
    make = an_action("make", "CreateCallbackContact", wanted, "bye", NoMatchingError="no")
    no = an_action("no", "MessageParticipant", {"Text": "no"}, "bye", NoMatchingError="bye")
    center.a_flow(name, a_content(make, no, an_action("bye", "DisconnectParticipant")))


def call(center: Any, alias: str = "c1", flow: str = "asks", customer: str = CUSTOMER) -> Any:
    """A customer calls; the contact that comes of it is named after him: b1 of c1."""
    before = set(center.center.contacts)
    center.name(alias, alias)
    center.run(
        commands.StartInboundContact(
            contact_id=alias, from_number=customer, to=None, flow_id=center.ids[flow]
        )
    )
    made = [each for each in center.center.contacts if each not in before and each != alias]
    for number, each in enumerate(made):
        center.name(f"b{alias[1:]}" if number == 0 else f"d{alias[1:]}", each)
    return center.center.contacts[made[0]] if made else None
