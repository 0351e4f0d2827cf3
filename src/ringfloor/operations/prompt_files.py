"""Prompt files: what a prompt sounds like, fetched from where its S3Uri says, and kept.

Called by CreatePrompt and UpdatePrompt (operations.kinds, operations.updates). The sound is on the
disk before the prompt is made. Whoever names a file must be allowed to read it (s3:GetObject), as
at AWS: otherwise he could hear, as a prompt, what is not for him. Errors are those of the model.
"""

import re

from ringfloor.base.errors import Refusal, invalid_parameter
from ringfloor.base.limits import SOUND_BYTES_MAX
from ringfloor.domain.resources import Properties
from ringfloor.engine.effects import SOUND
from ringfloor.node.storage import Missing, Trouble, Unusable
from ringfloor.operations.context import Context
from ringfloor.operations.downloads import check_reader
from ringfloor.operations.registry import Params

_URIS = (
    re.compile(r"s3://([^/\s]+)/(\S.*)"),
    re.compile(r"https://([^/\s]+)\.s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com/(\S+)"),
    re.compile(r"https://s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com/([^/\s]+)/(\S+)"),
)


async def sound(context: Context, params: Params) -> Properties:
    """The property that says what the prompt sounds like; none if no file is named."""
    uri = params.S3Uri
    if uri is None:
        return {}
    found = next((match for each in _URIS if (match := each.fullmatch(uri))), None)
    if found is None:
        rule = "is no URI such as s3://bucket/key.wav or https://bucket.s3.amazonaws.com/key.wav"
        raise invalid_parameter("S3Uri", uri, rule)
    bucket, key = found.groups()
    check_reader(context, bucket, key)
    depot = context.service.depot
    assert depot is not None, "a server has one"
    try:
        file = await depot.beside(lambda: depot.storage.read(bucket, key, SOUND_BYTES_MAX))
        return {SOUND: await depot.sounds.keep(file)}
    except Missing:
        raise invalid_parameter("S3Uri", uri, "names no object that is there") from None
    except (Unusable, ValueError) as error:
        raise invalid_parameter("S3Uri", uri, str(error)) from error
    except Trouble as error:
        raise Refusal("InternalServiceException", f"S3Uri: cannot be read now: {error}") from error
