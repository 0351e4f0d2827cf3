"""Limits of a contact center at work: contacts, telephony, flows, the node, wait estimates."""

from ringfloor.base.limits.table import limit

# Agents and contacts
RING_MS = limit("RING_MS", 20_000, "ms", "an offer rings 20 s on every channel, as at AWS")
RING_SECONDS_MAX = limit(
    "RING_SECONDS_MAX",
    600,
    "s",
    "an operator lets offers ring ten minutes at most, or none is missed",
)
WHISPER_MS = limit(
    "WHISPER_MS",
    120_000,
    "ms",
    "a whisper lasts 2 minutes at most, or the call is dropped, as at AWS",
)
CLEAN_UP_MS = limit(
    "CLEAN_UP_MS",
    300_000,
    "ms",
    "a disconnect flow without a customer has time for many functions of 8 s, and keeps no contact",
)
DIAL_MS = limit("DIAL_MS", 60_000, "ms", "an outbound call that rings 60 s ends unanswered")
FLOW_ACTIONS_PER_TURN_MAX = limit(
    "FLOW_ACTIONS_PER_TURN_MAX",
    1_000,
    "actions",
    "a flow that does this much without waiting for anybody is an endless loop",
)
FLOW_WEIGHT_REFERENCES = limit(
    "FLOW_WEIGHT_REFERENCES",
    100,
    "references",
    "so many, or so many conditions, are as much work as one more action: about 0.1 ms",
)
FLOW_WEIGHT_CHARS = limit(
    "FLOW_WEIGHT_CHARS",
    10_000,
    "characters",
    "of an action's parameters, in which references are looked for: as much as one more action",
)
FLOW_CONTACTS_PER_TURN_MAX = limit(
    "FLOW_CONTACTS_PER_TURN_MAX",
    1_000,
    "contacts",
    "tasks whose flows make tasks in turn, and so on, without anybody having to wait",
)
FLOW_TRANSFERS_MAX = limit(
    "FLOW_TRANSFERS_MAX",
    20,
    "flows",
    "one flow after the other by TransferToFlow, about as many as at AWS",
)
CLIENT_TOKEN_MS = limit(
    "CLIENT_TOKEN_MS", 604_800_000, "ms", "a client token is good for 7 days, as at AWS"
)
REACTIONS_PER_COMMAND_MAX = limit(
    "REACTIONS_PER_COMMAND_MAX",
    1_000_000,
    "commands",
    "one change of a routing profile may concern every agent; more than this is a fault of ours",
)
CALL_PARTIES_MAX = limit(
    "CALL_PARTIES_MAX", 3, "parties", "of a call, who monitors not counted, as at AWS"
)
CALL_PARTIES_MULTI_MAX = limit(
    "CALL_PARTIES_MULTI_MAX", 6, "parties", "of a call with MULTI_PARTY_CONFERENCE, as at AWS"
)
CALL_MONITORS_MAX = limit(
    "CALL_MONITORS_MAX", 5, "supervisors", "who monitor one contact at once, as at AWS"
)
ATTRIBUTES_BYTES_MAX = limit(
    "ATTRIBUTES_BYTES_MAX", 32_768, "bytes", "user attributes of a contact, UTF-8, all pairs"
)

RECORD_MONTHS = limit(
    "RECORD_MONTHS",
    24,
    "months",
    "what is known of a contact is kept so long after it was initiated, as at AWS",
)
RECORD_MONTHS_MAX = limit(
    "RECORD_MONTHS_MAX",
    120,
    "months",
    "that an instance may be told to keep records: ten years, what the longest of laws ask for",
)
CONTACT_SEARCH_MS = limit(
    "CONTACT_SEARCH_MS",
    56 * 86_400_000,
    "ms",
    "longest time range of SearchContacts: eight weeks, as at AWS",
)
CONTACT_SEARCH_ROWS_DEFAULT = limit(
    "CONTACT_SEARCH_ROWS_DEFAULT", 10, "rows", "per page of SearchContacts without MaxResults"
)
CONTACT_SEARCH_SLICE = limit(
    "CONTACT_SEARCH_SLICE",
    1_000,
    "contacts",
    "live ones that a search looks at before others have their turn: a few ms",
)
ASSOCIATED_CONTACTS_DEFAULT = limit(
    "ASSOCIATED_CONTACTS_DEFAULT",
    100,
    "rows",
    "per page of ListAssociatedContacts; its MaxResults ends there",
)
CONTACT_TAGS_MAX = limit(
    "CONTACT_TAGS_MAX", 6, "tags", "of one contact that users have given it, as at AWS"
)
CONTACT_REFERENCES_MAX = limit(
    "CONTACT_REFERENCES_MAX",
    50,
    "references",
    "of one contact; AWS names no number, and 50 of the longest are less than half a megabyte",
)
SCHEDULE_AHEAD_MS = limit(
    "SCHEDULE_AHEAD_MS", 518_400_000, "ms", "a contact is scheduled 6 days ahead at most, as at AWS"
)

TASK_LIFE_MS = limit(
    "TASK_LIFE_MS", 604_800_000, "ms", "a task lives 7 days from its beginning, as at AWS"
)
TASK_LIFE_MINUTES_MAX = limit(
    "TASK_LIFE_MINUTES_MAX", 129_600, "minutes", "a task may live 90 days, as at AWS"
)
TASK_LINKS_MAX = limit(
    "TASK_LINKS_MAX", 12, "contacts", "of one chain of tasks, the first one included, as at AWS"
)
FLOW_TASKS_OPEN_MAX = limit(
    "FLOW_TASKS_OPEN_MAX",
    10_000,
    "tasks",
    "open at once, from which on flows make no more: tasks that make tasks with a delay would grow "
    "for ever; four times what AWS allows an instance",
)
TASK_PAUSES_MAX = limit(
    "TASK_PAUSES_MAX", 10, "pauses", "of one task: the model's TotalPauseCount ends there"
)
CALLBACK_LIFE_MS = limit(
    "CALLBACK_LIFE_MS", 604_800_000, "ms", "a queued callback waits 7 days at most; AWS has 7 to 14"
)

# Telephony
INTER_DIGIT_MS = limit(
    "INTER_DIGIT_MS", 5_000, "ms", "who has typed a digit has 5 s for the next, as at AWS"
)
TYPE_AHEAD_DIGITS_MAX = limit(
    "TYPE_AHEAD_DIGITS_MAX",
    30,
    "keys",
    "keys pressed while nobody gathers are kept for the next gathering, as AWS's buffer does",
)
CHANNELS_ENDED_MAX = limit(
    "CHANNELS_ENDED_MAX",
    20_000,
    "channels",
    "ids of ended channels are remembered so that a repeated command does not dial again; repeats "
    "come within seconds",
)
OPERATIONS_ENDED_MAX = limit(
    "OPERATIONS_ENDED_MAX",
    100,
    "operations",
    "playbacks and gathers of one channel that a repeated command does not begin again",
)
PHONE_CALLS_MAX = limit(
    "PHONE_CALLS_MAX",
    20_000,
    "channels",
    "simulated calls at once; more than any one instance serves, and about 100 MB",
)
PHONE_BEHAVIOURS_MAX = limit(
    "PHONE_BEHAVIOURS_MAX", 10_000, "numbers", "simulated numbers that do not simply answer"
)
PHONE_HEARD_MAX = limit(
    "PHONE_HEARD_MAX", 100, "entries", "what a simulated customer heard last, enough for a test"
)
PHONE_HEARD_CHARACTERS_MAX = limit(
    "PHONE_HEARD_CHARACTERS_MAX",
    1_000,
    "characters",
    "of each text heard; longer ones are cut, a test knows them by their beginning",
)
PHONE_HEARD_CALLS_MAX = limit(
    "PHONE_HEARD_CALLS_MAX", 1_000, "calls", "ended calls whose sounds can still be asked for"
)
PHONE_PLAYBACKS_PER_SECOND_MAX = limit(
    "PHONE_PLAYBACKS_PER_SECOND_MAX",
    50,
    "playbacks",
    "to one simulated phone without taking time; further ones last a second each, or a flow that "
    "plays for ever would stop the clock",
)

# Flows
FLOW_CONTENT_CHARS_MAX = limit(
    "FLOW_CONTENT_CHARS_MAX", 256_000, "characters", "the size of a flow's content, as at AWS"
)
FLOW_ACTIONS_MAX = limit("FLOW_ACTIONS_MAX", 250, "actions", "actions of one flow, as at AWS")
FLOW_IDENTIFIER_CHARS_MAX = limit(
    "FLOW_IDENTIFIER_CHARS_MAX", 50, "characters", "an action's identifier, as at AWS"
)
FLOW_NESTING_MAX = limit(
    "FLOW_NESTING_MAX",
    64,
    "levels",
    "JSON inside JSON, in a flow or a function's reply; views nest to about ten, and every walk "
    "over it stays far from the interpreter's own limit",
)
FLOW_MODULES_DEEP_MAX = limit(
    "FLOW_MODULES_DEEP_MAX", 5, "levels", "modules that invoke modules, as at AWS"
)
FLOW_PROBLEMS_MAX = limit(
    "FLOW_PROBLEMS_MAX", 50, "problems", "one refusal of a flow, as the model says"
)
FLOW_TEXT_CHARS_MAX = limit(
    "FLOW_TEXT_CHARS_MAX",
    65_536,
    "characters",
    "a text after its references are replaced; above every limit that such a text then meets",
)
FLOW_PROMPT_CHARS_MAX = limit(
    "FLOW_PROMPT_CHARS_MAX", 6_000, "characters", "one spoken or sent message, as at AWS"
)
FLOW_INPUT_DIGITS_MAX = limit(
    "FLOW_INPUT_DIGITS_MAX", 255, "digits", "longer than any account, card or phone number"
)
FLOW_DRAWING_SWEEPS = limit(
    "FLOW_DRAWING_SWEEPS", 60, "sweeps", "over the columns of a drawing; more changes little"
)
FLOW_DRAWING_WORK_MAX = limit(
    "FLOW_DRAWING_WORK_MAX",
    300_000,
    "steps",
    "of the sweeps of a drawing, so that a tangle of the most actions takes about two seconds",
)
FLOW_INTER_DIGIT_MS = limit(
    "FLOW_INTER_DIGIT_MS", 5_000, "ms", "between two digits of an input, as at AWS"
)
FLOW_BOT_TURNS_MAX = limit(
    "FLOW_BOT_TURNS_MAX",
    100,
    "turns",
    "a conversation with a bot that asks back for ever would never give the contact back",
)
FUNCTION_BYTES_MAX = limit(
    "FUNCTION_BYTES_MAX", 32_768, "bytes", "a function's parameters or its reply, as at AWS"
)
FUNCTION_MS = limit(
    "FUNCTION_MS", 3_000, "ms", "a function's time when its flow names none, as the AWS console's"
)
FUNCTION_MS_MAX = limit("FUNCTION_MS_MAX", 8_000, "ms", "a function's time, as at AWS")

# The node
TURN_COMMANDS_MAX = limit(
    "TURN_COMMANDS_MAX",
    1_000,
    "commands",
    "one commit for all that has queued up; more would keep the first asker waiting",
)
INBOX_MAX = limit(
    "INBOX_MAX", 10_000, "commands", "beyond ten full turns a client is told to come back"
)
RECORDS_PER_SNAPSHOT = limit(
    "RECORDS_PER_SNAPSHOT", 20_000, "records", "replayed in well under a second after a crash"
)
FACTS_PENDING_MAX = limit(
    "FACTS_PENDING_MAX", 5_000, "facts", "a batch that the history store loads in about 50 ms"
)
FUNCTION_ATTEMPTS_MAX = limit(
    "FUNCTION_ATTEMPTS_MAX", 3, "calls", "AWS asks a throttled or failing function three times"
)
FUNCTION_REPLY_BYTES_MAX = limit(
    "FUNCTION_REPLY_BYTES_MAX", 32_768, "bytes", "AWS's limit on what a flow takes from a function"
)
FUNCTION_THREADS_MAX = limit(
    "FUNCTION_THREADS_MAX",
    64,
    "threads",
    "Python callables at work at once; further calls wait, within their time",
)
SEALING_KEY_BITS_MIN = limit(
    "SEALING_KEY_BITS_MIN", 2_048, "bits", "an RSA key that input is encrypted with; less is weak"
)
SEALING_KEY_BITS_MAX = limit(
    "SEALING_KEY_BITS_MAX",
    8_192,
    "bits",
    "an RSA key that input is encrypted with; its messages still fit into an attribute",
)
TRACE_BYTES_MAX = limit(
    "TRACE_BYTES_MAX",
    65_536,
    "bytes",
    "the trace of one contact, about 400 actions; of a longer one the oldest are dropped",
)
TRACE_TEXT_CHARS_MAX = limit(
    "TRACE_TEXT_CHARS_MAX", 120, "characters", "what was asked or heard, in a trace: a line of it"
)

# Estimated wait time
WAIT_TRAINING_CONTACTS_MAX = limit(
    "WAIT_TRAINING_CONTACTS_MAX",
    20_000,
    "contacts",
    "the last ones, that a model of waits is trained on: a fortnight of a center with 1,500 a day;"
    " they take some minutes of a core and 200 MB meanwhile",
)
WAIT_TRAINING_BYTES_MAX = limit(
    "WAIT_TRAINING_BYTES_MAX",
    134_217_728,
    "bytes",
    "of their records: contacts with many attributes are long; of such fewer are learnt from",
)
WAIT_TRAINING_HOURS_MAX = limit(
    "WAIT_TRAINING_HOURS_MAX", 8_760, "h", "between two trainings of a model of waits: a year"
)
WAIT_TRAINING_FIRST_MS = limit(
    "WAIT_TRAINING_FIRST_MS",
    3_600_000,
    "ms",
    "after its start a server that has no model of waits trains the first one, when others are no"
    " longer busy with starting",
)
WAIT_TRAINING_SECONDS_MAX = limit(
    "WAIT_TRAINING_SECONDS_MAX",
    1_800,
    "s",
    "of real time that a training may take; then it is given up until the next one is due",
)
WAIT_MODEL_BYTES_MAX = limit(
    "WAIT_MODEL_BYTES_MAX",
    67_108_864,
    "bytes",
    "of the file of a model of waits; one is 1 MB long",
)
WAITS_ANNOUNCED_MAX = limit(
    "WAITS_ANNOUNCED_MAX",
    20_000,
    "contacts",
    "in line whose last told wait is remembered; who was told longest ago is forgotten first",
)
WAIT_STEPS_IDLE_MAX = limit(
    "WAIT_STEPS_IDLE_MAX",
    1_000,
    "routing steps",
    "whose agents are known although no contact is in them: criteria may name anything",
)
AFTER_CONTACT_WORK_SECONDS_MAX = limit(
    "AFTER_CONTACT_WORK_SECONDS_MAX", 2_000_000, "s", "of one user and channel, as at AWS"
)
CHAT_WORK_SECONDS_MAX = limit(
    "CHAT_WORK_SECONDS_MAX", 5_400, "s", "after contact work of a chat ends by then, as at AWS"
)

# Chats
CHAT_MINUTES_DEFAULT = limit(
    "CHAT_MINUTES_DEFAULT",
    1_500,
    "minutes",
    "a chat lives 25 hours unless told otherwise, as at AWS",
)
CHAT_CONNECT_MS = limit(
    "CHAT_CONNECT_MS", 300_000, "ms", "the customer of a chat connects within 5 minutes, as at AWS"
)
CHAT_TIMER_MINUTES_MIN = limit(
    "CHAT_TIMER_MINUTES_MIN", 2, "minutes", "of a timer for idle participants, as at AWS"
)
CHAT_TIMER_MINUTES_MAX = limit(
    "CHAT_TIMER_MINUTES_MAX", 480, "minutes", "of a timer for idle participants, as at AWS"
)
CHAT_MESSAGE_BYTES_MAX = limit(
    "CHAT_MESSAGE_BYTES_MAX", 16_384, "bytes", "of one message, as at AWS"
)
CHAT_ITEMS_MAX = limit(
    "CHAT_ITEMS_MAX", 5_000, "items", "of one chat; 25 hours with a message every 18 seconds"
)
CHAT_BYTES_MAX = limit(
    "CHAT_BYTES_MAX",
    4_194_304,
    "bytes",
    "of content of one chat: 256 of the longest messages; an ended one is read in 10 ms",
)
CHAT_RECENT_MAX = limit(
    "CHAT_RECENT_MAX",
    200,
    "messages",
    "of one chat that receipts may be given for, and client tokens that are known; clients repeat "
    "and read within seconds",
)
CHAT_PAST_MAX = limit(
    "CHAT_PAST_MAX",
    20,
    "chats",
    "ended ones that a chat continues; each is read when its page is asked for",
)
CHAT_PARTIES_MAX = limit(
    "CHAT_PARTIES_MAX",
    6,
    "parties",
    "of a chat with MULTI_PARTY_CHAT_CONFERENCE, who is awaited included, as at AWS",
)
CHAT_BOTS_MAX = limit("CHAT_BOTS_MAX", 1, "bots", "of the user's in one chat, as at AWS")
CHAT_STREAMS_MAX = limit(
    "CHAT_STREAMS_MAX", 5, "topics", "that one chat is told to; AWS names no number"
)
