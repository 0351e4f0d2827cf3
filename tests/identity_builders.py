"""Identity builders: an account on paper, driven by commands; policies as JSON.

    account = AnAccount()
    account.do(c.Create(kind="user", name="ann"))
    assert account.refused(c.Delete("user", "bob")) == "NoSuchEntity"

What is done is kept as records, as a journal would: replayed() is the account that they make again.
"""

import json
from typing import Any

import pytest

from ringfloor.base.errors import Refusal
from ringfloor.base.ids import dice
from ringfloor.domain.events import Origin
from ringfloor.identity import commands as c
from ringfloor.identity import machine, state
from ringfloor.identity.entities import Entity, Policy, Role, User
from ringfloor.identity.record import EntityPut, Outcome, decode_outcome, encode_outcome

ACCOUNT = "111122223333"
ARN = f"arn:aws:iam::{ACCOUNT}"


def a_policy(action: str = "connect:*", resource: str = "*", effect: str = "Allow") -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": effect, "Action": action, "Resource": resource}],
        }
    )


def a_trust(principal: str = f"{ARN}:root", action: str = "sts:AssumeRole", **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class AnAccount:
    """An account, its clock and its records."""

    def __init__(self, seed: int = 1) -> None:
        self.state = state.Account(ACCOUNT)
        self.records: list[bytes] = []
        self._draw = dice(seed)
        self._now = 1_700_000_000_000

    def do(self, command: c.Command) -> Entity | None:
        """Carry out; the last entity that was put."""
        self._now += 1_000
        before = state.image(self.state)
        events = machine.decide(self.state, command, self._now, self._draw())
        assert state.image(self.state) == before, "decide writes nothing"
        if not events:
            return None
        self.records.append(encode_outcome(Outcome(self._now, events, Origin("root"))))
        for event in events:
            machine.apply(self.state, event, self._now)
        put = [each.entity for each in events if isinstance(each, EntityPut)]
        return put[-1] if put else None

    def refused(self, command: c.Command, says: str = "") -> str:
        """The code with which a command is refused; its message says this."""
        before = state.image(self.state)
        with pytest.raises(Refusal) as caught:
            self.do(command)
        assert state.image(self.state) == before
        assert says in (caught.value.message or "")
        return caught.value.code

    def user(self, name: str = "ann", **more: Any) -> User:
        made = self.do(c.Create(kind="user", name=name, **more))
        assert isinstance(made, User)
        return made

    def group(self, name: str = "team", **more: Any) -> None:
        self.do(c.Create(kind="group", name=name, **more))

    def role(self, name: str = "reader", trust: str | None = None, **more: Any) -> Role:
        document = a_trust() if trust is None else trust
        made = self.do(c.Create(kind="role", name=name, document=document, **more))
        assert isinstance(made, Role)
        return made

    def policy(self, name: str = "own", document: str | None = None, **more: Any) -> str:
        """A managed policy; its ARN."""
        made = self.do(c.Create(kind="policy", name=name, document=document or a_policy(), **more))
        assert isinstance(made, Policy)
        return self.state.arn(made)

    def replayed(self) -> state.Account:
        fresh = state.Account(ACCOUNT)
        for record in self.records:
            outcome = decode_outcome(record)
            for event in outcome.events:
                machine.apply(fresh, event, outcome.at)
        return fresh
