"""Downloads: addresses under which a file is heard or saved by whoever has them, for a while.

The address is all that is needed, as with presigned ones at AWS: a sealed token that names one file
and ends soon. server.downloads answers it. What is kept elsewhere has an address there.
"""

from typing import Literal

from msgspec import Struct

from ringfloor.aws.access import Environment, accesses
from ringfloor.aws.request import ask, host_of
from ringfloor.base.limits import FILE_TOKEN_CHARS_MAX, RECORDING_URL_SECONDS
from ringfloor.base.time import SECOND
from ringfloor.operations.context import Context

PATH = "/_ringfloor/files/"
PURPOSE = "file download"


class Download(Struct, frozen=True, array_like=True):
    """What an address is good for."""

    kind: Literal["sound", "object"]
    name: str
    """The digest of a sound, or the key of an object."""
    bucket: str = ""
    saved_as: str = ""
    """The name of the file, at whoever saves it."""


def address(context: Context, download: Download) -> str:
    """Where it can be had for RECORDING_URL_SECONDS."""
    expires = context.now + RECORDING_URL_SECONDS * SECOND
    token = context.service.sealer.seal(PURPOSE, download, expires, FILE_TOKEN_CHARS_MAX)
    return f"http{'s' * context.secure}://{host_of(context.headers)}{PATH}{token}"


def check_reader(context: Context, bucket: str, key: str) -> None:
    """Refuses with AccessDeniedException who may not read the object himself."""
    environment = Environment(
        context.source,
        context.now,
        context.service.region,
        context.headers,
        lambda _arn: {},
        secure=context.secure,
    )
    sender, arn = context.principal, f"arn:aws:s3:::{bucket}/{key}"
    ask(
        context.service.accounts,
        sender,
        lambda: accesses("s3:GetObject", (arn,), sender, environment),
    )
