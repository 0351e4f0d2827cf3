"""The account under whatever anybody may ask of it, beside plain dictionaries that say what is so.

The dictionaries know names only, no ids, no indexes and no events: who has which policies, groups
and keys, and which refusal comes first. After every command both must agree, the
invariants hold, and the records must make the same account again.
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from identity_builders import ARN, AnAccount, a_policy, a_trust
from ringfloor.base.errors import Refusal
from ringfloor.identity import commands as c
from ringfloor.identity import state
from ringfloor.identity.entities import KINDS, Policy

NAMES = st.sampled_from(["a", "A", "b", "c", "d"])
KIND = st.sampled_from(["user", "group", "role"])
MANAGED = {
    f"arn:aws:iam::aws:policy/{n}" for n in ("AdministratorAccess", "AmazonConnect_FullAccess")
}
ARNS = st.one_of(NAMES.map(lambda name: f"{ARN}:policy/{name}"), st.sampled_from(sorted(MANAGED)))
DOCUMENTS = st.sampled_from([a_policy(), a_policy("connect:" + "a" * 1_500), "{}"])

LIMITS = {"keys": 2, "groups": 3, "attached": 3}
"""Small ones are reached; the real ones stand in test_identity."""


class Said(Exception):
    """What the dictionaries refuse."""


class AccountMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.account = AnAccount()
        self.model: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
        self.serial = 0

    def both(self, command: c.Command, plain: Any) -> None:
        """The command and its plain counterpart: done by both or refused by both, equally."""
        said = None
        try:
            plain()
        except Said as refusal:
            said = str(refusal)
        if said is None:
            self.account.do(command)
        else:
            assert self.account.refused(command) == said

    def has(self, kind: str, name: str) -> dict[str, Any]:
        if name not in self.model[kind]:
            raise Said("NoSuchEntity")
        found: dict[str, Any] = self.model[kind][name]
        return found

    def free(self, kind: str, name: str) -> None:
        if name.lower() in {each.lower() for each in self.model[kind]}:
            raise Said("EntityAlreadyExists")

    def policy(self, arn: str) -> str:
        if arn in MANAGED:
            return arn
        self.has("policy", arn.rpartition("/")[2])
        return arn.rpartition("/")[2]

    # Entities

    @rule(kind=st.sampled_from(list(KINDS)), name=NAMES)
    def create(self, kind: str, name: str) -> None:
        def plain() -> None:
            self.free(kind, name)
            new: dict[str, Any] = {"inline": {}, "attached": set(), "groups": set(), "keys": {}}
            self.model[kind][name] = new if kind != "policy" else {"versions": [1], "made": 1}

        document = {"role": a_trust(), "policy": a_policy()}.get(kind)
        self.both(c.Create(kind=kind, name=name, document=document), plain)

    @rule(kind=st.sampled_from(["user", "group"]), name=NAMES, new=NAMES)
    def rename(self, kind: str, name: str, new: str) -> None:
        def plain() -> None:
            found = self.has(kind, name)
            if new.lower() != name.lower():
                self.free(kind, new)
            del self.model[kind][name]
            self.model[kind][new] = found
            for user in self.model["user"].values():
                if kind == "group" and name in user["groups"]:
                    user["groups"] = (user["groups"] - {name}) | {new}

        self.both(c.Move(kind, name, new, None), plain)

    @rule(kind=KIND, name=NAMES)
    def delete(self, kind: str, name: str) -> None:
        def plain() -> None:
            found = self.has(kind, name)
            members = [u for u in self.model["user"].values() if name in u["groups"]]
            if any(found.values()) or (kind == "group" and members):
                raise Said("DeleteConflict")
            del self.model[kind][name]

        self.both(c.Delete(kind, name), plain)

    # What they hold

    @rule(kind=KIND, name=NAMES, policy=NAMES, document=DOCUMENTS)
    def put_inline(self, kind: str, name: str, policy: str, document: str) -> None:
        def plain() -> None:
            inline = self.has(kind, name)["inline"]
            after = {**inline, policy: document}
            if (
                sum(len(each.replace(" ", "")) for each in after.values())
                > KINDS[kind].inline_chars
            ):
                raise Said("LimitExceeded")
            if document == "{}":
                raise Said("MalformedPolicyDocument")
            inline[policy] = document

        self.both(c.PutInline(kind, name, policy, document), plain)

    @rule(kind=KIND, name=NAMES, policy=NAMES)
    def delete_inline(self, kind: str, name: str, policy: str) -> None:
        def plain() -> None:
            if self.has(kind, name)["inline"].pop(policy, None) is None:
                raise Said("NoSuchEntity")

        self.both(c.PutInline(kind, name, policy, None), plain)

    @rule(kind=KIND, name=NAMES, arn=ARNS)
    def attach(self, kind: str, name: str, arn: str) -> None:
        def plain() -> None:
            attached = self.has(kind, name)["attached"]
            attached.add(self.policy(arn))
            if len(attached) > LIMITS["attached"]:
                attached.remove(self.policy(arn))
                raise Said("LimitExceeded")

        self.both(c.Attach(kind, name, arn), plain)

    @rule(kind=KIND, name=NAMES, arn=ARNS)
    def detach(self, kind: str, name: str, arn: str) -> None:
        def plain() -> None:
            attached, policy = self.has(kind, name)["attached"], self.policy(arn)
            if policy not in attached:
                raise Said("NoSuchEntity")
            attached.remove(policy)

        self.both(c.Detach(kind, name, arn), plain)

    @rule(user=NAMES, group=NAMES)
    def join(self, user: str, group: str) -> None:
        def plain() -> None:
            self.has("group", group)
            groups = self.has("user", user)["groups"]
            if group not in groups and len(groups) == LIMITS["groups"]:
                raise Said("LimitExceeded")
            groups.add(group)

        self.both(c.Join(user, group), plain)

    @rule(user=NAMES, group=NAMES)
    def leave(self, user: str, group: str) -> None:
        def plain() -> None:
            self.has("group", group)
            if group not in self.has("user", user)["groups"]:
                raise Said("NoSuchEntity")
            self.model["user"][user]["groups"].remove(group)

        self.both(c.Leave(user, group), plain)

    # Keys

    @rule(user=NAMES)
    def create_key(self, user: str) -> None:
        self.serial += 1
        key = f"AKIA{self.serial}"

        def plain() -> None:
            keys = self.has("user", user)["keys"]
            if len(keys) == LIMITS["keys"]:
                raise Said("LimitExceeded")
            keys[key] = True

        self.both(c.CreateKey(user, key, b"sealed"), plain)

    @rule(user=NAMES, back=st.integers(0, 5), active=st.sampled_from([True, False, None]))
    def change_key(self, user: str, back: int, active: bool | None) -> None:
        """active: None deletes it."""
        key = f"AKIA{self.serial - back}"

        def plain() -> None:
            keys = self.has("user", user)["keys"]
            if key not in keys:
                raise Said("NoSuchEntity")
            if active is None:
                del keys[key]
            else:
                keys[key] = active

        command = c.DeleteKey(user, key) if active is None else c.SetKey(user, key, active)
        self.both(command, plain)

    # Policies

    @rule(name=NAMES)
    def delete_policy(self, name: str) -> None:
        def plain() -> None:
            policy = self.has("policy", name)
            holders = [*self.model["user"].values(), *self.model["group"].values()]
            holders += self.model["role"].values()
            if len(policy["versions"]) > 1 or any(name in each["attached"] for each in holders):
                raise Said("DeleteConflict")
            del self.model["policy"][name]

        self.both(c.Delete("policy", f"{ARN}:policy/{name}"), plain)

    @rule(name=NAMES, default=st.booleans())
    def create_version(self, name: str, default: bool) -> None:
        def plain() -> None:
            policy = self.has("policy", name)
            if len(policy["versions"]) == 5:
                raise Said("LimitExceeded")
            policy["made"] += 1
            policy["versions"].append(policy["made"])
            if default:
                policy["default"] = policy["made"]

        command = c.CreateVersion(f"{ARN}:policy/{name}", a_policy("connect:Get*"), default)
        self.both(command, plain)

    @rule(name=NAMES, number=st.integers(1, 7))
    def delete_version(self, name: str, number: int) -> None:
        def plain() -> None:
            policy = self.has("policy", name)
            if number not in policy["versions"]:
                raise Said("NoSuchEntity")
            if number == policy.get("default", 1):
                raise Said("DeleteConflict")
            policy["versions"].remove(number)

        self.both(c.DeleteVersion(f"{ARN}:policy/{name}", f"v{number}"), plain)

    # What must be so

    @invariant()
    def both_say_the_same(self) -> None:
        account = self.account.state
        for kind, names in self.model.items():
            assert [each.name for each in account.all(kind)] == sorted(names, key=str.lower)
            for name, said in names.items():
                found = account.find(kind, name)
                assert found is not None
                if isinstance(found, Policy):
                    assert [each.number for each in found.versions] == said["versions"]
                    assert found.default == said.get("default", 1)
                    continue
                assert found.inline == said["inline"]
                attached = {
                    e.name if not e.by_aws else account.arn(e) for e in account.attached(found)
                }
                assert attached == said["attached"]
                if kind == "user":
                    user = account.user(name)
                    assert {each.name for each in account.groups(user)} == said["groups"]
                    assert {each.id: each.active for each in user.keys} == said["keys"]
                    assert all(account.owner(key) == user for key in said["keys"])
                if kind == "group":
                    users = {e.name for e in account.users(account.group(name))}
                    plain = {n for n, u in self.model["user"].items() if name in u["groups"]}
                    assert users == plain

    @invariant()
    def nothing_is_broken_and_the_records_say_it_all(self) -> None:
        assert not list(state.broken(self.account.state))
        again = self.account.replayed()
        assert state.image(again) == state.image(self.account.state)
        assert (again.names, again.owners, again.members) == (
            self.account.state.names,
            self.account.state.owners,
            self.account.state.members,
        )


@pytest.fixture(autouse=True)
def _small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringfloor.identity.machine.GROUPS_PER_USER_MAX", LIMITS["groups"])
    monkeypatch.setattr("ringfloor.identity.machine.POLICIES_ATTACHED_MAX", LIMITS["attached"])


TestAccount = AccountMachine.TestCase
TestAccount.settings = settings(
    max_examples=60,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def test_the_dictionaries_would_notice_a_rule_that_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ringfloor.identity.machine.ACCESS_KEYS_MAX", 3)
    machine = AccountMachine()
    machine.create("user", "a")
    machine.create_key("a")
    machine.create_key("a")
    with pytest.raises((AssertionError, Refusal, pytest.fail.Exception)):
        machine.create_key("a")
