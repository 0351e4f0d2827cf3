"""`--flows lenient`: what breaks a rule is published, what cannot run is not."""

import json

import pytest

from acceptance.test_flows import BROKEN, WORDS, Flows, action, content, refused, says

SLOPPY = content(
    action("set", "UpdateContactAttributes", {"Attributes": {"tier": "gold"}}, "say"),
    action("say", "MessageParticipant", {"Text": "It runs."}, "end"),
    action("end", "EndFlowExecution", {}),
)
"""Setting attributes lacks the branch of its error; that does not keep it from running."""


@pytest.mark.parametrize("kind", sorted(WORDS))
def test_what_can_run_is_published_and_what_cannot_is_refused(server, start, kind):
    lenient = Flows(start("--memory", "--sandbox", "--clock", "virtual", "--flows", "lenient"))
    strict = Flows(server)
    lenient.kind = strict.kind = kind
    invalid = f"Invalid{WORDS[kind][0]}Exception"
    refused(invalid, "", lambda: strict.made(SLOPPY))
    made = lenient.made(SLOPPY)
    plain = lenient.made(says("Once."))
    lenient.call("update content", plain, Content=SLOPPY)
    assert lenient.described(made)["Status"] == lenient.described(plain)["Status"] == "PUBLISHED"
    refused(invalid, "", lambda: lenient.made(BROKEN))
    refused(invalid, "", lambda: lenient.call("update content", plain, Content=BROKEN))
    if kind == "contact_flow":
        assert lenient.heard(plain) == ["It runs."]
        nobody = json.loads(SLOPPY)
        nobody["Actions"][0] = action(
            "set", "TransferToFlow", {"ContactFlowId": "gone"}, "say", "say"
        )
        refused(invalid, "", lambda: lenient.made(json.dumps(nobody)))
