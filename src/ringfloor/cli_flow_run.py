"""CLI for walking through a flow: `ringfloor flow run`, a call in the terminal on virtual time.

Called by cli_flow. The person is the caller: what the flow says is printed, what it waits for is
asked. Time passes only when the person lets it.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TextIO

from ringfloor.base.errors import Fault, Refusal
from ringfloor.base.time import SECOND
from ringfloor.domain import dialogue
from ringfloor.flow.envelope import Unreadable, letters
from ringfloor.gateway.gathering import KEYS
from ringfloor.rehearsal import (
    CUSTOMER,
    START,
    Rehearsal,
    RehearsedCall,
    RehearsedChat,
    understood,
)

DESCRIPTION = """\
Walks through a flow as a caller, in the terminal. Nothing is called, nothing is stored, and time
passes only when you say so.

  ringfloor flow run main.json
  ringfloor flow run main.json menu.json           the first is called, it may lead to the others
  ringfloor flow run main.json --press 1 --press 42#          without a person, for scripts
  ringfloor flow run main.json --function find='{"tier": "gold"}'
  ringfloor flow run main.json --attribute language=de --number +491761234567
  ringfloor flow run shop.json --chat --bot '*=Return' --press 'It is broken'

While it runs, type keys (0-9 * #) and Enter, or
  Enter      let time pass until something happens        t        show the way so far
  w 30       wait 30 seconds                              q        hang up

In a chat, what you type is said; while a view is shown, the action that you choose in it, with what
you fill in as JSON: Send {"order": "4711"}.

Queues, prompts and hours that the flow names are made as stand-ins; functions and bots answer what
--function and --bot say, and fail otherwise. At the end the way through the flow is printed."""


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Give `ringfloor flow` its verb."""
    run = verbs.add_parser(
        "run",
        help="walk through a flow as a caller",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.add_argument("files", nargs="+", metavar="FILE", help="flow language; the first is called")
    run.add_argument("--press", action="append", metavar="KEYS", help="instead of asking a person")
    run.add_argument("--chat", action="store_true", help="be the customer of a chat, not a caller")
    run.add_argument("--number", default=CUSTOMER, metavar="+N", help="the caller's [%(default)s]")
    run.add_argument("--attribute", action="append", default=[], metavar="KEY=VALUE")
    run.add_argument(
        "--function",
        action="append",
        default=[],
        metavar="NAME=JSON",
        help="what a function answers, by its name or ARN; * for all others",
    )
    run.add_argument(
        "--bot",
        action="append",
        default=[],
        metavar="NAME=INTENT",
        help="what a bot understands, whatever it hears, by its alias ARN, id or name; * for all",
    )
    run.add_argument("--seed", type=int, default=1, metavar="N", help="of chance [%(default)s]")
    run.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    try:
        stage, name = _stage(options)
        attributes = dict(_pair("--attribute", each) for each in options.attribute)
        call: RehearsedCall | RehearsedChat
        if options.chat:
            call = stage.chat(name, attributes=attributes)
        else:
            call = stage.call(name, number=options.number, attributes=attributes)
    except (Fault, Refusal, OSError, Unreadable) as error:
        for line in _reasons(error):
            print(f"ringfloor: {line}", file=sys.stderr)
        return 1
    _Walk(stage, call, sys.stdout).go(options.press)
    return 0


def _reasons(error: Exception) -> Iterator[str]:
    """What is wrong, a line each; a flow has a list of problems."""
    problems = error.members.get("problems") if isinstance(error, Refusal) else None
    if isinstance(problems, list):
        yield from (each["message"] for each in problems)
    else:
        yield str(error)


def _stage(options: argparse.Namespace) -> tuple[Rehearsal, str]:
    stage = Rehearsal(seed=options.seed)
    for given in options.function:
        name, reply = _pair("--function", given)
        try:
            answer = json.loads(reply)
        except json.JSONDecodeError as error:
            raise Fault(f"--function {name}: {reply!r} is not JSON: {error}") from error
        stage.function(name, partial(_answer, answer))
    for given in options.bot:
        name, intent = _pair("--bot", given)
        stage.bot(name, partial(_answer, understood(intent)))
    sheets = [
        (letter, letter.name or Path(file).stem)
        for file in options.files
        for letter in letters(Path(file).read_text(encoding="utf-8"))
    ]
    for letter, name in reversed(sheets):  # who is called last may be led to
        if letter.flow_type == "MODULE":
            stage.module(name, letter.content)
        else:
            stage.flow(name, letter.content, letter.flow_type or "CONTACT_FLOW")
    return stage, sheets[0][1]


def _answer(answer: object, _event: object) -> object:
    return answer


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise Fault(f"{option}: {text!r} is not NAME=VALUE")
    return name, value


class _Walk:
    """One call, and how much of it has been told."""

    def __init__(self, stage: Rehearsal, call: RehearsedCall | RehearsedChat, out: TextIO) -> None:
        self._stage = stage
        self._call = call
        self._out = out
        self._told = 0
        for standin in stage.standins:
            self._say(f"(stand-in: {standin})")

    def go(self, presses: list[str] | None) -> None:
        """Until the contact is over, or nobody has anything more to do."""
        keys = None if presses is None else iter(presses)
        self._tell()
        while self._call.ended is None:
            word = self._ask() if keys is None else next(keys, None)
            if word is None or word == "q":
                self._go()
                break
            self._do(word.strip())
            self._tell()
        self._tell()
        self._say(f"{self._clock()}  over: {self._call.ended}")
        self._way()

    def _do(self, word: str) -> None:
        if word == "t":
            self._way()
        elif word.startswith("w") and word[1:].strip().isdecimal():
            self._stage.pass_time(int(word[1:]))
        elif not word:
            due = self._stage.next_due()
            if due is None:
                self._say("(nothing will happen by itself)")
            else:
                self._stage.pass_time(max(due - self._stage.now, 0) / SECOND)
        elif isinstance(self._call, RehearsedChat):
            self._write(self._call, word)
        elif KEYS.issuperset(word.upper()):
            self._call.press(word.upper())
        else:
            self._say("(keys are 0-9 * #; Enter, w SECONDS, t, q do the rest)")

    def _go(self) -> None:
        if isinstance(self._call, RehearsedChat):
            self._call.leave()
        else:
            self._call.hang_up()

    def _write(self, chat: RehearsedChat, word: str) -> None:
        if chat.view is None:
            chat.say(word)
            return
        action, _, filled = word.partition(" ")
        try:
            data = json.loads(filled or "{}")
        except json.JSONDecodeError as error:
            self._say(f"(what is filled in is no JSON: {error})")
        else:
            chat.answer_view(action, data)

    def _ask(self) -> str | None:
        waiting = _wanted(self._call)
        self._out.write(f"{self._clock()}  {waiting}> ")
        self._out.flush()
        line = sys.stdin.readline()
        return line.strip() if line else None

    def _tell(self) -> None:
        call = self._call
        heard = call.read if isinstance(call, RehearsedChat) else call.heard
        for each in heard[self._told :]:
            self._say(f"{self._clock()}  {each}")
        self._told = len(heard)

    def _way(self) -> None:
        self._say("the way:")
        for step in self._call.steps:
            left = f"  -> {step.outcome}" if step.outcome else ""
            self._say(f"  {_clock(step.at)}  {step.flow}: {step.action} ({step.type}){left}")
        attributes = self._call.attributes
        if attributes:
            self._say(f"attributes: {json.dumps(attributes)}")
        if self._call.queue is not None:
            self._say(f"queue: {self._call.queue}")

    def _clock(self) -> str:
        return _clock(self._stage.now)

    def _say(self, line: str) -> None:
        print(line, file=self._out)


def _clock(at: int) -> str:
    """Time since the call began, as minutes and seconds."""
    passed = (at - START) // SECOND
    return f"{passed // 60:02}:{passed % 60:02}"


def _wanted(call: RehearsedCall | RehearsedChat) -> str:
    """What the contact waits for, in words."""
    match call.waits_for:
        case dialogue.Gather(max_digits=most, first_digit_ms=limit):
            what = "a key" if most == 1 else f"up to {most} keys"
            return f"{what}, within {limit // SECOND} s "
        case dialogue.Receive():
            return "a message "
        case dialogue.ShowView(view=view):
            return f"a choice in the view {view} "
        case None if call.is_queued:
            return f"waiting in queue {call.queue} "
        case dialogue.PlayLoop():
            return f"listening, in queue {call.queue} " if call.is_queued else "listening "
        case _:
            return ""
