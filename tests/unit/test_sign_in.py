"""Sign-in: sessions by password and by federation, their tokens, and the limit on failures."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from node_builders import ACCOUNT, KEY, KeptJournal, Office, Stage, a_node
from ringfloor.aws.request import Principal
from ringfloor.aws.tokens import Sealer
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import (
    ACCESS_TOKEN_MS,
    REFRESH_TOKEN_MS,
    SIGN_IN_FAILURES_MAX,
    SIGN_IN_KEYS_MAX,
    SIGN_IN_WINDOW_MS,
    SIGN_INS_AT_ONCE_MAX,
    SIGN_INS_FROM_ONE_ADDRESS_MAX,
)
from ringfloor.base.time import SECOND, seconds
from ringfloor.domain import commands
from ringfloor.domain.events import Origin
from ringfloor.operations import passwords, sign_in
from ringfloor.operations.sign_in import Attempts, Bearer, Session

PASSWORD = "Ringfloor1"
HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with a_node() as stage:
        yield stage


@pytest.fixture
async def office(stage: Stage) -> Office:
    office = await stage.an_instance("office", management="CONNECT_MANAGED")
    await office.add_user("ann", PASSWORD)
    return office


async def enter(
    office: Office,
    attempts: Attempts | None = None,
    *,
    username: str = "ann",
    password: str = PASSWORD,
    instance: str = "office",
    source: str = HERE,
) -> Session:
    stage = office.stage
    attempts = Attempts() if attempts is None else attempts
    return await sign_in.sign_in(
        stage.service, attempts, instance, username, password, source, stage.now
    )


async def code(asked: Any) -> str:
    with pytest.raises(Refusal) as caught:
        await asked
    return caught.value.code


# Sessions


async def test_a_password_gives_a_session_whose_access_token_says_who(stage, office):
    session = await enter(office)
    assert session.access.expires == stage.now + ACCESS_TOKEN_MS
    assert session.refresh.expires == stage.now + REFRESH_TOKEN_MS
    bearer = await sign_in.who(stage.service, session.access.text, stage.now)
    assert bearer == Bearer(office.desk, office.id_of("user", "ann"))


async def test_the_instance_is_named_by_id_or_alias(office):
    assert await enter(office, instance=office.instance_id)


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "ringfloor1"},
        {"password": ""},
        {"username": "Ann"},
        {"username": "nobody"},
        {"instance": "another"},
        {"username": "passwordless"},
    ],
)
async def test_what_is_wrong_is_not_told(office, wrong):
    await office.add_user("passwordless")
    with pytest.raises(Refusal) as caught:
        await enter(office, **wrong)
    assert caught.value.code == "UnauthorizedException"
    assert caught.value.message == "the instance, the username or the password is wrong"


async def test_an_unknown_user_costs_as_much_hashing_as_a_known_one(office, monkeypatch):
    checked = []
    real = passwords.matches

    async def matches(stored: str | None, password: str) -> bool:
        checked.append(stored)
        return await real(stored, password)

    monkeypatch.setattr(passwords, "matches", matches)
    assert await code(enter(office, username="nobody")) == "UnauthorizedException"
    assert await code(enter(office, instance="another")) == "UnauthorizedException"
    assert checked == [None, None]


# Tokens


async def test_an_access_token_expires(stage, office):
    session = await enter(office)
    last = session.access.expires - 1
    assert await sign_in.who(stage.service, session.access.text, last)
    with pytest.raises(Refusal, match="expired") as caught:
        await sign_in.who(stage.service, session.access.text, last + 1)
    assert caught.value.code == "UnauthorizedException"


async def test_who_signs_out_ends_all_sessions_and_keeps_status_and_password(stage, office):
    first, second = await enter(office), await enter(office)
    kept = office.desk.center.agents[office.id_of("user", "ann")].status_id
    await sign_in.sign_out(stage.service, first.access.text, stage.now, HERE)
    for token in (first.access, second.access):
        assert await code(sign_in.who(stage.service, token.text, stage.now)) == (
            "UnauthorizedException"
        )
        assert await code(sign_in.authorize(stage.service, token.text, stage.now)) == (
            "UnauthorizedException"
        )
    assert await code(sign_in.refresh(stage.service, second.refresh.text, stage.now)) == (
        "UnauthorizedException"
    )
    again = await enter(office)  # at the same instant
    token = await sign_in.refresh(stage.service, again.refresh.text, stage.now)
    for good in (again.access.text, token.text):
        assert await sign_in.who(stage.service, good, stage.now)
    assert office.desk.center.agents[office.id_of("user", "ann")].status_id == kept


@pytest.mark.parametrize("token", [None, "", "x", "AAAA", "é", "A" * 10_000])
async def test_what_is_no_token_is_refused(stage, token):
    assert await code(sign_in.who(stage.service, token, stage.now)) == "UnauthorizedException"


async def test_a_forged_token_is_refused(stage, office):
    token = (await enter(office)).access.text
    middle = len(token) // 2
    forged = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
    assert await code(sign_in.who(stage.service, forged, stage.now)) == "UnauthorizedException"


async def test_a_token_of_another_key_is_refused(stage, office):
    token = (await enter(office)).access.text
    assert Sealer((KEY,)).open(sign_in.ACCESS, token, stage.now)
    with pytest.raises(Exception, match="agent access"):
        Sealer((KEY[::-1],)).open(sign_in.ACCESS, token, stage.now)


async def test_the_purposes_are_apart(stage, office):
    session = await enter(office)
    refused = sign_in.who(stage.service, session.refresh.text, stage.now)
    assert await code(refused) == "UnauthorizedException"
    refused = sign_in.refresh(stage.service, session.access.text, stage.now)
    assert await code(refused) == "UnauthorizedException"


async def test_tokens_survive_a_restart():
    journal = KeptJournal()
    async with a_node(journal) as before:
        office = await before.an_instance(management="CONNECT_MANAGED")
        user_id = await office.add_user("ann", PASSWORD)
        session = await enter(office)
    async with a_node(journal, before.clock, seed=2) as after:
        bearer = await sign_in.who(after.service, session.access.text, after.now)
        assert bearer == Bearer(after.node.desk(office.instance_id), user_id)


async def test_a_deleted_user_is_nobody(stage, office):
    session = await enter(office)
    user = office.id_of("user", "ann")
    await office.submit(commands.DeleteResource("user", user))
    await office.add_user("ann", PASSWORD)
    for asked in (
        sign_in.who(stage.service, session.access.text, stage.now),
        sign_in.refresh(stage.service, session.refresh.text, stage.now),
        sign_in.authorize(stage.service, session.access.text, stage.now),
    ):
        assert await code(asked) == "UnauthorizedException"


async def test_a_deleted_instance_has_nobody(stage, office):
    session = await enter(office)
    await stage.node.delete(office.instance_id, Origin())
    refused = sign_in.who(stage.service, session.access.text, stage.now)
    assert await code(refused) == "UnauthorizedException"


async def test_refreshing_gives_a_new_access_token(stage, office):
    session = await enter(office)
    later = stage.now + ACCESS_TOKEN_MS + 1
    token = await sign_in.refresh(stage.service, session.refresh.text, later)
    assert token.expires == later + ACCESS_TOKEN_MS
    assert await sign_in.who(stage.service, token.text, token.expires - 1)


async def test_no_refreshed_token_outlives_its_session(stage, office):
    session = await enter(office)
    end = session.refresh.expires
    token = await sign_in.refresh(stage.service, session.refresh.text, end - 1)
    assert token.expires == end
    refused = sign_in.refresh(stage.service, session.refresh.text, end)
    assert await code(refused) == "UnauthorizedException"


async def test_authorize_takes_either_token_but_renews_only_by_the_refresh_token(stage, office):
    session = await enter(office)
    later = stage.now + 30 * SECOND
    assert await sign_in.authorize(stage.service, session.access.text, later) == session.access
    token = await sign_in.authorize(stage.service, session.refresh.text, later)
    assert token.expires == later + ACCESS_TOKEN_MS
    for text in (session.access.text, session.refresh.text, "", "x"):
        refused = sign_in.authorize(stage.service, text, session.refresh.expires)
        assert await code(refused) == "UnauthorizedException"


# Failures


async def fail(office: Office, attempts: Attempts, **where: str) -> str:
    return await code(enter(office, attempts, password="wrong", **where))


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords that take no time."""

    async def matches(stored: str | None, password: str) -> bool:
        await asyncio.sleep(0)
        return stored is not None and password == PASSWORD

    monkeypatch.setattr(passwords, "matches", matches)


@pytest.mark.usefixtures("cheap")
class TestFailures:
    async def test_who_fails_too_often_is_not_heard_even_when_right(self, stage, office):
        attempts = Attempts()
        for _ in range(SIGN_IN_FAILURES_MAX):
            assert await fail(office, attempts) == "UnauthorizedException"
        with pytest.raises(Refusal, match="try again in 900 s") as caught:
            await enter(office, attempts)
        assert caught.value.code == "TooManyRequestsException"
        stage.clock.move_to(stage.now + SIGN_IN_WINDOW_MS - 1)
        with pytest.raises(Refusal, match="try again in 1 s"):
            await enter(office, attempts)
        stage.clock.move_to(stage.now + 1)
        assert await enter(office, attempts)

    async def test_others_and_other_addresses_are_still_heard(self, office):
        await office.add_user("bob", PASSWORD)
        attempts = Attempts()
        for _ in range(SIGN_IN_FAILURES_MAX + 1):
            await fail(office, attempts)
        assert await enter(office, attempts, source=ELSEWHERE)
        assert await enter(office, attempts, username="bob")

    async def test_the_instance_counts_once_by_whatever_name(self, office):
        attempts = Attempts()
        for username in ("ann", "nobody"):
            codes = [
                await fail(office, attempts, username=username, instance=name)
                for name in ("office", office.instance_id) * (SIGN_IN_FAILURES_MAX // 2 + 1)
            ]
            assert codes.count("UnauthorizedException") == SIGN_IN_FAILURES_MAX

    async def test_success_forgets_the_failures(self, office):
        attempts = Attempts()
        for _ in range(3):
            for _ in range(SIGN_IN_FAILURES_MAX - 1):
                await fail(office, attempts)
            await enter(office, attempts)
        assert len(attempts) == 0

    async def test_guesses_made_at_once_count_too(self, office):
        attempts = Attempts()
        refusals = await asyncio.gather(
            *(fail(office, attempts) for _ in range(SIGN_INS_FROM_ONE_ADDRESS_MAX))
        )
        assert refusals.count("UnauthorizedException") == SIGN_IN_FAILURES_MAX

    async def test_only_so_many_passwords_are_checked_at_once(self, office):
        attempts = Attempts()
        names = [f"user {number}" for number in range(SIGN_INS_AT_ONCE_MAX + 1)]
        refusals = await asyncio.gather(
            *(fail(office, attempts, username=name, source=name) for name in names)
        )
        assert refusals == ["UnauthorizedException"] * SIGN_INS_AT_ONCE_MAX + [
            "TooManyRequestsException"
        ]
        assert await enter(office, attempts)

    async def test_one_address_leaves_room_for_others(self, office):
        attempts = Attempts()
        names = [f"user {number}" for number in range(SIGN_INS_AT_ONCE_MAX)]
        (*refusals, session) = await asyncio.gather(
            *(fail(office, attempts, username=name) for name in names),
            enter(office, attempts, source=ELSEWHERE),
        )
        assert refusals.count("TooManyRequestsException") == 4
        assert session.access


def test_the_table_of_failures_is_bounded():
    attempts = Attempts()
    for number in range(SIGN_IN_KEYS_MAX + 10):
        attempts.begin(str(number).encode(), 0)
    assert len(attempts) == SIGN_IN_KEYS_MAX


def test_the_key_used_longest_ago_makes_room():
    attempts = Attempts()
    for _ in range(SIGN_IN_FAILURES_MAX):
        attempts.begin(b"guessed", 0)
    for number in range(SIGN_IN_KEYS_MAX - 1):
        attempts.begin(str(number).encode(), 0)
    for _ in range(2):
        with pytest.raises(Refusal):
            attempts.begin(b"guessed", 1)
        attempts.begin(b"another", 1)


# GetFederationToken


class FederationRequest(NamedTuple):
    InstanceId: str


def federate(office: Office, arn: str) -> Any:
    """The operation as the API's pipeline calls it; of the context it uses only these."""
    stage = office.stage

    class Context:
        service = stage.service
        principal = Principal(ACCOUNT, arn, "AKID")
        now = stage.now

        def desk(self, instance: str) -> Any:
            return stage.node.desk(instance)

        async def read(self, question: Any) -> Any:
            return await stage.node.read(question)

    request = FederationRequest(office.instance_id)
    return sign_in.get_federation_token(Context(), request)


@pytest.mark.parametrize(
    ("arn", "user"),
    [
        (f"arn:aws:iam::{ACCOUNT}:user/ann", "ann"),
        (f"arn:aws:iam::{ACCOUNT}:user/staff/ann", "ann"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/agents/ann", "ann"),
    ],
)
async def test_federation_is_for_the_user_of_the_callers_name(stage, arn, user):
    office = await stage.an_instance("saml", users=[user, "other"])
    answer = await federate(office, arn)
    user_id = office.id_of("user", user)
    assert answer["UserId"] == user_id
    assert answer["UserArn"] == f"{office.center.home.arn}/agent/{user_id}"
    assert answer["SignInUrl"].startswith("https://saml.my.connect.aws/")
    credentials = answer["Credentials"]
    assert credentials["AccessTokenExpiration"] == seconds(stage.now + ACCESS_TOKEN_MS)
    assert credentials["RefreshTokenExpiration"] == seconds(stage.now + REFRESH_TOKEN_MS)
    bearer = await sign_in.who(stage.service, credentials["AccessToken"], stage.now)
    assert bearer.user_id == user_id
    assert await sign_in.refresh(stage.service, credentials["RefreshToken"], stage.now)


async def test_federation_needs_a_user_of_that_name(stage):
    office = await stage.an_instance("saml", users=["ann", "root"])
    for caller in ("user/bob", "root"):  # the account's root stands for no user
        refused = federate(office, f"arn:aws:iam::{ACCOUNT}:{caller}")
        assert await code(refused) == "UserNotFoundException"


async def test_federation_is_not_for_passwords(office):
    refused = federate(office, f"arn:aws:iam::{ACCOUNT}:user/ann")
    assert await code(refused) == "InvalidRequestException"
