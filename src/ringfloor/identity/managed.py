"""Managed: the policies that AWS keeps for everybody and that habits expect, in our own words.

Attachable in every account under their ARNs at AWS; nobody can change or delete them.
"""

import msgspec

from ringfloor.base.time import Instant
from ringfloor.identity.entities import Policy, PolicyVersion, arn_of

_SINCE: Instant = 1_577_836_800_000
"""2020-01-01; AWS's own dates say nothing here."""


def _managed(number: int, name: str, description: str, *statements: dict[str, object]) -> Policy:
    document = {"Version": "2012-10-17", "Statement": statements}
    text = msgspec.json.encode(document).decode()
    return Policy(
        id=f"ANPARINGFLOOR{number:08}",
        name=name,
        path="/",
        created_at=_SINCE,
        updated_at=_SINCE,
        versions=(PolicyVersion(1, text, _SINCE),),
        description=description,
        by_aws=True,
    )


_ROWS = (
    _managed(
        1,
        "AdministratorAccess",
        "Everything.",
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
    ),
    _managed(
        2,
        "AmazonConnect_FullAccess",
        "Every action of the Amazon Connect API.",
        {"Effect": "Allow", "Action": "connect:*", "Resource": "*"},
    ),
    _managed(
        3,
        "AmazonConnectReadOnlyAccess",
        "Seeing everything in contact centers, changing nothing, signing in as nobody.",
        {
            "Effect": "Allow",
            "Action": ["connect:Describe*", "connect:Get*", "connect:List*", "connect:Search*"],
            "Resource": "*",
        },
        {"Effect": "Deny", "Action": "connect:GetFederationToken", "Resource": "*"},
    ),
)

MANAGED = {policy.id: policy for policy in _ROWS}

BY_ARN = {arn_of("aws", policy): policy for policy in _ROWS}
