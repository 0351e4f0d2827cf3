"""Makes the page about the published flows of others: `python -m docs.published`.

The flows themselves lie beside the repository, in ../shared/flows, and are never part of it; their
names, origins and outcomes are facts, and are. tests/contract/test_published_flows.py fails while
the page does not say what is so, and while a refusal has no reviewed reason here.
"""

import csv
import re
import sys
from collections.abc import Mapping
from hashlib import sha256
from importlib import import_module
from typing import NamedTuple

import msgspec

from docs.make import DOCS, table
from ringfloor.flow import catalog
from ringfloor.flow.advice import Finding, findings
from ringfloor.flow.envelope import MODULE, TYPES, Letter, letters

FLOWS = DOCS.parents[1] / "shared" / "flows"
PAGE = DOCS / "reference" / "published-flows.md"

INSTANCE = "arn:aws:connect:us-east-1:111122223333:instance/11111111-1111-4111-8111-111111111111"

UNFILLED = "ids are left empty, to be filled in by the script that comes with it"
REVIEWED: Mapping[str, str] = {
    # Refused
    "amazon-connect-copy__flow-Orphaned-20Flow__70fd47a037": "broken on purpose: the language"
    " has no type TransferContactToFlow",
    "claude-connect-skills__create-from-scratch__bed297f1d4": "a fragment from a guide, whose"
    " branches lead to actions that it leaves out",
    "sample-aicc-builder-for-amaz__callback-pattern__b151e30206": "made by a language model: the"
    " language has no types CheckStaffing and SetCallbackNumber",
    # Run, but are not published as they are
    "amazon-connect-copy__flow-Main-20IVR__3983e19b39": "a fixture without the branches for errors"
    " that both of its last actions must have",
    "amazon-connect-experience-bu__contact-flow-dtmf0-content__c4cc505616": UNFILLED,
    "amazon-connect-experience-bu__contact-flow-dtmf0__0e69328252": UNFILLED,
    "amazon-connect-experience-bu__contact-flow-hop-content__35803bcbb9": UNFILLED,
    "amazon-connect-experience-bu__contact-flow-journey-content__b80dda89b7": UNFILLED,
    "amazon-connect-experience-bu__contact-flow-setup-content__4f3e2955c2": UNFILLED,
    "amazon-connect-integration__sample-contact-flow-load-test__c82817fa4e": "the ARN of its"
    " function is left empty, to be chosen in the console",
    "amazon-connect-integration__sample-contact-flow__88ec1118f6": "the ARN of its function is left"
    " empty, to be chosen in the console",
    "amazon-connect-step-by-step-__SBS-Lex-Integration-Handler__9b21ec5c7f": "the ARN of its bot is"
    " left empty, to be chosen in the console",
    "sample-aicc-builder-for-amaz__q-in-connect-self-service__55a00ed960": "made by a language"
    " model: a bot without the branch for no match, and a TransferContactToQueue with a queue,"
    " which it does not take",
}
"""Why a flow is refused, or is not published as it is: looked at by a person, and right."""


class Outcome(NamedTuple):
    """What comes of one flow. problems: what keeps it from running; flaws: from being published."""

    name: str
    origin: str
    licence: str
    letter: Letter
    type: str
    actions: int
    problems: list[Finding]
    flaws: list[Finding]


def contents() -> dict[str, str]:
    """The flows by file name without .json, with things in place of their placeholders."""
    return {path.stem: filled(path.read_text()) for path in sorted(FLOWS.glob("*.json"))}


def outcomes() -> list[Outcome]:
    """Of every published flow."""
    with (FLOWS / "PROVENANCE.csv").open(newline="") as file:
        origins = {row["file"].removesuffix(".json"): row for row in csv.DictReader(file)}
    return [_outcome(name, text, origins[name]) for name, text in contents().items()]


def _outcome(name: str, text: str, origin: Mapping[str, str]) -> Outcome:
    (letter,) = letters(text)
    flow_type = letter.flow_type or _likely(letter)
    return Outcome(
        name,
        origin["repository"],
        origin["licence"],
        letter,
        flow_type,
        int(origin["actions"]),
        findings(letter, flow_type, lenient=True),
        findings(letter, flow_type, lenient=False),
    )


def _likely(letter: Letter) -> str:
    """The type of a flow that does not say it: where it has the fewest flaws."""
    types = ["CONTACT_FLOW", *(each for each in TYPES if each not in {"CAMPAIGN", MODULE})]
    return min(types, key=lambda each: len(findings(letter, each, lenient=False)))


# Placeholders

_PLACEHOLDER = re.compile(r"\$\{([^{}]*)\}|\{\{([^{}]*)\}\}|%%([^%]*)%%")
_PLAIN = {
    "REGION": "us-east-1",
    "ACCT_ID": "111122223333",
    "INSTANCE_ID": INSTANCE.rpartition("/")[2],
    "AWS::StackName": "stack",
    "phoneNumber": "+12065550100",
    "LANGUAGE_CODE": "en_US",
    "VOICE": "Joanna",
}


def filled(text: str) -> str:
    """A flow with ids, ARNs and words where its authors have left places for them."""
    return _PLACEHOLDER.sub(_stand_in, text)


def _stand_in(found: re.Match[str]) -> str:
    name = found[1] or found[2] or found[3]
    if name in _PLAIN:
        return _PLAIN[name]
    if re.fullmatch("[A-Z]:.*:[A-Z]", name):  # the end of an ARN
        return _id(name)
    folded = name.lower().removesuffix(".arn")
    if "lambda" in folded:
        return f"arn:aws:lambda:us-east-1:111122223333:function:{folded}"
    if "lex" in folded:
        return "arn:aws:lex:us-east-1:111122223333:bot-alias/BOT1234567/ALIAS12345"
    if "wisdom" in folded:
        return f"arn:aws:wisdom:us-east-1:111122223333:assistant/{_id(name)}"
    return f"{INSTANCE}/queue/{_id(name)}" if "queue_arn" in folded else name.replace("_", " ")


def _id(name: str) -> str:
    """An id that is always the same for a name."""
    digest = sha256(name.encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


def mended(content: str) -> str:
    """A flow with something in the places for ids that are left empty."""
    document = msgspec.json.decode(content)
    for action in document["Actions"]:
        given = action.get("Parameters", {})
        row = catalog.row_of(action["Type"], given) or catalog.Row()
        for parameter, kind in row.references:
            _mend(given, parameter.replace("[]", "").split("."), kind)
    return msgspec.json.encode(document).decode()


def _mend(found: object, path: list[str], kind: str) -> None:
    if isinstance(found, list):
        for each in found:
            _mend(each, path, kind)
    elif isinstance(found, dict) and path[0] in found:
        if len(path) > 1:
            _mend(found[path[0]], path[1:], kind)
        elif found[path[0]] == "":
            found[path[0]] = f"{INSTANCE}/{kind}/{kind}-1"


# The page


class Rehearsed(NamedTuple):
    """How far callers, chatters and tasks come in a flow on the engine.

    missing: branches that they could come to and do not take, as type of action and name of branch.
    """

    taken: int
    branches: int
    missing: list[tuple[str, str]]


CANNOT: Mapping[tuple[str, str], str] = {
    ("GetMetricData", "Error"): "a queue that a contact has been given has metrics",
    ("MessageParticipant", "Error"): "the prompts of these flows can all be played",
    ("MessageParticipantIteratively", "Success, Error"): "what nothing interrupts goes on for ever",
    ("TransferContactToQueue", "At capacity"): "no queue was set before it, which is an error",
    ("UpdateContactAttributes", "Error"): "only attributes over 32 KB are refused; the rehearsed"
    " contacts that bring so many fail at an action before it, and what functions and views gave"
    " was short",
    (
        "UpdateContactData",
        "Error",
    ): "no rehearsed contact has a number that is refused as a customer id",
    ("UpdateContactTextToSpeechVoice", "Error"): "every voice that can be published is taken",
    ("UpdateContactData", "Success"): "it wants Voice ID, which AWS has switched off",
    ("UpdateContactTargetQueue", "Success"): "the queue is a placeholder that its author has left"
    " in an attribute",
    ("UpdateContactEventHooks", "Success"): "the flow is named by a flow attribute that it sets by"
    " another name",
}
"""Why no rehearsed contact takes a branch, as the code and the flows were read."""


def page(rehearsed: Mapping[str, Rehearsed]) -> str:
    """What becomes of every flow."""
    found = outcomes()
    runs = [each for each in found if not each.problems]
    published = [each for each in runs if not each.flaws]
    rows = [
        (each.name, each.origin, each.type, each.actions, _told(each), _share(each, rehearsed))
        for each in found
    ]
    made = "Made by `python -m docs.published` from flows that are no part of this repository."
    told = (
        f"{len(found)} flows that others have published on GitHub under MIT, MIT-0 or Apache-2.0"
        " were imported, with ids in the places that their authors left for them."
        f" {len(published)} are published as they are; {len(runs) - len(published)} more can run,"
        " but break a rule for published flows, so they can be saved and, once mended, published"
        f" (or at once, with `--flows lenient`); {len(found) - len(runs)} cannot run."
        " `ringfloor flow check` tells the lines."
    )
    taken = sum(each.taken for each in rehearsed.values())
    branches = sum(each.branches for each in rehearsed.values())
    walked = (
        f"Calls, chats and tasks went through those that run: {taken} of {branches} branches were"
        " taken on the engine, with functions and bots that answer or fail, views that are answered"
        " or not, queues that are staffed, full, disabled or gone, hours open and closed; every"
        " contact came to its end. The interpreter alone, given every answer, takes all but 13."
    )
    head = ("flow", "from", "type", "actions", "outcome", "branches taken")
    parts = ["# Published flows of others", f"<!-- {made} -->", told, walked, table(head, rows)]
    return "\n\n".join([*parts, *_untaken(rehearsed)]) + "\n"


def _untaken(rehearsed: Mapping[str, Rehearsed]) -> list[str]:
    where: dict[tuple[str, str], list[str]] = {}
    for name, each in rehearsed.items():
        for branch in each.missing:
            where.setdefault(branch, []).append(name)
    rows = [
        (f"{type_}: {label}", CANNOT.get((type_, label), ""), ", ".join(sorted(set(names))))
        for (type_, label), names in sorted(where.items())
    ]
    told = "Branches that no rehearsed contact took; what lies behind them was not taken, either."
    return ["## Not taken", told, table(("branch", "why", "in"), rows)]


def _share(outcome: Outcome, rehearsed: Mapping[str, Rehearsed]) -> str:
    found = rehearsed.get(outcome.name)
    return "" if found is None else f"{found.taken} of {found.branches}"


def _told(outcome: Outcome) -> str:
    reason = REVIEWED.get(outcome.name, "")
    if outcome.problems:
        return f"**refused**: {reason}"
    return f"can run; not published as it is: {reason}" if outcome.flaws else "runs"


def main() -> None:
    """Write the page."""
    sys.path.insert(0, str(DOCS.parent / "tests"))
    rehearser = import_module("flow_rehearser")
    PAGE.write_text(page(rehearser.rehearsed()))
    sys.stdout.write(f"{PAGE.relative_to(DOCS.parent)}\n")


if __name__ == "__main__":
    main()
