"""IAM absent: what other accounts have and this one has not. Listings of it are empty.

Handlers of the IAM API, for clients that look before they connect or delete: Terraform's provider
asks for account aliases, for a role's instance profiles before it deletes the role, and for
everything that a user could have before it deletes a user by force.
"""

from collections.abc import Mapping

from ringfloor.base.errors import Refusal
from ringfloor.operations.context import Context
from ringfloor.operations.iam import NAMES, account_of, user_name
from ringfloor.operations.registry import Handler, Params, Result, identity

EMPTY: Mapping[str, str] = {
    "ListAccountAliases": "AccountAliases",
    "ListInstanceProfiles": "InstanceProfiles",
    "ListInstanceProfilesForRole": "InstanceProfiles",
    "ListMFADevices": "MFADevices",
    "ListOpenIDConnectProviders": "OpenIDConnectProviderList",
    "ListSAMLProviders": "SAMLProviderList",
    "ListServerCertificates": "ServerCertificateMetadataList",
    "ListServiceSpecificCredentials": "ServiceSpecificCredentials",
    "ListSigningCertificates": "Certificates",
    "ListSSHPublicKeys": "SSHPublicKeys",
    "ListVirtualMFADevices": "VirtualMFADevices",
}
"""Operation to the member that is an empty list."""


def _empty(name: str) -> Handler:
    async def listing(context: Context, params: Params) -> Result:
        for kind in ("role", "user"):
            whose = getattr(params, NAMES[kind], None)
            if whose is not None:
                account_of(context).named(kind, whose)
        listed: dict[str, object] = {EMPTY[name]: []}
        if "IsTruncated" in context.operation.members():
            listed["IsTruncated"] = False
        return listed

    return listing


for _name in EMPTY:
    identity(f"iam:{_name}")(_empty(_name))


@identity("iam:DeleteLoginProfile")
@identity("iam:GetLoginProfile")
async def login_profile(context: Context, params: Params) -> Result:
    """Nobody signs in to a console with a password of IAM."""
    user = account_of(context).user(user_name(context, params))
    raise Refusal("NoSuchEntity", f"Login Profile for User {user.name} cannot be found.")
