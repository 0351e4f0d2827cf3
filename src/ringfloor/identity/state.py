"""State: the account as it is. Entities by id, and what is derived from them to find them.

Only machine.apply changes it. Reading refuses with the IAM API's NoSuchEntity.
"""

from collections.abc import Iterator
from typing import TypeVar, cast

from ringfloor.base.codec import decoder, encode
from ringfloor.base.errors import Refusal
from ringfloor.base.time import Instant
from ringfloor.identity.entities import (
    KINDS,
    Entity,
    Group,
    Holder,
    Policy,
    Role,
    User,
    arn_of,
    kind_of,
)
from ringfloor.identity.managed import BY_ARN, MANAGED

E = TypeVar("E", User, Group, Role)

_decode = decoder(tuple[Instant, tuple[Entity, ...]]).decode


class Account:
    """The principals of one account. id: its 12 digits; at: when it last changed."""

    def __init__(self, account_id: str) -> None:
        self.id = account_id
        self.at: Instant = 0
        self.entities: dict[str, Entity] = {}
        self.names: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
        """Kind to lower-case name to id; names differ in more than their case, as at AWS."""
        self.owners: dict[str, str] = {}
        """Access key id to the id of its user."""
        self.members: dict[str, dict[str, None]] = {}
        """Id of a group to the ids of its users."""

    # Reading

    def find(self, kind: str, name: str) -> Entity | None:
        """The entity of this very name."""
        entity = self.entities.get(self.names[kind].get(name.lower(), ""))
        return entity if entity is not None and entity.name == name else None

    def user(self, name: str) -> User:
        return cast(User, self._named("user", name))

    def group(self, name: str) -> Group:
        return cast(Group, self._named("group", name))

    def role(self, name: str) -> Role:
        return cast(Role, self._named("role", name))

    def holder(self, kind: str, name: str) -> Holder:
        """A user, group or role."""
        return cast(Holder, self._named(kind, name))

    def policy(self, arn: str) -> Policy:
        """A managed policy, of AWS or of this account."""
        if arn in BY_ARN:
            return BY_ARN[arn]
        found = self.find("policy", arn.rpartition("/")[2])
        if found is None or self.arn(found) != arn:
            raise no_such("policy", arn)
        return cast(Policy, found)

    def named(self, kind: str, name: str) -> Entity:
        """An entity as the API names it: a policy by its ARN, all others by name."""
        return self.policy(name) if kind == "policy" else self._named(kind, name)

    def _named(self, kind: str, name: str) -> Entity:
        found = self.find(kind, name)
        if found is None:
            raise no_such(kind, name)
        return found

    def arn(self, entity: Entity) -> str:
        return arn_of(self.id, entity)

    def all(self, kind: str) -> list[Entity]:
        """All of a kind, in the order of their names."""
        names = self.names[kind]
        return [self.entities[names[name]] for name in sorted(names)]

    def owner(self, access_key_id: str) -> User | None:
        """The user of an access key."""
        return cast("User | None", self.entities.get(self.owners.get(access_key_id, "")))

    def attached(self, holder: Holder) -> list[Policy]:
        """The managed policies of a user, group or role, in the order of their names."""
        found = [MANAGED.get(each) or cast(Policy, self.entities[each]) for each in holder.attached]
        return sorted(found, key=lambda policy: (policy.name, policy.id))

    def holders(self, policy: Policy) -> list[Holder]:
        """Who has this managed policy attached."""
        return [
            entity
            for kind in ("group", "role", "user")
            for entity in self.all(kind)
            if not isinstance(entity, Policy) and policy.id in entity.attached
        ]

    def groups(self, user: User) -> list[Group]:
        """In the order of their names."""
        found = [cast(Group, self.entities[each]) for each in user.groups]
        return sorted(found, key=lambda group: group.name.lower())

    def users(self, group: Group) -> list[User]:
        """In the order of their names."""
        found = [cast(User, self.entities[each]) for each in self.members.get(group.id, ())]
        return sorted(found, key=lambda user: user.name.lower())

    # What machine.apply does

    def put(self, entity: Entity) -> None:
        self.remove(entity.id)
        self.entities[entity.id] = entity
        self.names[kind_of(entity)][entity.name.lower()] = entity.id
        if isinstance(entity, User):
            for key in entity.keys:
                self.owners[key.id] = entity.id
            for group in entity.groups:
                self.members.setdefault(group, {})[entity.id] = None

    def remove(self, identifier: str) -> None:
        """Forget an entity, if there is one."""
        entity = self.entities.pop(identifier, None)
        if entity is None:
            return
        del self.names[kind_of(entity)][entity.name.lower()]
        if isinstance(entity, User):
            for key in entity.keys:
                del self.owners[key.id]
            for group in entity.groups:
                del self.members[group][entity.id]
                if not self.members[group]:
                    del self.members[group]


def no_such(kind: str, name: str) -> Refusal:
    """NoSuchEntity, in AWS's words."""
    if kind == "policy":
        return Refusal("NoSuchEntity", f"Policy {name} does not exist or is not attachable.")
    return Refusal("NoSuchEntity", f"The {kind} with name {name} cannot be found.")


def image(account: Account) -> bytes:
    """The account as bytes, for a snapshot."""
    return encode((account.at, tuple(account.entities.values())))


def restore(account_id: str, payload: bytes) -> Account:
    """The account of an image; raises msgspec.MsgspecError if it is of another version."""
    account = Account(account_id)
    account.at, entities = _decode(payload)
    for entity in entities:
        account.put(entity)
    return account


def broken(account: Account) -> Iterator[str]:
    """What must always be true and is not."""
    fresh = Account(account.id)
    for entity in account.entities.values():
        fresh.put(entity)
        for policy in () if isinstance(entity, Policy) else entity.attached:
            if policy not in MANAGED and not isinstance(account.entities.get(policy), Policy):
                yield f"{entity.name} has a policy {policy} that is no more"
        for group in entity.groups if isinstance(entity, User) else ():
            if not isinstance(account.entities.get(group), Group):
                yield f"{entity.name} is in a group {group} that is no more"
        if isinstance(entity, Policy) and entity.default not in {v.number for v in entity.versions}:
            yield f"{entity.name} has no default version"
    for name in ("names", "owners", "members"):
        if getattr(account, name) != getattr(fresh, name):
            yield f"{name}: {getattr(account, name)} should be {getattr(fresh, name)}"
    for kind, names in account.names.items():
        if len(names) != sum(kind_of(each) == kind for each in account.entities.values()):
            yield f"two of the kind {kind} have one name"
