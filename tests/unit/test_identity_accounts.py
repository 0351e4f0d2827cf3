"""The account in a node: keys and sessions that are known, decisions, and what a restart finds."""

import asyncio
from collections.abc import Iterator

import pytest

from identity_builders import a_policy, a_trust
from node_builders import ACCOUNT, KEY, ROOT, KeptHistory, KeptJournal, Stage, a_node
from ringfloor.aws import iam
from ringfloor.aws.tokens import Sealer
from ringfloor.base.errors import Fault, Refusal
from ringfloor.base.time import HOUR, SECOND
from ringfloor.domain.events import Origin
from ringfloor.identity import commands as c
from ringfloor.identity import state
from ringfloor.identity.entities import Role, User
from ringfloor.identity.record import ACCOUNT as STREAM
from ringfloor.identity.record import decode_outcome
from ringfloor.journal.journal import Record
from ringfloor.node import accounts as module
from ringfloor.node.accounts import Accounts, Claims
from ringfloor.node.vault import Vault, prove

ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
BY_ROOT = Origin("root", "192.0.2.1", "r1", "CreateUser")
ALLOWED, DENIED, IMPLICIT = (
    iam.Decision.ALLOWED,
    iam.Decision.DENIED,
    iam.Decision.IMPLICITLY_DENIED,
)


def access(action: str = "connect:ListUsers") -> iam.Access:
    return iam.Access(action, "arn:aws:connect:us-east-1:111122223333:instance/i", {})


async def a_user(stage: Stage, name: str = "ann", *documents: str) -> User:
    accounts = stage.service.accounts
    made = await accounts.submit(c.Create(kind="user", name=name), BY_ROOT)
    for number, document in enumerate(documents):
        await accounts.submit(c.PutInline("user", name, f"p{number}", document), BY_ROOT)
    assert isinstance(made, User)
    return made


async def a_role(stage: Stage, *documents: str) -> Role:
    accounts = stage.service.accounts
    made = await accounts.submit(c.Create(kind="role", name="r", document=a_trust()), BY_ROOT)
    for number, document in enumerate(documents):
        await accounts.submit(c.PutInline("role", "r", f"p{number}", document), BY_ROOT)
    assert isinstance(made, Role)
    return made


def decision(stage: Stage, key: str, token: str | None = None, **more: str) -> iam.Decision:
    credential = stage.service.accounts.secret(key, token)
    assert credential is not None
    return stage.service.accounts.decide(credential.principal, access(**more))


# Keys


async def test_a_key_is_known_while_it_is_active_and_its_user_is_there():
    async with a_node() as stage:
        accounts = stage.service.accounts
        user = await a_user(stage)
        key, secret = await accounts.create_key("ann", BY_ROOT)
        found = accounts.secret(key, None)
        assert found is not None
        assert (found.secret, found.expires, len(secret)) == (secret, None, 40)
        principal = found.principal
        assert (principal.type, principal.id, principal.name) == ("User", user.id, "ann")
        assert principal.arn == f"arn:aws:iam::{ACCOUNT}:user/ann"
        assert secret not in repr(found)
        await accounts.submit(c.SetKey("ann", key, active=False), BY_ROOT)
        assert accounts.secret(key, None) is None
        await accounts.submit(c.SetKey("ann", key, active=True), BY_ROOT)
        assert accounts.secret(key, None) is not None
        await accounts.submit(c.DeleteKey("ann", key), BY_ROOT)
        assert accounts.secret(key, None) is None


async def test_the_root_is_who_the_configuration_says_and_may_do_everything():
    async with a_node() as stage:
        found = stage.service.accounts.secret(ROOT[0], None)
        assert found is not None
        assert found.secret == ROOT[1]
        assert (found.principal.type, found.principal.id) == ("Account", ACCOUNT)
        assert decision(stage, ROOT[0]) is ALLOWED
        assert stage.service.accounts.secret(ROOT[0], "token") is None
        assert stage.service.accounts.secret("AKIANOBODY", None) is None


async def test_a_change_is_followed_at_once():
    async with a_node() as stage:
        accounts = stage.service.accounts
        await a_user(stage)
        key, _ = await accounts.create_key("ann", BY_ROOT)
        assert accounts.last_used(key) is None
        assert decision(stage, key) is IMPLICIT
        assert accounts.last_used(key) == (stage.now, "connect")
        await accounts.submit(c.Attach("user", "ann", ADMIN), BY_ROOT)
        assert decision(stage, key) is ALLOWED
        await accounts.submit(c.Create(kind="group", name="g"), BY_ROOT)
        deny = a_policy("connect:List*", effect="Deny")
        await accounts.submit(c.PutInline("group", "g", "p", deny), BY_ROOT)
        assert decision(stage, key) is ALLOWED
        await accounts.submit(c.Join("ann", "g"), BY_ROOT)
        assert decision(stage, key) is DENIED
        assert decision(stage, key, action="connect:GetMetricData") is ALLOWED
        await accounts.submit(c.Leave("ann", "g"), BY_ROOT)
        assert decision(stage, key) is ALLOWED


async def test_a_stored_policy_that_can_no_longer_be_read_denies_everything(monkeypatch, caplog):
    async with a_node() as stage:
        accounts = stage.service.accounts
        await a_user(stage, "ann", a_policy("*"), a_policy("s3:*", effect="Deny"))
        key, _ = await accounts.create_key("ann", BY_ROOT)
        assert decision(stage, key) is ALLOWED

        def stricter(text: str, kind: iam.Kind) -> iam.Policy:
            if "s3" in text:
                raise Refusal("MalformedPolicyDocument", "not any more")
            return parse(text, kind)

        parse = iam.parse
        monkeypatch.setattr(iam, "parse", stricter)
        assert decision(stage, key) is DENIED
        assert "put it anew" in caplog.text


# Sessions


async def test_a_session_of_a_role_has_what_role_and_session_both_allow():
    async with a_node() as stage:
        accounts = stage.service.accounts
        role = await a_role(stage, a_policy("connect:*"))
        for policy, expected in (
            (None, ALLOWED),
            (a_policy("connect:List*"), ALLOWED),
            (a_policy("connect:Get*"), IMPLICIT),
            (a_policy("connect:List*", effect="Deny"), DENIED),
        ):
            claims = Claims(role.id, "ann", stage.now, policy, tags={"floor": "3"})
            issued = accounts.issue(claims, stage.now + HOUR)
            assert decision(stage, issued.access_key_id, issued.token) is expected
            assert (
                decision(stage, issued.access_key_id, issued.token, action="s3:Get") is not ALLOWED
            )
        found = accounts.secret(issued.access_key_id, issued.token)
        assert found is not None
        assert found.secret == issued.secret
        principal = found.principal
        assert principal.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/r/ann"
        assert (principal.id, principal.name) == (f"{role.id}:ann", None)
        assert (principal.tags, principal.token_issued) == ({"floor": "3"}, stage.now)
        assert principal.role_arn == f"arn:aws:iam::{ACCOUNT}:role/r"


async def test_a_session_policy_that_was_deleted_allows_nothing(caplog):
    async with a_node() as stage:
        accounts = stage.service.accounts
        role = await a_role(stage, a_policy("*"))
        policy = await accounts.submit(
            c.Create(kind="policy", name="p", document=a_policy("connect:List*")), BY_ROOT
        )
        assert policy is not None
        claims = Claims(role.id, "ann", stage.now, policies=(policy.id,))
        issued = accounts.issue(claims, stage.now + HOUR)
        assert decision(stage, issued.access_key_id, issued.token) is ALLOWED
        await accounts.submit(c.Delete("policy", accounts.account.arn(policy)), BY_ROOT)
        assert decision(stage, issued.access_key_id, issued.token) is DENIED
        assert not caplog.records, "which is nothing that an operator must know"


async def test_a_session_token_opens_for_its_own_key_and_time_only():
    async with a_node() as stage:
        accounts = stage.service.accounts
        user = await a_user(stage, "ann", a_policy())
        one, two = (accounts.issue(Claims(user.id, "", stage.now), stage.now + HOUR) for _ in "12")
        assert decision(stage, one.access_key_id, one.token) is ALLOWED
        assert one.secret != two.secret
        assert accounts.secret(one.access_key_id, two.token) is None
        assert accounts.secret(one.access_key_id, None) is None
        assert accounts.secret(one.access_key_id, one.token + "A") is None
        bearer = stage.service.sealer.seal("agent access", [one.access_key_id], stage.now + HOUR)
        assert accounts.secret(one.access_key_id, bearer) is None
        await stage.pass_time(HOUR // SECOND - 1)
        assert decision(stage, one.access_key_id, one.token) is ALLOWED
        await stage.pass_time(1)
        with pytest.raises(Refusal, match="ExpiredTokenException"):
            accounts.secret(one.access_key_id, one.token)


@pytest.mark.parametrize("kind", ["user", "role"])
async def test_a_session_ends_with_whom_it_stands_for_even_if_the_name_comes_back(kind):
    async with a_node() as stage:
        accounts = stage.service.accounts
        document = a_trust() if kind == "role" else None
        create = c.Create(kind=kind, name="x", document=document)
        entity = await accounts.submit(create, BY_ROOT)
        assert entity is not None
        issued = accounts.issue(Claims(entity.id, "s", stage.now), stage.now + HOUR)
        assert accounts.secret(issued.access_key_id, issued.token) is not None
        await accounts.submit(c.Delete(kind, "x"), BY_ROOT)
        await accounts.submit(create, BY_ROOT)
        assert accounts.secret(issued.access_key_id, issued.token) is None


# Life


async def test_everything_is_there_after_a_restart_and_no_secret_is_in_the_journal():
    journal, history = KeptJournal(), KeptHistory.open(None, print)
    async with a_node(journal, history=history) as stage:
        accounts = stage.service.accounts
        await stage.an_instance()
        await a_user(stage, "ann", a_policy())
        key, secret = await accounts.create_key("ann", BY_ROOT)
        role = await a_role(stage)
        issued = accounts.issue(Claims(role.id, "s", stage.now), stage.now + HOUR)
        before = state.image(accounts.account)
    records = list(journal.read(STREAM))
    assert not any(secret.encode() in record.payload for record in records)
    assert all(decode_outcome(record.payload).origin == BY_ROOT for record in records)
    async with a_node(journal, clock=stage.clock, history=history) as stage:
        accounts = stage.service.accounts
        assert state.image(accounts.account) == before
        assert len(stage.node.desks) == 1
        found = accounts.secret(key, None)
        assert found is not None
        assert found.secret == secret
        assert accounts.secret(issued.access_key_id, issued.token) is not None
        await a_user(stage, "bob")
        assert len(list(journal.read(STREAM))) == len(records) + 1


async def test_a_snapshot_bounds_the_replay_and_is_not_needed(monkeypatch):
    monkeypatch.setattr(module, "ACCOUNT_RECORDS_PER_SNAPSHOT", 3)
    journal = KeptJournal()
    async with a_node(journal) as stage:
        for name in "abcdefgh":
            await a_user(stage, name)
        before = state.image(stage.service.accounts.account)
    snapshot = journal.snapshot(STREAM)
    assert snapshot is not None
    assert snapshot.sequence == 6
    read, begun = journal.read, []

    def watched(instance: str, after: int = 0) -> Iterator[Record]:
        begun.append(after)
        return read(instance, after)

    monkeypatch.setattr(journal, "read", watched)
    async with a_node(journal, clock=stage.clock) as stage:
        assert begun == [6]
        assert state.image(stage.service.accounts.account) == before
    journal.save_snapshot(STREAM, 8, b"of another version")
    async with a_node(journal, clock=stage.clock) as stage:
        assert state.image(stage.service.accounts.account) == before


async def test_secrets_turn_to_a_new_encryption_key_at_a_start():
    journal = KeptJournal()
    async with a_node(journal) as stage:
        await a_user(stage)
        await a_user(stage, "bob")
        await stage.service.accounts.create_key("bob", BY_ROOT)
        key, secret = await stage.service.accounts.create_key("ann", BY_ROOT)
        new = b"n" * 32
        for ring in ((KEY,), (new, KEY), (new,)):
            prove(journal, Vault(ring))
            fresh = Accounts(stage.node, Sealer((KEY,)), Vault(ring), ACCOUNT, ROOT)
            fresh.recover()
            found = fresh.secret(key, None)
            assert found is not None
            assert found.secret == secret
        assert len(list(journal.read(STREAM))) == 4 + 2, "one per user, and once is enough"
        old = Accounts(stage.node, Sealer((KEY,)), Vault((KEY,)), ACCOUNT, ROOT)
        with pytest.raises(Fault, match="not configured"):
            old.recover()


async def test_without_an_encryption_key_no_secret_is_made():
    async with a_node() as stage:
        await a_user(stage)
        bare = Accounts(stage.node, Sealer((KEY,)), None, ACCOUNT, ROOT)
        bare.recover()
        with pytest.raises(Refusal, match="RINGFLOOR_ENCRYPTION_KEY"):
            await bare.create_key("ann", BY_ROOT)
        found = bare.secret(ROOT[0], None)
        assert found is not None


async def test_changes_at_once_are_made_one_after_the_other():
    async with a_node() as stage:
        await a_user(stage)
        accounts = stage.service.accounts
        made = await asyncio.gather(
            *(accounts.create_key("ann", BY_ROOT) for _ in range(5)), return_exceptions=True
        )
        assert sum(isinstance(each, Refusal) for each in made) == 3
        assert len(accounts.account.user("ann").keys) == 2


async def test_a_change_is_made_although_the_asker_has_gone():
    async with a_node() as stage:
        asking = asyncio.create_task(a_user(stage))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await a_user(stage, "bob")
        assert [each.name for each in stage.service.accounts.account.all("user")] == ["ann", "bob"]


async def test_a_journal_that_fails_ends_the_node_and_nothing_is_seen(monkeypatch):
    def broken(_records: object) -> None:
        raise Fault("the disk is full")

    async def life() -> None:
        async with a_node() as stage:
            monkeypatch.setattr(stage.journal, "append", broken)
            with pytest.raises(Fault, match="disk"):
                await a_user(stage)
            assert not stage.service.accounts.account.entities
            with pytest.raises(Refusal, match="ServiceUnavailable"):
                await a_user(stage, "bob")

    with pytest.raises(Fault, match="disk"):
        await life()
