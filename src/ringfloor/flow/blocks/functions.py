"""Functions and views: what a flow asks of other people's programs, and what it keeps of it.

* A function that names no time limit has FUNCTION_MS; parameters are texts.
* Data of a view keep their kinds; what was filled in is $.Views.ViewResultData.

Source: behaviour specification, sections 6.4 and 6.5.
"""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from ringfloor.base.limits import FUNCTION_BYTES_MAX, FUNCTION_MS, FUNCTION_MS_MAX
from ringfloor.base.time import DAY, SECOND
from ringfloor.domain.dialogue import Answer, Ask, Heard, Invoke, ShowView, ViewAnswer
from ringfloor.flow import references
from ringfloor.flow.blocks.scene import (
    FAILURE,
    SUCCESS,
    Outcome,
    Scene,
    View,
    checked_record,
    checked_reply,
)

_SECONDS_MAX = FUNCTION_MS_MAX // SECOND
_VIEW_SECONDS_MAX = 7 * DAY // SECOND
_VIEW_MS = 400 * SECOND
"""A view's time when its flow names none, as in the reference's example."""


def invoke(scene: Scene) -> Ask | Outcome:
    arn = scene.single("LambdaFunctionARN")
    parameters = scene.texts("LambdaInvocationAttributes", FUNCTION_BYTES_MAX)
    if not arn or parameters is None:
        return FAILURE
    seconds = scene.whole(scene.parameters.get("InvocationTimeLimitSeconds"), 1, _SECONDS_MAX)
    validation = scene.record("ResponseValidation")
    return Invoke(
        function_arn=arn,
        parameters=parameters,
        timeout_ms=FUNCTION_MS if seconds is None else seconds * SECOND,
        response_type="JSON" if validation.get("ResponseType") == "JSON" else "STRING_MAP",
        asynchronous=_asynchronous(scene),
    )


def _asynchronous(scene: Scene) -> bool:
    return scene.parameters.get("InvocationType") == "ASYNCHRONOUS"


def answered(scene: Scene, heard: Heard) -> Outcome:
    if _asynchronous(scene):
        return SUCCESS
    if not isinstance(heard, Answer):
        return FAILURE
    kind = scene.record("ResponseValidation").get("ResponseType")
    try:
        reply = checked_reply(heard.payload, is_map=kind != "JSON")
    except ValueError:
        return FAILURE
    return Outcome(session=replace(scene.session, external=reply))


def show_view(scene: Scene) -> Ask | Outcome:
    resource = scene.record("ViewResource")
    view = scene.value(resource.get("Id"))
    data = scene.resolved(scene.record("ViewData"))
    if not view or data is None:
        return FAILURE
    return ShowView(
        view=view,
        version=references.as_text(resource.get("Version")) or None,
        data=data,
        timeout_ms=scene.milliseconds(
            scene.parameters.get("InvocationTimeLimitSeconds"), _VIEW_MS, _VIEW_SECONDS_MAX
        ),
    )


def viewed(scene: Scene, heard: Heard) -> Outcome:
    if not isinstance(heard, ViewAnswer):
        return FAILURE
    data = checked_record(heard.data)
    if data is None:
        return FAILURE
    views = {"Action": heard.action, "ViewResultData": data}
    return Outcome(result=heard.action, session=replace(scene.session, views=views))


def lambda_event(view: View, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The request that a function gets; roots that the view does not have are null or empty.

    Source: behaviour specification, section 6.5.
    """
    data = {name: view.get(name) for name in _EVENT_ROOTS}
    data |= {name: view.get(name) or {} for name in _EVENT_MAPS}
    data["MediaStreams"] = view.get("MediaStreams") or {"Customer": {"Audio": None}}
    queue = view.get("Queue")
    data["Queue"] = queue and {
        name: queue.get(name) for name in ("ARN", "Name", "OutboundCallerId")
    }
    return {
        "Details": {"ContactData": dict(sorted(data.items())), "Parameters": dict(parameters)},
        "Name": "ContactFlowEvent",
    }


_EVENT_MAPS = ("Attributes", "References", "SegmentAttributes", "Tags")
_EVENT_ROOTS = (
    "AwsRegion",
    "Channel",
    "ContactId",
    "CustomerEndpoint",
    "CustomerId",
    "Description",
    "InitialContactId",
    "InitiationMethod",
    "InstanceARN",
    "LanguageCode",
    "Name",
    "PreviousContactId",
    "RelatedContactId",
    "SystemEndpoint",
)
