"""Settings table: every setting of `ringfloor serve`, once.

Each is an option and, in capitals with RINGFLOOR_ before it, an environment variable. Read by
config, which makes values of them; the reference page is made from it.
"""

from typing import NamedTuple

from ringfloor.domain import numbers
from ringfloor.projections.current_rows import OLDEST_IN_MS


class Setting(NamedTuple):
    """One setting. flag: it takes no value; given twice it counts two."""

    name: str
    default: str
    metavar: str
    help: str
    choices: tuple[str, ...] = ()
    flag: bool = False
    many: bool = False


SETTINGS = (
    Setting("host", "127.0.0.1", "H", "address to listen on"),
    Setting("port", "8080", "P", "port to listen on; 0 picks a free one"),
    Setting("data", "ringfloor-data", "DIR", "directory of the journal and the history"),
    Setting("memory", "0", "", "keep everything in memory; nothing survives the end", flag=True),
    Setting("clock", "wall", "", "which clock everything obeys", ("wall", "virtual")),
    Setting(
        "sandbox",
        "0",
        "",
        "serve /_ringfloor/ unsigned: clock, simulated phones, agents' hands; give it twice to"
        " allow it on an address that is not this machine's own",
        flag=True,
    ),
    Setting(
        "voice",
        "",
        "FILE",
        "carry real calls, in a process beside this one, over the trunks and to the phones and"
        " browsers of this file; without it phones are simulated",
    ),
    Setting("region", "us-east-1", "R", "AWS Region in ARNs and signatures"),
    Setting("account", "123456789012", "A", "AWS account id in ARNs"),
    Setting("limits", "none", "", "AWS's rate limits and quotas, or none", ("aws", "none")),
    Setting(
        "flows",
        "strict",
        "",
        "which flows can be published: those that keep all of AWS's rules, or all that can run",
        ("strict", "lenient"),
    ),
    Setting(
        "oldest-in-ms",
        "ungrouped",
        "",
        "which rows of GetCurrentMetricData tell OLDEST_CONTACT_AGE in milliseconds; today's"
        " documentation of AWS says those without grouping, that of 2020 the others",
        OLDEST_IN_MS,
    ),
    Setting(
        "proxy",
        "",
        "NETWORK",
        "network of a proxy of yours, such as 10.0.0.0/8, whose X-Forwarded-For and"
        " X-Forwarded-Proto are believed; may be repeated (in the variable: separated by blanks)",
        many=True,
    ),
    Setting(
        "rate",
        "",
        "OPERATION=N/B",
        "calls of an operation, such as StopContact or iam:CreateUser, per second, and at once, per"
        " account; * for all that are not named; may be repeated (in the variable: separated by"
        " blanks)",
        many=True,
    ),
    Setting(
        "quota",
        "",
        "NAME=N",
        "how many there may be of something, such as queue=100; may be repeated (in the variable:"
        " separated by blanks)",
        many=True,
    ),
    Setting(
        "function",
        "",
        "ARN=URL",
        "bind a Lambda function to an HTTP address, or to a Python callable: ARN=python:"
        "package.module:callable; may be repeated (in the variable: separated by blanks)",
        many=True,
    ),
    Setting(
        "bot",
        "",
        "NAME=URL",
        "bind a Lex bot (its alias ARN, its id, or the name of one of Lex V1) to an HTTP address,"
        " or to a Python callable: NAME=python:package.module:callable; may be repeated (in the"
        " variable: separated by blanks)",
        many=True,
    ),
    Setting(
        "python",
        "0",
        "",
        "let functions and bots be Python callables, which run inside this server; a sandbox does",
        flag=True,
    ),
    Setting(
        "stream",
        "",
        "NAME=TARGET",
        "tell contact-events, contact-records or agent-events, as AWS does, to a file (a JSON"
        " object a line), to an http address (a POST each), to kinesis://STREAM, firehose://STREAM"
        " or, contact-events, to eventbridge://BUS; may be repeated (in the variable: separated by"
        " blanks)",
        many=True,
    ),
    Setting(
        "stream-batch",
        "1",
        "N",
        "how many lines of a stream go into one POST; more than 1: as an array",
    ),
    Setting(
        "kinesis-endpoint",
        "",
        "URL",
        "where Kinesis Data Streams is; then streams that instances name as their stores of contact"
        " records and agent events are told, too",
    ),
    Setting("firehose-endpoint", "", "URL", "where Data Firehose is; likewise"),
    Setting("events-endpoint", "", "URL", "where EventBridge is"),
    Setting(
        "number-pool",
        " ".join(numbers.DEFAULT),
        "RANGE",
        "phone numbers that can be claimed: COUNTRY:TYPE:+FIRST-+LAST; may be repeated (in the"
        " variable: separated by blanks)",
        many=True,
    ),
    Setting(
        "destination",
        "",
        "RULE",
        "where calls may lead: allow: or deny: and then a country (US), a beginning (+1900), a kind"
        " (premium-rate) or *; for one instance ALIAS=allow:US, instead of the others; the"
        " narrowest rule holds, and where one allows, what none names is denied; emergency numbers"
        " are, but for allow:emergency; may be repeated (in the variable: separated by blanks)",
        many=True,
    ),
    Setting(
        "outbound-rate",
        "",
        "N/B",
        "calls out of an instance per second, and at once; without it as many as one likes",
    ),
    Setting("outbound-calls", "", "N", "calls out of an instance that may be under way; likewise"),
    Setting(
        "ring-seconds",
        "20",
        "S",
        "how long an offer rings at an agent, on every channel, before he has missed it",
    ),
    Setting(
        "storage",
        "disk",
        "",
        "where recordings of calls are kept and the files of prompts are fetched: the data"
        " directory, or a service that speaks the API of S3 (ringfloor[aws])",
        ("disk", "s3"),
    ),
    Setting(
        "storage-endpoint",
        "",
        "URL",
        "where that service is, if it is not AWS's; its keys are found as boto3 finds them",
    ),
    Setting(
        "recording-days",
        "",
        "DAYS",
        "how long recordings are kept after the day of the call; without it for ever",
    ),
    Setting(
        "callback-rank",
        "call",
        "",
        "by what a queued callback is ranked in line: when the call began that asked for it, or"
        " when the callback itself entered the queue",
        ("call", "callback"),
    ),
    Setting(
        "callback-duration",
        "wait",
        "",
        "what Queue.Duration of an agent-first callback's record counts: its wait in the queue, or"
        " the initial delay before that, too",
        ("wait", "delay"),
    ),
    Setting(
        "train-waits",
        "24",
        "HOURS",
        "how often a model of waits is trained on each instance's own past, in a process of its"
        " own, if scikit-learn is there; off: never",
    ),
    Setting(
        "signature-window",
        "900",
        "S",
        "seconds that a signature may be older or newer than now",
    ),
)


def variable(setting: Setting) -> str:
    """The environment variable of a setting."""
    return "RINGFLOOR_" + setting.name.upper().replace("-", "_")
