"""Blocks: what each executable type of action asks, and what it makes of what it hears.

interpreter looks a type up in BLOCKS; a new block is a row there plus its functions in the module
of its kind. `ask` looks at the action and either asks the world for something or comes to an
outcome at once; `hear` turns the answer into an outcome, which may be to ask again. An outcome says
how the action went; where the flow goes on then is interpreter's business.

A row also says on which channels its action works. On another it takes its error branch or does
nothing, as Amazon Connect has it (the table at the end of section 6.4); an action that can have no
error branch goes on instead of ending the flow.

What no block executes stands in ERROR_BRANCH, with the reason.

Sources: behaviour specification, sections 6.3 to 6.6; Amazon Connect administrator guide, Flow
block definitions.
"""

from collections.abc import Mapping

from ringfloor.domain.dialogue import (
    CheckCall,
    Disconnect,
    End,
    TransferToAgent,
    TransferToQueue,
)
from ringfloor.flow.blocks import (
    bots,
    contact,
    control,
    entry,
    functions,
    messages,
    places,
)
from ringfloor.flow.blocks.functions import lambda_event
from ringfloor.flow.blocks.scene import (
    FAILURE,
    SUCCESS,
    VOICE_ONLY,
    Block,
    On,
    Outcome,
    Scene,
    Support,
    View,
    checked_reply,
    over,
    over_when_done,
    result,
)

__all__ = [
    "BLOCKS",
    "CHANNELS",
    "ERROR_BRANCH",
    "FAILURE",
    "NOT_EXECUTABLE",
    "SUCCESS",
    "Block",
    "On",
    "Outcome",
    "Scene",
    "Support",
    "View",
    "checked_reply",
    "lambda_event",
    "support",
]

CHANNELS = ("VOICE", "CHAT", "TASK", "EMAIL")

_SILENT = On(task="nothing", email="nothing")
_TYPED = On(chat="error", email="error")
_NO_CALL = On(voice="error")
_RECORDED = On(task="error", email="error")
_SPOKEN = On(chat="nothing", task="nothing", email="nothing")
_PAUSED = On(voice="error", chat="error")

BLOCKS: Mapping[str, Block] = {
    # Participant actions
    "MessageParticipant": Block(messages.message, on=_SILENT),
    "MessageParticipantIteratively": Block(messages.loop, messages.interrupted, on=VOICE_ONLY),
    "GetParticipantInput": Block(entry.gather, entry.typed, on=_TYPED),
    "ConnectParticipantWithLexBot": Block(bots.converse, bots.heard),
    "ShowView": Block(functions.show_view, functions.viewed),
    "TransferParticipantToThirdParty": Block(
        places.third_party, places.third_party_left, on=VOICE_ONLY
    ),
    "DisconnectParticipant": Block(lambda _: Disconnect(), over),
    # Contact actions
    "UpdateContactAttributes": Block(contact.attributes),
    "UpdateContactData": Block(contact.data),
    "UpdateContactTargetQueue": Block(places.target_queue),
    "TransferContactToQueue": Block(lambda _: TransferToQueue(), over),
    "DequeueContactAndTransferToQueue": Block(places.dequeue, over_when_done),
    "TransferContactToAgent": Block(lambda _: TransferToAgent(), over_when_done),
    "UpdateContactEventHooks": Block(contact.hooks),
    "UpdateContactRoutingBehavior": Block(contact.routing),
    "UpdateRoutingCriteria": Block(contact.routing_criteria),
    "UpdateContactRoutingCriteria": Block(contact.routing_criteria),
    "UpdateContactRecordingBehavior": Block(contact.recording, on=_RECORDED),
    "UpdateContactRecordingAndAnalyticsBehavior": Block(contact.recording, on=_RECORDED),
    "UpdateContactMediaStreamingBehavior": Block(contact.streaming, on=VOICE_ONLY),
    "UpdateContactTextToSpeechVoice": Block(contact.voice, on=_SPOKEN),
    "UpdateContactCallbackNumber": Block(contact.callback_number, on=VOICE_ONLY),
    "UpdatePreviousContactParticipantState": Block(contact.previous_participant, on=VOICE_ONLY),
    "CompleteOutboundCall": Block(contact.complete_call, on=VOICE_ONLY),
    "CreateTask": Block(contact.create_task),
    "TagContact": Block(contact.tag),
    "UntagContact": Block(contact.untag),
    "UnTagContact": Block(contact.untag),
    "PauseContact": Block(contact.pause, on=_PAUSED),
    "ResumeContact": Block(contact.resume, on=_PAUSED),
    "InvokeFlowModule": Block(places.enter_module, places.module_left),
    "EndFlowModuleExecution": Block(places.leave_module, over),
    # Flow control actions
    "Compare": Block(control.compare),
    "CheckHoursOfOperation": Block(control.hours, result),
    "CheckMetricData": Block(control.metric, result),
    "GetMetricData": Block(control.metrics, control.measured),
    "CheckOutboundCallStatus": Block(lambda _: CheckCall(), result, on=VOICE_ONLY),
    "DistributeByPercentage": Block(control.draw, control.drawn),
    "Loop": Block(control.loop),
    "Wait": Block(control.wait, result, on=_NO_CALL),
    "TransferToFlow": Block(places.enter_flow, over),
    "EndFlowExecution": Block(lambda _: End("finished"), over),
    "UpdateFlowAttributes": Block(control.flow_attributes),
    "UpdateFlowLoggingBehavior": Block(control.logging),
    # Interactions
    "InvokeLambdaFunction": Block(functions.invoke, functions.answered),
    "CreateCallbackContact": Block(contact.create_callback, on=VOICE_ONLY),
}
"""The types that are executed."""

_NO_CASES = "Cases is another service"
_NO_PROFILES = "Customer Profiles is another service"
_NO_TABLES = "there are no data tables"
_NO_VOICE_ID = "Voice ID has been switched off by AWS"

ERROR_BRANCH: Mapping[str, str] = {
    "AssociateContactToCustomerProfile": _NO_PROFILES,
    "AuthenticateParticipant": "Cognito is another service",
    "CheckSegmentMembership": _NO_PROFILES,
    "CheckVoiceId": _NO_VOICE_ID,
    "CreateCase": _NO_CASES,
    "CreateContact": "its parameters are described nowhere",
    "CreateCustomerProfile": _NO_PROFILES,
    "CreatePersistentContactAssociation": "a persistent chat begins with StartChatContact",
    "CreateWisdomSession": "Amazon Q in Connect is another service",
    "EvaluateDataTableValues": _NO_TABLES,
    "GetCalculatedAttributesForCustomerProfile": _NO_PROFILES,
    "GetCase": _NO_CASES,
    "GetCustomerProfile": _NO_PROFILES,
    "GetCustomerProfileObject": _NO_PROFILES,
    "ListDataTableValues": _NO_TABLES,
    "LoadContactContent": "there is no e-mail",
    "RenderMessageTemplate": "there are no message templates",
    "RouteContactToAgent": "its parameters are described nowhere",
    "StartOutboundChatContact": "there is no SMS",
    "StartOutboundEmailContact": "there is no e-mail",
    "StartVoiceIdStream": _NO_VOICE_ID,
    "UpdateCase": _NO_CASES,
    "UpdateContactMediaProcessing": "messages of a chat are not processed on their way",
    "UpdateCustomerProfile": _NO_PROFILES,
    "UpsertDataTableValues": _NO_TABLES,
}
"""The types that are checked and then fail, and why."""

NOT_EXECUTABLE = Block(lambda _: FAILURE)
"""What stands in for a type that is not in BLOCKS."""


def support(block: Block, channel: str) -> Support:
    """What a block does on a channel; one that is not known is none that it works on."""
    match channel:
        case "VOICE":
            return block.on.voice
        case "CHAT":
            return block.on.chat
        case "TASK":
            return block.on.task
        case _:
            return block.on.email
