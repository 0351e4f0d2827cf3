"""Flow runs and bot conversations: facts from the events of flows, one for each way to end."""

import pytest

from flow_builders import VIEW, a_flow, an_action
from metric_histories import Legs
from record_builders import AT, AnnsDay, of
from ringfloor.base.limits import FLOW_BOT_TURNS_MAX
from ringfloor.domain import dialogue, events
from ringfloor.domain.dialogue import Answer, Failed, Said, Session
from ringfloor.domain.facts import BotConversation, FlowRun
from ringfloor.flow.interpreter import begin, step
from ringfloor.projections.records import Records

SAY = dialogue.Play(dialogue.Prompt("text", "Hello"))
MUSIC = dialogue.PlayLoop((dialogue.Prompt("text", "la"),))
OVER = dialogue.End("finished")


def stepped(ask, *, outcome=None, side="customer", flow="f"):
    return events.FlowStepped("c", Session(flow_id=flow, action="it"), ask, outcome, side)


def published(identifier, kind="contact_flow", status="PUBLISHED"):
    properties = {"Name": identifier, "Type": "CONTACT_FLOW", "Content": "{}", "Status": status}
    return events.ResourceCreated(kind, identifier, properties, {})


def a_day(*, enters="f", **members):
    """Flow f is published at 0 s; contact c enters it at 5 s."""
    day = AnnsDay()
    day.tell(0, published("f"), published("m", "contact_flow_module"))
    day.tell(5, day.legs.begin("c", AT + 5_000, **members))
    if enters:
        day.tell(5, events.FlowEntered("c", enters))
    return day


def runs(facts):
    """module or flow, from, to, outcome."""
    return [
        (
            fact.module_id or fact.flow_id,
            (fact.started_at - AT) // 1000,
            None if fact.ended_at is None else (fact.ended_at - AT) // 1000,
            fact.outcome,
        )
        for fact in of(FlowRun, facts)
    ]


def ended(reason="CUSTOMER_DISCONNECT"):
    return events.ContactEnded("c", reason, "IN_FLOW")


def to_number(*, resumes):
    return dialogue.TransferToNumber(number="+1", ring_ms=1, resumes=resumes)


def moved_on(queue_id):
    born = Legs()
    return born.begin(
        "d", AT + 9_000, method="QUEUE_TRANSFER", previous_contact_id="c", queue_id=queue_id
    )


ENQUEUED = events.ContactEnqueued("c", "q", "VOICE")
ENDS = {
    "hangs up": ([stepped(SAY), ended()], "DROPPED", None, None),
    "no step yet": ([ended()], "DROPPED", None, None),
    "disconnect": (
        [stepped(dialogue.Disconnect()), ended()],
        "DISCONNECTED_PARTICIPANT",
        None,
        None,
    ),
    "end": ([stepped(OVER), ended()], "ENDED_FLOW_EXECUTION", None, None),
    "return": ([stepped(dialogue.LeaveModule()), ended()], "ENDED_FLOW_EXECUTION", None, None),
    "dead end": ([stepped(dialogue.End("dead_end")), ended()], "DROPPED", None, None),
    "end, lives on": (
        [stepped(OVER), events.FlowFinished("c", "customer")],
        "ENDED_FLOW_EXECUTION",
        None,
        None,
    ),
    "stopped": (
        [stepped(MUSIC), events.FlowFinished("c", "customer", MUSIC, 1)],
        "DROPPED",
        None,
        None,
    ),
    "clean-up": (
        [stepped(dialogue.Disconnect()), events.FlowFinished("c", "customer")],
        "DISCONNECTED_PARTICIPANT",
        None,
        None,
    ),
    "queue": ([stepped(dialogue.TransferToQueue()), ENQUEUED], "TRANSFERED_TO_QUEUE", None, "q"),
    "agent's queue": (
        [stepped(dialogue.TransferToQueue()), events.ContactEnqueued("c", "Ann", "VOICE")],
        "TRANSFERED_TO_QUEUE",
        None,
        None,
    ),
    "queue refused": (
        [stepped(dialogue.TransferToQueue(), outcome=Failed("QueueAtCapacity")), ended()],
        "DROPPED",
        None,
        None,
    ),
    "other queue": (
        [stepped(dialogue.DequeueAndTransfer()), moved_on("q"), ended("CONTACT_FLOW_DISCONNECT")],
        "TRANSFERED_TO_QUEUE",
        None,
        "q",
    ),
    "agent": (
        [stepped(dialogue.TransferToAgent()), events.ContactEnqueued("c", "Ann", "VOICE", True)],
        "TRANSFERED_TO_AGENT",
        None,
        None,
    ),
    "agent who is not there": (
        [stepped(dialogue.TransferToAgent()), ended()],
        "DROPPED",
        None,
        None,
    ),
    "number": (
        [stepped(to_number(resumes=False)), events.CustomerPassed("c", "d"), ended()],
        "TRANSFERED_TO_PHONE_NUMBER",
        None,
        None,
    ),
    "number, hangs up": ([stepped(to_number(resumes=True)), ended()], "DROPPED", None, None),
    "flow": (
        [stepped(dialogue.EnterFlow("g")), events.FlowEntered("c", "g:2")],
        "TRANSFERED_TO_FLOW",
        "g",
        None,
    ),
    "another flow begins": (
        [stepped(MUSIC), events.FlowEntered("c", "g", "customer", "PAUSE")],
        "DROPPED",
        None,
        None,
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_how_a_flow_ends(end):
    happens, outcome, next_flow_id, next_queue_id = ENDS[end]
    day = a_day()
    assert runs(day.records.open(AT + 60_000)) == [("f", 5, None, None)]
    day.tell(9, *happens)
    fact = of(FlowRun, day.told)[0]
    assert runs([fact]) == [("f", 5, 9, outcome)]
    assert (fact.next_flow_id, fact.next_queue_id) == (next_flow_id, next_queue_id)
    assert (fact.contact_id, fact.flow_type, fact.queue_id) == ("c", "CONTACT_FLOW", None)
    assert fact.published_at == AT


def test_a_module_returns_and_whoever_waits_for_one_that_ends_the_contact_ends_with_it():
    day = a_day(enters="f:3")
    for second, back in ((10, True), (20, False)):
        day.tell(second, stepped(dialogue.EnterModule("m", {})))
        day.tell(second, events.ModuleEntered("c", "m:7", {}))
        if back:
            day.tell(second + 5, stepped(dialogue.LeaveModule(), flow="m"))
            day.tell(second + 5, events.ModuleLeft("c", dialogue.Done()))
    assert runs(day.records.open(AT)) == [("f", 5, None, None), ("m", 20, None, None)]
    day.tell(30, stepped(dialogue.Disconnect(), flow="m"), ended())
    assert runs(day.told) == [
        ("m", 10, 15, "RETURNED_TO_FLOW"),
        ("m", 20, 30, "DISCONNECTED_PARTICIPANT"),
        ("f", 5, 30, "DISCONNECTED_PARTICIPANT"),
    ]
    assert [(fact.flow_id, fact.module_id) for fact in of(FlowRun, day.told)] == [
        ("f", "m"),
        ("f", "m"),
        ("f", None),
    ]


def test_each_side_is_in_flows_of_its_own():
    day = a_day()
    day.tell(
        10,
        day.legs.enqueue("c", "q", AT),
        events.FlowEntered("c", "w", "customer", "CUSTOMER_QUEUE"),
    )
    day.tell(
        20, events.FlowEntered("c", "a", "agent", "AGENT_WHISPER"), stepped(OVER, side="agent")
    )
    day.tell(25, events.FlowFinished("c", "agent"), events.FlowFinished("c", "customer", MUSIC, 3))
    assert runs(day.told) == [
        ("f", 5, 10, "DROPPED"),
        ("a", 20, 25, "ENDED_FLOW_EXECUTION"),
        ("w", 10, 25, "DROPPED"),
    ]
    assert [fact.queue_id for fact in of(FlowRun, day.told)] == [None, "q", "q"]


def test_whatever_still_runs_is_over_with_the_contact():
    day = a_day()
    day.tell(9, *day.legs.end("c", AT + 9_000))
    day = a_day(enters=None)
    leg, complete = day.legs.end("c", AT + 9_000)
    day.tell(9, leg, events.FlowEntered("c", "x", "customer", "CUSTOMER_REMAINING"))
    day.tell(12, complete)
    assert runs(day.told) == [("x", 9, 12, "DROPPED")]
    assert day.records.open(AT + 60_000) == []


def test_the_agents_whisper_of_a_callback_that_nobody_answers_is_over():
    day = a_day(enters=None)
    day.tell(6, events.FlowEntered("c", "a", "agent", "AGENT_WHISPER"))
    day.tell(9, events.CallbackUnanswered("c", "Ann", "q", "VOICE", "TELECOM_BUSY", AT + 99_000))
    assert runs(day.told) == [("a", 6, 9, "DROPPED")]


@pytest.mark.parametrize(
    ("changes", "since"),
    [
        ([], 0),
        ([{"Name": "x"}], 0),
        ([{"Content": "{1}"}], 2),
        ([{"Status": "SAVED"}], None),
        ([{"Status": "SAVED"}, {"Content": "{1}", "Status": "PUBLISHED"}], 3),
        ([{"Content": "{1}"}, {"Name": "y"}], 2),
    ],
)
def test_when_the_edition_was_published_that_runs(changes, since):
    day = AnnsDay()
    day.tell(0, published("f"))
    for second, each in enumerate(changes, start=2):
        day.tell(second, events.ResourceUpdated("contact_flow", "f", each))
    day.tell(5, day.legs.begin("c", AT + 5_000), events.FlowEntered("c", "f"))
    [fact] = of(FlowRun, day.records.open(AT))
    assert fact.published_at == (None if since is None else AT + since * 1000)


def test_who_is_dialled_runs_what_was_published_then():
    day = AnnsDay()
    day.tell(0, published("f"))
    day.tell(1, day.legs.begin("c", AT, method="API", stage="DIALING", flow_id="f"))
    day.tell(2, events.ResourceUpdated("contact_flow", "f", {"Content": "{1}"}))
    day.tell(3, events.FlowEntered("c", "f"), events.FlowEntered("c", "f"))
    first, second = *of(FlowRun, day.told), *of(FlowRun, day.records.open(AT))
    assert (first.published_at, second.published_at) == (AT, AT + 2_000)
    day.tell(4, events.ResourceDeleted("contact_flow", "f"))


# Bots

LEX = "ConnectParticipantWithLexBot"
V2 = {"Text": "How can I help?", "LexV2Bot": {"AliasArn": "arn:aws:lex:eu-west-1:1:bot-alias/B/A"}}
V1 = {"Text": "Hi", "LexBot": {"Name": "Orders", "Region": "eu-west-1", "Alias": "live"}}


def reply(action, intent=None, state="InProgress", *words):
    """What a bot of Lex V2 answers."""
    said = {"dialogAction": {"type": action}}
    if intent is not None:
        said["intent"] = {"name": intent, "state": state}
    messages = [{"contentType": "PlainText", "content": word} for word in words]
    return Answer({"sessionState": said, "messages": messages})


def talked(*heards, parameters=V2, hangs_up=True, interrupted=()):
    """A chat that runs a flow of a bot from 5 s on, and hears one thing each second."""
    errors = ("NoMatchingError", "NoMatchingCondition", "InputTimeLimitExceeded")
    flow = a_flow(an_action(LEX, parameters, errors=errors))
    day = a_day(channel="CHAT")
    session, second = begin("f"), 5
    for heard in (None, *heards):
        taken = step(flow, session, heard, VIEW | {"Channel": "CHAT"})
        said = (taken.session, taken.ask, None, "customer", heard, taken.path, taken.action_type)
        day.tell(second, events.FlowStepped("c", *said))
        session, second = taken.session, second + 1
        if second - 6 in interrupted:
            day.records = Records.load(day.records.dump())
    if hangs_up:
        day.tell(second, ended())
    return of(BotConversation, day.told)


def conversations(facts):
    """intent, from, to, turns, outcome."""
    return [
        (
            fact.intent,
            (fact.started_at - AT) // 1000,
            (fact.ended_at - AT) // 1000,
            fact.turns,
            fact.outcome,
        )
        for fact in facts
    ]


HELLO, MORE = Said("hello"), Said("more")
TALKS = {
    "nothing said": ([], []),
    "no answer to the first prompt": ([Failed("InputTimeLimitExceeded")], []),
    "fulfilled at once": (
        [HELLO, reply("Close", "Order", "Fulfilled")],
        [(None, 6, 7, 1, "SUCCESS"), ("Order", 7, 7, 1, "SUCCESS")],
    ),
    "fulfilled, hangs up during the last words": (
        [HELLO, reply("Close", "Order", "ReadyForFulfillment", "Bye")],
        [(None, 6, 8, 1, "SUCCESS"), ("Order", 7, 7, 1, "SUCCESS")],
    ),
    "slots": (
        [HELLO, reply("ElicitSlot", "Order"), MORE, reply("Close", "Order", "Fulfilled")],
        [(None, 6, 9, 2, "SUCCESS"), ("Order", 7, 9, 2, "SUCCESS")],
    ),
    "given up": (
        [HELLO, reply("Close", "Order", "Failed")],
        [(None, 6, 7, 1, "FAILED"), ("Order", 7, 7, 1, "FAILED")],
    ),
    "switched": (
        [HELLO, reply("ElicitSlot", "Order"), MORE, reply("Close", "Help", "Fulfilled")],
        [(None, 6, 9, 2, "SUCCESS"), ("Order", 7, 9, 1, "SWITCHED"), ("Help", 9, 9, 1, "SUCCESS")],
    ),
    "fallen back": (
        [HELLO, reply("ElicitSlot", "Order"), MORE, reply("Close", "FallbackIntent", "Fulfilled")],
        [
            (None, 6, 9, 2, "FAILED"),
            ("Order", 7, 9, 1, "FAILED"),
            ("FallbackIntent", 9, 9, 1, "FAILED"),
        ],
    ),
    "hangs up": (
        [HELLO, reply("ElicitSlot", "Order")],
        [(None, 6, 8, 1, "DROPPED"), ("Order", 7, 8, 1, "DROPPED")],
    ),
    "hangs up before any answer": ([HELLO], [(None, 6, 7, 0, "DROPPED")]),
    "says no more": (
        [HELLO, reply("ElicitIntent"), Failed("InputTimeLimitExceeded")],
        [(None, 6, 8, 1, "DROPPED")],
    ),
    "the bot fails": (
        [HELLO, reply("ElicitSlot", "Order"), MORE, Failed("NoMatchingError")],
        [(None, 6, 9, 1, "FAILED"), ("Order", 7, 9, 1, "FAILED")],
    ),
    "the bot talks nonsense": ([HELLO, Answer("what")], [(None, 6, 7, 1, "FAILED")]),
    "too many turns": (
        [HELLO, reply("ElicitSlot", "Order")] * FLOW_BOT_TURNS_MAX,
        [
            (None, 6, 5 + 2 * FLOW_BOT_TURNS_MAX, FLOW_BOT_TURNS_MAX, "FAILED"),
            ("Order", 7, 5 + 2 * FLOW_BOT_TURNS_MAX, FLOW_BOT_TURNS_MAX, "FAILED"),
        ],
    ),
}


@pytest.mark.parametrize("talk", TALKS)
def test_how_a_conversation_with_a_bot_ends(talk):
    heards, told = TALKS[talk]
    assert conversations(talked(*heards)) == told
    everywhere = range(len(heards) + 1)
    assert conversations(talked(*heards, interrupted=everywhere)) == told


@pytest.mark.parametrize("talk", TALKS)
def test_an_intent_knows_how_its_conversation_ended(talk):
    facts = talked(*TALKS[talk][0])
    whole = [fact.outcome for fact in facts if fact.intent is None]
    assert [fact.conversation_outcome for fact in facts] == whole * len(facts)


def test_nonsense_of_a_bot_is_not_about_what_another_has_understood():
    flow = a_flow(
        an_action(LEX, V2, then="more", errors=("NoMatchingError",)),
        an_action(LEX, V1, identifier="more", errors=("NoMatchingError",)),
    )
    day, session = a_day(channel="CHAT"), begin("f")
    fulfilled = reply("Close", "Order", "Fulfilled")
    for second, heard in enumerate((None, HELLO, fulfilled, HELLO, Answer("what")), start=5):
        taken = step(flow, session, heard, VIEW | {"Channel": "CHAT"})
        said = (taken.session, taken.ask, None, "customer", heard, taken.path, taken.action_type)
        day.tell(second, events.FlowStepped("c", *said))
        session = taken.session
    assert conversations(of(BotConversation, day.told)) == [
        (None, 6, 7, 1, "SUCCESS"),
        ("Order", 7, 7, 1, "SUCCESS"),
        (None, 8, 9, 1, "FAILED"),
    ]


@pytest.mark.parametrize(
    ("parameters", "bot_id", "alias"), [(V2, "B", "A"), (V1, "Orders", "live")], ids=["V2", "V1"]
)
def test_whose_conversation_it_was(parameters, bot_id, alias):
    for fact in talked(HELLO, reply("Close", "Order", "Fulfilled"), parameters=parameters):
        assert (fact.bot_id, fact.bot_alias) == (bot_id, alias)
        assert (fact.flow_id, fact.module_id, fact.action_id) == ("f", None, "it")
        assert (fact.flow_started_at, fact.published_at) == (AT + 5_000, AT)
        assert (fact.contact_id, fact.channel, fact.flow_type) == ("c", "CHAT", "CONTACT_FLOW")
