"""Days of a contact center as ledgers: a deed through a public interface, then the floor."""

import urllib.request
from typing import Any

import pytest

from acceptance.chats import attach
from acceptance.ledger import MENU, NONE, Floor, action, flow
from acceptance.test_crash import again, begin
from acceptance.test_transfers import endpoint
from acceptance.test_world import Trace

WEEK = 7 * 24 * 60 * 60

OUTBOUND = {
    "busy": ("LineEngagedCustomer", "TELECOM_BUSY"),
    "invalid": ("BadAddressCustomer", "TELECOM_NUMBER_INVALID"),
    "no-answer": ("MissedCallCustomer", "TELECOM_TIMEOUT"),
}

DAY = {  # first, second, back, left, last; handled: first, back, last
    "CONTACTS_QUEUED": 5,
    "CONTACTS_HANDLED": 3,
    "CONTACTS_HANDLED_INCOMING": 2,
    "CALLBACK_CONTACTS_HANDLED": 1,
    "CONTACTS_ABANDONED": 1,
    "CONTACTS_MISSED": 3,
    "CONTACTS_AGENT_HUNG_UP_FIRST": 1,
    "CONTACTS_TRANSFERRED_OUT": 1,
    "QUEUE_ANSWER_TIME": (27 + 0 + 0) / 3,
    "INTERACTION_TIME": (3 + 8 + 20) / 3,
    "HOLD_TIME": (5 + 0) / 2,  # back was never held
    "AFTER_CONTACT_WORK_TIME": (0 + 60 + 10) / 3,
    "HANDLE_TIME": (8 + 68 + 30) / 3,
}


def test_a_day_of_calls(start, data):
    floor = Floor(begin(start, data))
    ann, bob = floor.desks()
    floor.flow = floor.made("main", floor.hooked(*floor.to_sales()))
    him = f"joined agent:{floor.agent}"
    floor.stands("Offline", "Offline")
    first, second = floor.call(), floor.call()
    floor.stands("Offline", "Offline", waiting=2)
    floor.advance(7)
    floor.stands("Offline", "Offline", waiting=2, oldest=7)
    ann.choose("Available")
    floor.stands("Available connecting", "Offline", waiting=1, oldest=7)
    floor.advance(20)
    floor.stands("Available missed", "Offline", waiting=2, oldest=27)
    bob.choose("Available")
    floor.stands("Available missed", "Available connecting", waiting=1, oldest=27)
    bob.do("RejectContact", contactId=first)
    floor.stands("Available missed", "Available missed", waiting=2, oldest=27)
    ann.do("ClearContact", contactId=first)
    assert ann.accept() == first  # it has kept its place
    floor.stands("Available connected", "Available missed", waiting=1, oldest=27)
    assert floor.heard(first) == ["music Please wait.", "text Here is Ann.", him]
    assert floor.heard(f"{first}%2Fagent") == [
        "text A gold one.",
        f"joined {floor.customer}",
    ]
    ann.choose("Lunch")
    floor.stands("Available>Lunch connected", "Available missed", waiting=1, oldest=27)
    floor.advance(3)  # the music is interrupted
    floor.connect.put_user_status(
        InstanceId=floor.instance, UserId=floor.bob, AgentStatusId=floor.lunch
    )
    floor.stands("Available>Lunch connected", "Lunch", waiting=1, oldest=30)
    floor.press(second, "1")
    assert floor.heard(second)[1:] == ["text Press 1 to be called.", "text We call you."]
    assert floor.reason(second) == "CONTACT_FLOW_DISCONNECT"
    floor.stands("Available>Lunch connected", "Lunch", due=1)
    ann.do("HoldConnection", contactId=first, connectionId=first)
    floor.advance(5)
    floor.stands("Available>Lunch connected", "Lunch", due=1)
    ann.do("ResumeConnection", contactId=first, connectionId=first)
    assert floor.heard(first)[-3:] == ["alone ", "music On hold.", him]

    again(start, data, floor)
    ann, bob = floor.desks()
    floor.stands("Available>Lunch connected", "Lunch", due=1)
    ann.do("DestroyConnection", contactId=first, connectionId=f"{first}/agent")
    floor.stands("Available>Lunch ended", "Lunch", due=1)
    assert floor.heard(first)[-1] == "text How was it?"
    floor.press(first, "4")
    assert floor.contact(first)["Attributes"] == {"score": "4"}
    assert floor.reason(first) == "AGENT_DISCONNECT"
    ann.do("ClearContact", contactId=first)
    floor.stands("Lunch", "Lunch", due=1)

    ann.choose("Available")
    floor.advance(5)
    floor.stands("Available incoming", "Lunch")
    floor.phone("busy")
    back = ann.accept()
    floor.stands("Available error", "Lunch", due=1)
    ann.do("ClearContact", contactId=back)
    floor.phone("answer")
    floor.advance(59)
    floor.stands("Available", "Lunch", due=1)
    floor.advance(1)
    floor.stands("Available incoming", "Lunch")
    assert ann.accept() == back
    floor.advance(8)
    floor.stands("Available connected", "Lunch")
    [customer] = [leg for leg in ann.parties() if "agent" not in leg]
    floor.hang_up(customer)
    floor.advance(59)
    floor.stands("Available ended", "Lunch")
    floor.advance(1)
    floor.stands("Available", "Lunch")

    for behaviour, (state, reason) in OUTBOUND.items():
        floor.phone(behaviour)
        dialled = {"type": "phone_number", "phoneNumber": floor.customer}
        ann.do("CreateOutboundContact", endpoint=dialled)
        if behaviour == "no-answer":
            floor.stands("Available dialling", "Lunch")
            floor.advance(60)
        floor.stands("Available error", "Lunch")
        failed = ann.contact()["contactId"]
        assert (ann.look()["state"]["name"], floor.reason(failed)) == (state, reason)
        ann.do("ClearContact", contactId=failed)

    floor.advance(1)
    left = floor.call()
    floor.stands("Available connecting", "Lunch")
    floor.hang_up(left)
    floor.stands("Available missed", "Lunch")
    ann.do("ClearContact", contactId=left)

    last = floor.call()
    ann.accept()
    bob.choose("Available")
    floor.advance(10)
    ann.do("CreateAdditionalConnection", contactId=last, endpoint=endpoint(ann, "bob"))
    floor.stands("Available connected", "Available connecting")
    consulted = bob.accept()
    assert ann.parties()[last] == "hold"
    ann.do("ConferenceConnections", contactId=last)
    floor.advance(10)
    floor.stands("Available connected", "Available connected")
    ann.do("DestroyConnection", contactId=last, connectionId=f"{last}/agent")
    floor.stands("Available ended", "Available connected")
    assert floor.contact(consulted)["PreviousContactId"] == last
    floor.advance(10)
    bob.do("DestroyConnection", contactId=consulted, connectionId=f"{consulted}/agent")
    floor.stands("Available ended", "Available ended", aside=1)  # from his own queue
    floor.hang_up(last)  # in the survey
    ann.do("ClearContact", contactId=last)
    bob.do("ClearContact", contactId=consulted)
    floor.stands("Available", "Available")
    assert floor.told(*DAY) == pytest.approx(DAY)

    again(start, data, floor)
    floor.desks()
    floor.stands("Available", "Available")
    assert floor.told(*DAY) == pytest.approx(DAY)


def test_an_afternoon_of_chats_and_tasks(fresh):
    floor = Floor(fresh)
    ann, _ = floor.desks()
    connect, at = floor.connect, {"InstanceId": floor.instance}
    people = fresh.client("connectparticipant")

    def chat() -> tuple[str, str]:
        begun = connect.start_chat_contact(
            **at, ContactFlowId=floor.flow, ParticipantDetails={"DisplayName": "Carol"}
        )
        connection = people.create_participant_connection(
            ParticipantToken=begun["ParticipantToken"],
            Type=["CONNECTION_CREDENTIALS"],
            ConnectParticipant=True,
        )
        return begun["ContactId"], connection["ConnectionCredentials"]["ConnectionToken"]

    def task(**more: Any) -> str:
        asked = {"ContactFlowId": floor.flow, "Name": "Call Jane", **more}
        return connect.start_task_contact(**at, **asked)["ContactId"]

    def do(deed: str, contact: str) -> None:
        ann.do(f"{deed}Contact", contactId=contact)

    ann.choose("Available")
    one, carol = chat()
    do("Accept", one)
    floor.stands("Available connected", "Offline")
    two, _ = chat()
    floor.stands("Available connected connecting", "Offline")
    floor.advance(20)
    floor.stands("Available connected missed", "Offline", waiting=1, oldest=20)
    do("Clear", two)
    do("Reject", two)
    call = floor.call()
    floor.stands("Available connected rejected", "Offline", waiting=2, oldest=20)
    assert floor.slots() == {"VOICE": (0, 1), "CHAT": (1, 0), "TASK": (0, 1)}
    do("Clear", two)  # chats allow other channels beside them
    floor.stands("Available connected connecting connecting", "Offline")
    do("Accept", call)
    do("Accept", two)
    three = task()  # calls do not
    floor.stands("Available connected connected connected", "Offline", waiting=1)
    assert floor.slots() == {"VOICE": (1, 0), "CHAT": (2, 0), "TASK": (0, 0)}
    attachment = attach(people, carol, "order.txt", "text/plain", b"17")
    url = people.get_attachment(ConnectionToken=carol, AttachmentId=attachment)["Url"]
    with urllib.request.urlopen(url, timeout=10) as file:
        assert file.read() == b"17"
    ann.hang_up(call)
    floor.stands("Available connected connected connecting", "Offline")
    do("Accept", three)
    people.disconnect_participant(ConnectionToken=carol)
    floor.stands("Available ended connected connected", "Offline")
    assert floor.reason(one) == "CUSTOMER_DISCONNECT"
    connect.pause_contact(**at, ContactId=three)
    ann.choose("Lunch")
    floor.stands("Available>Lunch ended connected paused", "Offline")
    ann.choose("Available")
    do("Clear", one)
    assert floor.slots() == {"VOICE": (0, 1), "CHAT": (1, 1), "TASK": (1, 1)}
    ann.hang_up(two)
    floor.stands("Available paused", "Offline")
    connect.resume_contact(**at, ContactId=three)
    floor.stands("Available connected", "Offline")

    begun = floor.now()
    later = task(ScheduledTime=begun + 100)
    transfer = floor.found("list_contact_flows", "ContactFlowSummaryList", "Default queue transfer")
    moved = connect.transfer_contact(
        **at, ContactId=three, QueueId=floor.queue, ContactFlowId=transfer["Id"]
    )["ContactId"]
    floor.stands("Available ended", "Offline", waiting=1)
    do("Clear", three)
    do("Accept", moved)
    do("Complete", moved)
    floor.stands("Available ended", "Offline")
    do("Clear", moved)
    assert floor.reason(moved) == "AGENT_COMPLETED"
    floor.advance(100)
    floor.stands("Available connecting", "Offline")
    ann.choose("Lunch")
    floor.advance(20)
    floor.stands("Available>Lunch missed", "Offline", waiting=1, oldest=20)
    do("Clear", later)
    floor.stands("Lunch", "Offline", waiting=1, oldest=20)
    floor.advance(WEEK - 121)
    assert "DisconnectReason" not in floor.contact(later)
    floor.advance(1)
    assert floor.reason(later) == "EXPIRED"
    floor.desks()  # tokens do not live that long
    floor.stands("Lunch", "Offline")


ARN = "arn:aws:lambda:us-east-1:123456789012:function:find"
FOUND = "def find(event):\n    return {'name': 'Carol', 'orders': [{'number': 17}]}\n"
MENUS = ("Menu.", "Nothing.", "Menu.", "Nothing.", "Menu.")
FACTS = "$.External.name $.External.orders[0].number $.Metrics.Agents.Staffed.Count$.Nothing"


def rounds(module: str, queue: str) -> str:
    """By lot, in a loop, a module, a function, by counts and hours; what fails; a menu."""
    lot = action("lot", "DistributeByPercentage", {}, "bye", "NoMatchingCondition", p101="loop")
    lot["Transitions"]["Conditions"][0]["Condition"]["Operator"] = "NumberLessThan"
    find = {
        "LambdaFunctionARN": ARN,
        "InvocationTimeLimitSeconds": "8",
        "ResponseValidation": {"ResponseType": "JSON"},
    }
    menu = {"Text": "Menu.", "StoreInput": "False", "InputTimeLimitSeconds": "5"}
    identity = {"CheckVoiceIdOption": "AuthenticationResult"}
    open_ = {"True_": "tell", "False_": "bye"}
    seconds = {"TimeLimitSeconds": "60"}
    return flow(
        lot,
        action(
            "loop", "Loop", {"LoopCount": "2"}, "bye", ContinueLooping="round", DoneLooping="in"
        ),
        action("round", "MessageParticipant", {"Text": "Round."}, "loop"),
        action("in", "InvokeFlowModule", {"FlowModuleId": module}, "find", NONE),
        action("find", "InvokeLambdaFunction", find, "target", NONE),
        action("target", "UpdateContactTargetQueue", {"QueueId": queue}, "count", NONE),
        action("count", "GetMetricData", {}, "open", NONE),
        action("open", "CheckHoursOfOperation", {}, "bye", NONE, **open_),
        action("tell", "MessageParticipant", {"Text": FACTS}, "who"),
        action("who", "CheckVoiceId", identity, "bye", NONE, to="wait"),  # switched off by AWS
        action("wait", "Wait", seconds, "bye", NONE, to="menu", WaitCompleted="bye"),  # no chat
        action("menu", "GetParticipantInput", menu, "bye", MENU, to="again", p1="bye"),
        action("again", "MessageParticipant", {"Text": "Nothing."}, "menu"),
    )


def test_a_way_through_many_blocks_is_heard_and_traced(start, tmp_path):
    (tmp_path / "stories.py").write_text(FOUND)
    sandbox = ("--memory", "--sandbox", "--clock", "virtual")
    found = ("--function", f"{ARN}=python:stories:find")
    floor = Floor(start(*sandbox, *found, environment={"PYTHONPATH": str(tmp_path)}))
    floor.desks()
    floor.ann.choose("Available")
    hello = action("hello", "MessageParticipant", {"Text": "Within."}, "out")
    module = floor.connect.create_contact_flow_module(
        InstanceId=floor.instance,
        Name="part",
        Content=flow(hello, action("out", "EndFlowModuleExecution")),
    )["Id"]
    floor.flow = floor.made("rounds", rounds(module, floor.queue))
    call = floor.call()
    floor.advance(5)
    floor.press(call, "7")
    floor.press(call, "1")
    assert floor.heard(call) == [
        f"text {text}" for text in ("Round.", "Round.", "Within.", "Carol 17 1", *MENUS)
    ]
    assert floor.reason(call) == "CONTACT_FLOW_DISCONNECT"
    steps = Trace(floor.server, floor.instance, call).steps()
    assert [f"{step['Action']} {step['Outcome']}" for step in steps if step.get("Outcome")][1:] == [
        "loop ContinueLooping",
        "loop ContinueLooping",
        "loop DoneLooping",
        "open True",
        "who NoMatchingError",
        "wait NoMatchingError",
        "menu InputTimeLimitExceeded",
        "menu 7",
        "menu 1",
    ]
