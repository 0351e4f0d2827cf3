"""Accounts: the principals of this server's account, recovered, changed, and asked for their keys.

One of these stands beside the desks. A command is decided, appended to the journal's stream
ACCOUNT on the node's writer, and only then applied: what is seen is durable. For the API's edge
this is who knows the access keys (Secrets) and what they may do (Policies). Rules:

* Secrets of users are in the journal, encrypted by the vault. Temporary secrets are nowhere: they
  are made again from the access key id, and the session token says whom they stand for.
* A user or role that is gone, a key that is inactive, a token of another key: an unknown key.
* A stored policy that cannot be read any more denies everything: it may have been a Deny.
"""

import asyncio
import base64
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import msgspec
from msgspec import Struct

from ringfloor.aws import iam
from ringfloor.aws.request import Principal
from ringfloor.aws.sigv4 import Credential
from ringfloor.aws.tokens import Sealer, TokenExpired, TokenInvalid
from ringfloor.base.errors import Fault, Refusal
from ringfloor.base.ids import secret
from ringfloor.base.limits import ACCOUNT_RECORDS_PER_SNAPSHOT, SESSION_TOKEN_CHARS_MAX
from ringfloor.base.time import Instant
from ringfloor.domain.events import Origin
from ringfloor.identity import commands, machine, state
from ringfloor.identity.entities import Entity, Holder, Policy, Role, User, kind_of
from ringfloor.identity.managed import MANAGED
from ringfloor.identity.record import (
    ACCOUNT,
    EntityPut,
    Outcome,
    decode_outcome,
    encode_outcome,
)
from ringfloor.journal.journal import Record
from ringfloor.node.node import Node
from ringfloor.node.vault import Vault, settle

log = logging.getLogger(__name__)

RESEALING = "ringfloor:ResealSecrets"
"""The operation in the audit trail when secrets are sealed with a new key at a start."""

NO_VAULT = (
    "Secrets cannot be kept: start the server with an encryption key in RINGFLOOR_ENCRYPTION_KEY"
    " (ringfloor keys new makes one), or with a root key pair of your own."
)

_TOKEN = "session token"  # noqa: S105  a purpose
_SECRET_CHARS = 40


class Session(Principal, frozen=True):
    """Whom temporary credentials stand for. session_policies: ids of managed policies."""

    session_policies: tuple[str, ...] = ()
    transitive: tuple[str, ...] = ()
    """Keys of the tags that go on to the next role."""


class Claims(Struct, frozen=True, array_like=True):
    """What a session token says. subject: id of the user or role; empty for the root."""

    subject: str
    name: str
    issued: Instant
    policy: str | None = None
    policies: tuple[str, ...] = ()
    tags: dict[str, str] = {}
    transitive: tuple[str, ...] = ()


class _Sealed(Struct, frozen=True, array_like=True):
    access_key_id: str
    claims: Claims


@dataclass(frozen=True, slots=True)
class Temporary:
    """Temporary credentials."""

    access_key_id: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    expires: Instant


class Held(NamedTuple):
    """A policy and how somebody comes to it. source: as SimulatePrincipalPolicy names it."""

    source: str
    type: str
    document: str


class Accounts:
    """The principals of one account. root: the key pair from configuration."""

    def __init__(
        self,
        node: Node,
        sealer: Sealer,
        vault: Vault | None,
        account_id: str,
        root: tuple[str, str],
    ) -> None:
        self.node = node
        self.account = state.Account(account_id)
        self._sealer = sealer
        self._vault = vault
        self._root_key_id, self._root_secret = root
        self._root = Principal(
            account=account_id,
            arn=f"arn:aws:iam::{account_id}:root",
            access_key_id=self._root_key_id,
            id=account_id,
        )
        self._sequence = 0
        self._snapshot_sequence = 0
        self._lock = asyncio.Lock()
        self._opened: dict[str, str] = {}
        """Secrets by access key id, decrypted when first asked for."""
        self._used: dict[str, tuple[Instant, str]] = {}
        """When a key was last used since the start, and with which service."""

    # Life

    def recover(self) -> None:
        """Bring the account back, with every secret under the first key. Raises Fault."""
        snapshot = self.node.journal.snapshot(ACCOUNT)
        if snapshot is not None:
            try:
                self.account = state.restore(self.account.id, snapshot.payload)
            except msgspec.MsgspecError:
                pass  # of another version: replay everything
            else:
                self._sequence = self._snapshot_sequence = snapshot.sequence
        for record in self.node.journal.read(ACCOUNT, self._sequence):
            self._apply(_outcome(record))
        if self._vault is not None:
            self._reseal(self._vault)
            settle(self.node.journal, self._vault)

    def _reseal(self, vault: Vault) -> None:
        """One record per user, all in one append; nobody looks yet."""
        records = []
        for user in self.account.all("user"):
            assert isinstance(user, User)
            sealed = {
                key.id: vault.seal(vault.open(key.sealed, _purpose(key.id)), _purpose(key.id))
                for key in user.keys
                if not vault.fresh(key.sealed)
            }
            if sealed:
                command = commands.ResealKeys(sealed)
                outcome = self._decided(command, Origin(operation=RESEALING))
                assert outcome is not None
                records.append(self._record(outcome))
                self._apply(outcome)
        if records:
            self.node.journal.append(records)

    async def submit(self, command: commands.Command, origin: Origin) -> Entity | None:
        """Carry a command out; answers the last entity it put, when that is durable.

        Raises what the decision refuses. It is carried out even if the asker goes away.
        """
        return await asyncio.shield(self._carry_out(command, origin))

    async def _carry_out(self, command: commands.Command, origin: Origin) -> Entity | None:
        async with self._lock:
            outcome = self._decided(command, origin)
            if outcome is None:
                return None
            await self.node.write(partial(self.node.journal.append, [self._record(outcome)]))
            self._apply(outcome)
            if self._sequence - self._snapshot_sequence >= ACCOUNT_RECORDS_PER_SNAPSHOT:
                self._snapshot_sequence = self._sequence
                image = state.image(self.account)
                save = self.node.journal.save_snapshot
                await self.node.write(partial(save, ACCOUNT, self._sequence, image))
        put = [each.entity for each in outcome.events if isinstance(each, EntityPut)]
        return put[-1] if put else None

    def _decided(self, command: commands.Command, origin: Origin) -> Outcome | None:
        at = max(self.node.clock.now(), self.account.at)
        events = machine.decide(self.account, command, at, self.node.draw())
        return Outcome(at, events, origin) if events else None

    def _record(self, outcome: Outcome) -> Record:
        return Record(ACCOUNT, self._sequence + 1, outcome.at, encode_outcome(outcome))

    def _apply(self, outcome: Outcome) -> None:
        for event in outcome.events:
            machine.apply(self.account, event, outcome.at)
        self._sequence += 1
        for known in (self._opened, self._used):
            for gone in known.keys() - self.account.owners.keys():
                del known[gone]

    # Keys

    async def create_key(self, user: str, origin: Origin) -> tuple[str, str]:
        """A new access key of a user: its id and its secret, which is never told again."""
        if self._vault is None:
            raise Refusal("ValidationError", NO_VAULT)
        identifier = machine.access_key_id(self.node.draw())
        text = base64.b64encode(secret(_SECRET_CHARS * 3 // 4)).decode()
        sealed = self._vault.seal(text.encode(), _purpose(identifier))
        await self.submit(commands.CreateKey(user, identifier, sealed), origin)
        return identifier, text

    def issue(self, claims: Claims, expires: Instant) -> Temporary:
        """Temporary credentials."""
        identifier = machine.access_key_id(self.node.draw(), temporary=True)
        sealed = _Sealed(identifier, claims)
        token = self._sealer.seal(_TOKEN, sealed, expires, SESSION_TOKEN_CHARS_MAX)
        return Temporary(identifier, self._temporary_secret(identifier), token, expires)

    def _temporary_secret(self, access_key_id: str) -> str:
        raw = self._sealer.derive("temporary secret", access_key_id)
        return base64.b64encode(raw).decode()[:_SECRET_CHARS]

    def secret(self, access_key_id: str, session_token: str | None) -> Credential | None:
        """The credential of a key; ExpiredTokenException if its session has ended."""
        if session_token is not None:
            return self._temporary(access_key_id, session_token)
        if access_key_id == self._root_key_id:
            return Credential(self._root_secret, self._root)
        user = self.account.owner(access_key_id)
        key = next((each for each in user.keys if each.id == access_key_id), None) if user else None
        if user is None or key is None or not key.active:
            return None
        if access_key_id not in self._opened:
            if self._vault is None:
                return None
            plain = self._vault.open(key.sealed, _purpose(access_key_id))
            self._opened[access_key_id] = plain.decode()
        return Credential(self._opened[access_key_id], self._user(user, access_key_id))

    def _temporary(self, access_key_id: str, token: str) -> Credential | None:
        now = self.node.clock.now()  # by which it was issued; a client's own may differ
        try:
            sealed = self._sealer.open(_TOKEN, token, now, _Sealed, SESSION_TOKEN_CHARS_MAX)
        except TokenExpired:
            raise Refusal(
                "ExpiredTokenException", "The security token included in the request is expired"
            ) from None
        except TokenInvalid:
            return None
        if sealed.access_key_id != access_key_id:
            return None
        principal = self._bearer(sealed.claims, access_key_id)
        if principal is None:
            return None
        return Credential(self._temporary_secret(access_key_id), principal)

    def _user(self, user: User, access_key_id: str) -> Principal:
        return Principal(
            account=self.account.id,
            arn=self.account.arn(user),
            access_key_id=access_key_id,
            type="User",
            id=user.id,
            name=user.name,
            tags=user.tags,
        )

    def _bearer(self, claims: Claims, access_key_id: str) -> Principal | None:
        """Whom a session's credentials stand for; None if that is no more."""
        fresh = {"access_key_id": access_key_id, "token_issued": claims.issued}
        if not claims.subject:
            return msgspec.structs.replace(self._root, **fresh)
        match self.account.entities.get(claims.subject):
            case User() as user:
                return msgspec.structs.replace(self._user(user, access_key_id), **fresh)
            case Role() as role:
                return Session(
                    account=self.account.id,
                    arn=session_arn(self.account.id, role, claims.name),
                    access_key_id=access_key_id,
                    type="AssumedRole",
                    id=f"{role.id}:{claims.name}",
                    tags=_over(role.tags, claims.tags),
                    token_issued=claims.issued,
                    session_policy=claims.policy,
                    role_arn=self.account.arn(role),
                    session_policies=claims.policies,
                    transitive=claims.transitive,
                )
            case _:
                return None

    def last_used(self, access_key_id: str) -> tuple[Instant, str] | None:
        """When a key was last used and with which service, since the start of the server."""
        return self._used.get(access_key_id)

    # Policies

    def asks(self, principal: Principal) -> bool:
        """Whether policies decide about a principal; not about the root."""
        return principal.type != "Account"

    def decide(self, principal: Principal, access: iam.Access) -> iam.Decision:
        """What the account's policies say of an access. The root may do everything."""
        if principal.access_key_id in self.account.owners:
            service = access.action.partition(":")[0]
            self._used[principal.access_key_id] = self.node.clock.now(), service
        if not self.asks(principal):
            return iam.Decision.ALLOWED
        holder = self.account.entities.get(principal.id.partition(":")[0])
        if holder is None or isinstance(holder, Policy):
            return iam.Decision.IMPLICITLY_DENIED
        decision = _decided([each.document for each in self.held(holder)], access)
        if decision is not iam.Decision.ALLOWED:
            return decision
        session = self.session_documents(principal)
        return _decided(session, access, "session") if session else decision

    def session_documents(self, principal: Principal) -> list[str]:
        """The policies that narrow a session; empty if nothing does."""
        found = [principal.session_policy] if principal.session_policy is not None else []
        if isinstance(principal, Session):
            for each in principal.session_policies:
                policy = MANAGED.get(each) or self.account.entities.get(each)
                found.append(policy.document if isinstance(policy, Policy) else NOTHING)
        return found

    def held(self, holder: Holder) -> list[Held]:
        """All policies of a user, group or role; a user's groups' too."""
        groups = self.account.groups(holder) if isinstance(holder, User) else ()
        return [each for one in (holder, *groups) for each in self._held_by(one)]

    def _held_by(self, holder: Holder) -> Iterator[Held]:
        kind = kind_of(holder)
        for name, document in holder.inline.items():
            yield Held(f"{kind}_{holder.name}_{name}", kind, document)
        for policy in self.account.attached(holder):
            yield Held(
                policy.name, "aws-managed" if policy.by_aws else "user-managed", policy.document
            )


NOTHING = '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}'
"""Of a session policy that has been deleted since."""


def session_arn(account_id: str, role: Role, session: str) -> str:
    """The ARN of a role's session, which has no path."""
    return f"arn:aws:sts::{account_id}:assumed-role/{role.name}/{session}"


def _over(below: Mapping[str, str], above: Mapping[str, str]) -> dict[str, str]:
    """Tags with others over them; conditions do not mind the case of a key."""
    hidden = {key.lower() for key in above}
    return {key: value for key, value in below.items() if key.lower() not in hidden} | {**above}


def _decided(documents: list[str], access: iam.Access, kind: iam.Kind = "identity") -> iam.Decision:
    try:
        return iam.decide([iam.parse(each, kind) for each in documents], access)
    except Refusal:
        log.exception("a stored policy cannot be read, so that everything is denied; put it anew")
        return iam.Decision.DENIED


def _purpose(access_key_id: str) -> str:
    return f"secret of access key {access_key_id}"


def _outcome(record: Record) -> Outcome:
    try:
        return decode_outcome(record.payload)
    except msgspec.MsgspecError as error:
        raise Fault(
            f"record {record.sequence} of the account's principals is of a newer version or not"
            f" ours ({error}); start the version of Ringfloor that wrote it"
        ) from error
