"""The account's machine: what may be, what may not, and that the records say it all."""

import json

import pytest

from identity_builders import ARN, AnAccount, a_policy, a_trust
from ringfloor.base.errors import Refusal
from ringfloor.identity import commands as c
from ringfloor.identity import machine, state
from ringfloor.identity.entities import KINDS, AccessKey, User
from ringfloor.identity.record import told

ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


def test_entities_have_the_ids_and_arns_of_their_kind():
    account = AnAccount()
    user = account.user(path="/team/", tags={"floor": "3"})
    assert (user.id[:4], len(user.id)) == ("AIDA", 21)
    assert account.state.arn(user) == f"{ARN}:user/team/ann"
    assert account.state.arn(account.role()) == f"{ARN}:role/reader"
    assert account.policy(path="/a/b/") == f"{ARN}:policy/a/b/own"
    assert len(machine.access_key_id(b"s" * 16)) == 20
    assert machine.access_key_id(b"s" * 16, temporary=True).startswith("ASIA")


@pytest.mark.parametrize("kind", ["user", "group", "role", "policy"])
def test_names_differ_in_more_than_their_case_and_are_found_as_they_are_written(kind):
    account = AnAccount()
    document = {"role": a_trust(), "policy": a_policy()}.get(kind)
    account.do(c.Create(kind=kind, name="Name", document=document))
    again = c.Create(kind=kind, name="nAME", document=document)
    assert account.refused(again, "already exists") == "EntityAlreadyExists"
    name = f"{ARN}:policy/nAME" if kind == "policy" else "nAME"
    assert account.refused(c.Delete(kind, name), "nAME") == "NoSuchEntity"
    account.do(c.Delete(kind, name.replace("nAME", "Name")))
    account.do(again)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (c.Create(kind="user", name=""), "1 to 64"),
        (c.Create(kind="user", name="a" * 65), "1 to 64"),
        (c.Create(kind="group", name="a" * 129), "1 to 128"),
        (c.Create(kind="user", name="a b"), "letters"),
        (c.Create(kind="user", name="\u00e4"), "letters"),
        (c.Create(kind="user", name="a\n"), "letters"),
        (c.Create(kind="user", name="a", path="team"), "Path"),
        (c.Create(kind="user", name="a", path="/team"), "Path"),
        (c.Create(kind="user", name="a", path=f"/{'p' * 511}/"), "512"),
        (c.Move("user", "ann", "a b", None), "letters"),
        (c.Move("user", "ann", "ANN ", None), "letters"),
        (c.Move("user", "ann", None, "x"), "NewPath"),
        (c.PutInline("user", "ann", "a b", a_policy()), "PolicyName"),
    ],
)
def test_names_and_paths_have_rules(command, says):
    account = AnAccount()
    account.user()
    assert account.refused(command, says) == "ValidationError"


def test_a_new_name_keeps_keys_groups_and_policies():
    account = AnAccount()
    account.user()
    account.group()
    account.do(c.Join("ann", "team"))
    account.do(c.CreateKey("ann", "AKIA1", b"sealed"))
    account.do(c.Move("group", "team", "crew", "/x/"))
    account.do(c.Move("user", "ann", "anna", None))
    account.user("ann")
    user = account.state.user("anna")
    assert account.state.owner("AKIA1") == user
    assert [each.name for each in account.state.groups(user)] == ["crew"]
    assert account.state.users(account.state.group("crew")) == [user]
    assert account.refused(c.Move("user", "anna", "ANN", None)) == "EntityAlreadyExists"
    account.do(c.Move("user", "anna", "ANNA", None))
    assert account.state.find("user", "anna") is None
    assert not list(state.broken(account.state))


def filled(account: AnAccount, limit: str) -> None:
    """Everything up to a limit."""
    match limit:
        case "keys":
            for number in range(2):
                account.do(c.CreateKey("ann", f"AKIA{number}", b""))
        case "groups":
            for number in range(11):
                account.group(f"g{number}")
            for number in range(10):
                account.do(c.Join("ann", f"g{number}"))
        case "attached":
            for number in range(11):
                account.policy(f"p{number}")
            for number in range(10):
                account.do(c.Attach("user", "ann", f"{ARN}:policy/p{number}"))
        case "versions":
            account.policy()
            for _ in range(4):
                account.do(c.CreateVersion(f"{ARN}:policy/own", a_policy(), False))
        case "tags":
            account.do(c.Tag("user", "ann", {f"k{number}": "" for number in range(50)}))


@pytest.mark.parametrize(
    ("limit", "command", "says"),
    [
        ("keys", c.CreateKey("ann", "AKIA9", b""), "AccessKeysPerUser: 2"),
        ("groups", c.Join("ann", "g10"), "GroupsPerUser: 10"),
        ("attached", c.Attach("user", "ann", f"{ARN}:policy/p10"), "PoliciesPerUser: 10"),
        ("versions", c.CreateVersion(f"{ARN}:policy/own", a_policy(), True), "up to 5"),
        ("tags", c.Tag("user", "ann", {"one": "more"}), "50"),
        ("", c.Create(kind="user", name="b", tags={str(n): "" for n in range(51)}), "50"),
        ("", c.PutInline("user", "ann", "p", a_policy("connect:" + "a" * 2048)), "2048"),
        ("", c.PutInline("group", "team", "p", a_policy("connect:" + "a" * 5120)), "5120"),
        ("", c.PutInline("role", "reader", "p", a_policy("connect:" + "a" * 10240)), "10240"),
        ("", c.Create(kind="policy", name="p", document=a_policy("a:" + "a" * 6144)), "6144"),
        ("", c.UpdateRole(name="reader", trust=a_trust(action="sts:" + "a" * 4096)), "4096"),
    ],
)
def test_every_limit_holds_and_says_itself(limit, command, says):
    account = AnAccount()
    account.user()
    account.group()
    account.role()
    filled(account, limit)
    assert account.refused(command, says) == "LimitExceeded"


def test_blanks_of_a_policy_do_not_count():
    account = AnAccount()
    account.user()
    document = json.loads(a_policy("connect:" + "a" * 1_900))
    account.do(c.PutInline("user", "ann", "p", json.dumps(document, indent=200)))
    assert account.refused(c.PutInline("user", "ann", "q", a_policy())) == "LimitExceeded"
    account.do(c.PutInline("user", "ann", "p", a_policy()))
    account.do(c.PutInline("user", "ann", "q", a_policy()))


@pytest.mark.parametrize("kind", KINDS)
def test_an_account_has_so_many_of_a_kind(kind, monkeypatch):
    monkeypatch.setitem(KINDS, kind, KINDS[kind]._replace(quota=1))
    account = AnAccount()
    document = {"role": a_trust(), "policy": a_policy()}.get(kind)
    account.do(c.Create(kind=kind, name="one", document=document))
    two = c.Create(kind=kind, name="two", document=document)
    assert account.refused(two, f"{KINDS[kind].quota_name}: 1") == "LimitExceeded"


@pytest.mark.parametrize(
    ("before", "command", "names"),
    [
        (c.CreateKey("ann", "AKIA1", b""), c.Delete("user", "ann"), "access keys first: AKIA1"),
        (c.Join("ann", "team"), c.Delete("user", "ann"), "from groups first: team"),
        (c.Join("ann", "team"), c.Delete("group", "team"), "from group first: ann"),
        (c.PutInline("user", "ann", "p", a_policy()), c.Delete("user", "ann"), "policies first: p"),
        (c.Attach("role", "reader", ADMIN), c.Delete("role", "reader"), ADMIN),
        (
            c.Attach("group", "team", f"{ARN}:policy/own"),
            c.Delete("policy", f"{ARN}:policy/own"),
            "group team",
        ),
        (
            c.CreateVersion(f"{ARN}:policy/own", a_policy(), True),
            c.Delete("policy", f"{ARN}:policy/own"),
            "v1",
        ),
        (c.Tag("user", "ann", {}), c.DeleteVersion(f"{ARN}:policy/own", "v1"), "v1"),
    ],
)
def test_what_is_in_use_cannot_be_deleted_and_the_message_names_by_what(before, command, names):
    account = AnAccount()
    account.user()
    account.group()
    account.role()
    account.policy()
    account.do(before)
    assert account.refused(command, names) == "DeleteConflict"


def test_what_is_rid_of_everything_can_be_deleted():
    account = AnAccount()
    account.user()
    account.group()
    arn = account.policy()
    account.do(c.CreateVersion(arn, a_policy("connect:List*"), True))
    account.do(c.Join("ann", "team"))
    account.do(c.CreateKey("ann", "AKIA1", b""))
    account.do(c.PutInline("user", "ann", "p", a_policy()))
    account.do(c.Attach("user", "ann", arn))
    for command in (
        c.DeleteVersion(arn, "v1"),
        c.Detach("user", "ann", arn),
        c.PutInline("user", "ann", "p", None),
        c.DeleteKey("ann", "AKIA1"),
        c.Leave("ann", "team"),
        c.Delete("user", "ann"),
        c.Delete("group", "team"),
        c.Delete("policy", arn),
    ):
        account.do(command)
    assert not account.state.entities
    assert not account.state.owners
    assert not account.state.members


@pytest.mark.parametrize(
    "command",
    [
        c.Delete("user", "bob"),
        c.Delete("policy", f"{ARN}:policy/x/own"),
        c.Delete("policy", "arn:aws:iam::999999999999:policy/own"),
        c.Join("ann", "crew"),
        c.Join("bob", "team"),
        c.Leave("ann", "team"),
        c.Detach("user", "ann", ADMIN),
        c.Attach("user", "ann", "arn:aws:iam::aws:policy/NoSuch"),
        c.PutInline("user", "ann", "p", None),
        c.SetKey("ann", "AKIA1", False),
        c.DeleteKey("ann", "AKIA1"),
        c.SetDefaultVersion(f"{ARN}:policy/own", "v2"),
        c.DeleteVersion(f"{ARN}:policy/own", "2"),
        c.UpdateRole(name="reader"),
    ],
)
def test_what_is_not_there_is_named(command):
    account = AnAccount()
    account.user()
    account.group()
    account.policy()
    assert account.refused(command, " ") == "NoSuchEntity"


@pytest.mark.parametrize(
    "command",
    [
        c.PutInline("user", "ann", "p", "{}"),
        c.PutInline("user", "ann", "p", a_trust()),
        c.Create(kind="policy", name="p", document="no JSON"),
        c.Create(kind="role", name="r", document=a_policy()),
        c.UpdateRole(name="reader", trust=""),
        c.CreateVersion(f"{ARN}:policy/own", '{"Statement":[]}', True),
    ],
)
def test_a_policy_that_cannot_be_read_is_not_stored(command):
    account = AnAccount()
    account.user()
    account.role()
    account.policy()
    assert account.refused(command) == "MalformedPolicyDocument"


def test_versions_are_never_numbered_twice():
    account = AnAccount()
    arn = account.policy()
    account.do(c.CreateVersion(arn, a_policy("connect:Get*"), False))
    assert account.state.policy(arn).document == a_policy()
    account.do(c.SetDefaultVersion(arn, "v2"))
    assert account.state.policy(arn).document == a_policy("connect:Get*")
    account.do(c.DeleteVersion(arn, "v1"))
    account.do(c.CreateVersion(arn, a_policy("connect:List*"), True))
    policy = account.state.policy(arn)
    assert [each.id for each in policy.versions] == ["v2", "v3"]
    assert policy.document == a_policy("connect:List*")


@pytest.mark.parametrize(
    "command",
    [
        c.Delete("policy", ADMIN),
        c.Tag("policy", ADMIN, {"a": "b"}),
        c.CreateVersion(ADMIN, a_policy(), True),
        c.SetDefaultVersion(ADMIN, "v1"),
        c.DeleteVersion(ADMIN, "v1"),
        c.Create(kind="user", name="x", tags={"AWS:x": "y"}),
    ],
)
def test_what_is_awss_stays_as_it_is(command):
    assert AnAccount().refused(command, "AWS's") == "InvalidInput"


@pytest.mark.parametrize(
    "command",
    [
        c.Join("ann", "team"),
        c.Attach("user", "ann", ADMIN),
        c.PutInline("user", "ann", "p", a_policy()),
        c.SetKey("ann", "AKIA1", False),
        c.Tag("user", "ann", {"a": "1", "b": None}),
        c.UpdateRole(name="reader", description="reads"),
        c.Move("user", "ann", "ann", "/"),
        c.SetDefaultVersion(f"{ARN}:policy/own", "v1"),
    ],
)
def test_what_is_so_already_leaves_no_record(command):
    account = AnAccount()
    account.user()
    account.group()
    account.role()
    account.policy()
    account.do(c.CreateKey("ann", "AKIA1", b""))
    account.do(command)
    records = len(account.records)
    assert account.do(command) is None
    assert len(account.records) == records


def test_an_access_key_belongs_to_one_user():
    account = AnAccount()
    account.user()
    account.user("bob")
    account.do(c.CreateKey("ann", "AKIA1", b"1"))
    assert account.refused(c.CreateKey("bob", "AKIA1", b"2")) == "EntityAlreadyExists"
    assert account.refused(c.DeleteKey("bob", "AKIA1")) == "NoSuchEntity"
    account.do(c.SetKey("ann", "AKIA1", False))
    account.do(c.ResealKeys({"AKIA1": b"new"}))
    (key,) = account.state.user("ann").keys
    assert (key.active, key.sealed) == (False, b"new")


def test_the_records_make_the_same_account_again_and_so_does_an_image():
    account = AnAccount()
    account.user(tags={"a": "b"})
    account.group()
    account.role(description="reads", max_session_seconds=7200)
    account.do(c.Join("ann", "team"))
    account.do(c.Attach("role", "reader", account.policy()))
    account.do(c.CreateKey("ann", "AKIA1", b"sealed"))
    account.do(c.Delete("user", account.user("bob").name))
    image = state.image(account.state)
    assert state.image(account.replayed()) == image
    assert state.image(state.restore(account.state.id, image)) == image
    assert state.restore(account.state.id, image).owners == account.state.owners


def test_a_record_is_told_without_secrets():
    account = AnAccount()
    account.user()
    account.do(c.CreateKey("ann", "AKIA1", b"sealed secret"))
    account.do(c.DeleteKey("ann", "AKIA1"))
    account.do(c.Delete("user", "ann"))
    (_, key, _, gone) = map(told, account.records)
    at, origin, (event,) = key
    assert (at, origin.principal) == (1_700_000_002_000, "root")
    assert (event["event"], event["kind"], event["name"]) == ("EntityPut", "user", "ann")
    assert event["put"]["keys"] == [{"id": "AKIA1", "created_at": at, "active": True}]
    assert "sealed secret" not in json.dumps(event)
    identifier = event["id"]
    assert gone[2] == [{"event": "EntityRemoved", "kind": "user", "id": identifier, "name": "ann"}]


def test_old_records_without_later_fields_stay_readable():
    assert User("AIDA", "ann", "/", 0).keys == ()
    assert AccessKey("AKIA", b"", 0).active


def test_keys_of_tags_differ_in_more_than_their_case():
    """A condition on aws:PrincipalTag/Team would find either."""
    account = AnAccount()
    account.user(tags={"Team": "red", "floor": "3"})
    account.do(c.Tag("user", "ann", {"team": "blue"}))
    assert account.state.user("ann").tags == {"floor": "3", "team": "blue"}
    twice = c.Tag("user", "ann", {"team": "red", "TEAM": "blue"})
    assert account.refused(twice, "case") == "InvalidInput"
    account.do(c.Tag("user", "ann", {"TEAM": None}))
    assert account.state.user("ann").tags == {"floor": "3"}


def test_a_seed_decides_ids_and_nothing_else_does():
    one, two = AnAccount(7), AnAccount(7)
    assert one.user().id == two.user().id != AnAccount(8).user().id


def test_reading_refuses_in_the_words_of_the_api():
    with pytest.raises(Refusal, match="The user with name ann cannot be found"):
        AnAccount().state.user("ann")
