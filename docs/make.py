"""Makes the reference pages from the code: `python -m docs.make`.

Called by hand after a change; tests/docs fails while a page does not say what the code says.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

from ringfloor.aws import model
from ringfloor.base import limits
from ringfloor.call_logs import mapping
from ringfloor.config import (
    ACCESS_KEY_ID,
    CHECK_RESULTS,
    ENCRYPTION_KEY,
    SECRET_ACCESS_KEY,
    STREAM_SECRET,
)
from ringfloor.domain.quotas import QUOTAS
from ringfloor.flow import blocks, catalog
from ringfloor.gateway import voice_file
from ringfloor.operations import all as operations
from ringfloor.operations.registry import HANDLERS, IDENTITY
from ringfloor.projections import current_metrics, exports, historical_metrics, metric_terms
from ringfloor.settings_table import SETTINGS, variable

DOCS = Path(__file__).parent

Row = tuple[object, ...]


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def table(head: Row, rows: Iterable[Row]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _page(title: str, *parts: str) -> str:
    made = "<!-- Made by `python -m docs.make`; change the code instead. -->"
    return "\n\n".join([f"# {title}", made, *parts]) + "\n"


def operations_page() -> str:
    """What is real."""
    real = sorted(HANDLERS)
    return _page(
        "Operations",
        f"{len(real)} operations of the `connect` API are real. The others are decoded and"
        " validated and answer 501; [not-supported](../not-supported.md) lists them.",
        "\n".join(f"* {name}" for name in real),
    )


def not_supported_page() -> str:
    """What answers 501, and which blocks take their error branch."""
    missing = sorted(operations.missing(model.load("connect")))
    fail = [(f"`{name}`", reason) for name, reason in sorted(blocks.ERROR_BRANCH.items())]
    return _page(
        "Not supported yet",
        "## Operations",
        f"These {len(missing)} operations are routed, authenticated, decoded and validated, and"
        " then answer 501 `NotImplementedException`, which SDKs do not repeat.",
        "\n".join(f"* {name}" for name in missing),
        "## Flow blocks",
        "These action types are known: they are checked when a flow is published. When a contact"
        " comes to one it takes the branch of NoMatchingError, or its flow ends. All others run:"
        " [the blocks](reference/flow-blocks.md).",
        table(("action type", "why"), fail),
        "## Also",
        "* Channels other than voice\n* Customer queue, hold and whisper flows: the customer hears"
        " the queue's or the hold's music instead\n* Routing criteria, manual assignment,"
        " transfers, conferences, callbacks",
    )


def identity_page() -> str:
    """Which actions of IAM and STS are real."""
    parts = []
    for service, title in (("iam", "IAM"), ("sts", "STS")):
        names = sorted(
            name.partition(":")[2] for name in IDENTITY if name.startswith(f"{service}:")
        )
        parts += [f"## {title}", "\n".join(f"* {name}" for name in names)]
    return _page(
        "Identity operations",
        "These operations of the IAM and STS APIs are served on the same port, in the query"
        " protocol; [the guide](../iam.md) shows how they are used. The others answer 501.",
        *parts,
    )


def settings_page() -> str:
    """Options and variables."""
    rows = [
        (
            f"`--{setting.name}`",
            f"`{variable(setting)}`",
            f"`{setting.default}`" if setting.default and not setting.flag else "",
            setting.help + (f" ({', '.join(setting.choices)})" if setting.choices else ""),
        )
        for setting in SETTINGS
    ]
    return _page(
        "Settings",
        "Of `ringfloor serve`. An option goes before its variable. The key pair comes from"
        f" `{ACCESS_KEY_ID}` and `{SECRET_ACCESS_KEY}`, the keys that encrypt secrets at rest from"
        f" `{ENCRYPTION_KEY}`: 32 bytes in base64, or `@FILE`; several are separated by blanks, the"
        " first encrypts ([the guide](../iam.md#the-encryption-key)), the secrets that sign streams"
        f" from `{STREAM_SECRET}` ([the guide](../streams.md#webhooks)). For tests of the server"
        f" itself, `{CHECK_RESULTS}=1` compares every result with the service model before it is"
        " sent.",
        table(("option", "variable", "default", "meaning"), rows),
    )


def limits_page() -> str:
    """Every bound, and every quota."""
    quotas = [
        (f"`{name}`", each.title, each.default, each.per, each.reason)
        for name, each in sorted(QUOTAS.items())
    ]
    return _page(
        "Limits",
        table(
            ("limit", "value", "unit", "reason"),
            [(f"`{each.name}`", each.value, each.unit, each.reason) for each in limits.TABLE],
        ),
        "## Quotas\n\nHeld with `--limits aws`, or where `--quota NAME=N` names one.",
        table(("name", "of what", "default", "per", "source"), quotas),
    )


PLACES: Mapping[metric_terms.Facts, str] = {
    "legs": "contacts, once they are final: where they ended",
    "offers": "offers to agents: where they were decided",
    "occurrences": "what happens to contacts, at once: where it happened",
    "hand time": "the time that agents have a contact: cut at the borders",
    "agent time": "agents' time online: cut at the borders",
    "steps": "routing steps, at once: where they were entered",
    "flows": "flows and modules, at once: where they were started",
    "bots": "conversations with bots that are over: where their flow was started",
    "nothing": "nothing",
}
"""Kinds of facts, and in which interval one lies."""


def metrics_page() -> str:
    """What each metric means."""
    current = [(f"`{each.name}`", each.unit, each.doc) for each in current_metrics.METRICS]
    historical = [
        (
            ", ".join(f"`{name}`" for name in (each.name, *each.aliases)),
            ", ".join(" ".join(pair) for pair in each.pairs),
            each.facts,
            each.doc,
        )
        for each in historical_metrics.METRICS
    ]
    return _page(
        "Metrics",
        "## GetCurrentMetricData",
        table(("metric", "unit", "meaning"), current),
        "## What historical metrics are made of",
        table(
            ("facts", "what, and in which interval it lies"),
            [(facts, place) for facts, place in PLACES.items() if facts != "nothing"],
        ),
        "## GetMetricData",
        "All are filtered by Queues and Channels and grouped by QUEUE and CHANNEL. SERVICE_LEVEL"
        " takes a threshold, LT.",
        table(("metric", "statistic and unit", "facts", "meaning"), historical),
        "## GetMetricDataV2",
        "An answer without the rows that you expect says why, if the request has the header"
        " `x-ringfloor-explain: 1`: in the header `x-ringfloor-explanation`.",
        *_metrics_v2(),
    )


def _metrics_v2() -> Iterator[str]:
    """The metrics with data, what their codes stand for, and those without."""
    codes = dict[str, None]()
    rows: list[Row] = []
    missing: dict[str, list[str]] = {}
    for each in historical_metrics.METRICS_V2:
        assert each.v2 is not None, "a metric of GetMetricDataV2"
        if each.facts == "nothing":
            missing.setdefault(each.doc, []).append(f"`{each.v2.names[0]}`")
            continue
        own = each.v2.keys.split()
        codes |= dict.fromkeys(code.rstrip("*") for code in own)
        inner = (metric_terms.KEYS.get(code, "").split() for code in codes)
        codes |= dict.fromkeys(code for some in list(inner) for code in some)
        names, filters = ", ".join(f"`{name}`" for name in each.v2.names), each.v2.metric_filters
        of_own = ", ".join((*filters, " or ".join(each.v2.comparisons))).strip(", ")
        rows.append((names, each.v2.unit, each.facts, each.doc, each.v2.keys, of_own))
    yield table(
        (
            "metric",
            "unit",
            "facts",
            "meaning",
            "filters and groupings",
            "own filters, threshold",
        ),
        rows,
    )
    yield "Filters and groupings are written in codes; with a * it filters only:"
    known = [(code, _written(code)) for code in codes if code in metric_terms.KEYS]
    yield table(("code", "keys"), known)
    yield (
        "FLOWS_NEXT_RESOURCE_ID and FLOWS_NEXT_RESOURCE_QUEUE_ID filter only. All metrics of legs"
        f" are filtered by {metric_terms.TEST_TYPE}, too."
    )
    count = sum(map(len, missing.values()))
    yield f"### Without data\n\nThese {count} are accepted and have no value and no rows."
    yield "\n".join(f"* {doc[len('No data: ') : -1]}: {', '.join(n)}" for doc, n in missing.items())


def _written(code: str) -> str:
    """A code's keys; those that are codes themselves stand for more."""
    return ", ".join(f"`{key}`" for key in metric_terms.KEYS[code].split())


FORMS: Mapping[str, tuple[Mapping[str, object], ...]] = {
    "CheckMetricData": ({"MetricType": "NumberOfAgentsStaffed"}, {}),
    "GetParticipantInput": ({}, {"StoreInput": "True"}),
    "TransferParticipantToThirdParty": ({}, {"ContinueFlowExecution": "False"}),
    "UpdateContactRecordingAndAnalyticsBehavior": ({}, {"ChatBehavior": {}}),
}
"""Parameters by which a type takes each of its forms."""
PROBLEMS = (
    ("`Invalid Action type. Type: X, Path: P`", "the nearest type; or where X may stand"),
    ("`Invalid Action property name. Path: P`", "the nearest name, or all that are known"),
    ("`Invalid Action property value. Path: P`", "what it must be"),
    ("`Action is missing required property. Path: P`", "what it must be"),
    ("`Action is missing required error. Error: E, Path: P`", "the entry that is missing"),
    ("`Invalid Action error. Error: E, Path: P`", "the nearest error, or all that there are"),
    ("`Action does not support conditions. Path: P`", "what can be asked instead"),
    ("`Action does not support transitions. Path: P`", "what Transitions must be"),
    ("`Only one of these properties may be defined. Properties: [...], Path: P`", ""),
    ("`At least one of the following properties must be set. Properties: [...], Path: P`", ""),
    ("`Duplicate Action identifier. Identifier: I, Path: P`", ""),
    ("`Invalid property value. Path: P`", "of Version, StartAction, Actions: what it must be"),
)
DOES = {"yes": "yes", "error": "error branch", "nothing": "nothing"}


def _flow_types(row: catalog.Row) -> str:
    if row.flow_types >= catalog.FLOW_TYPES:
        return "all"
    without = sorted(catalog.FLOW_TYPES - row.flow_types)
    few = len(without) < len(row.flow_types)
    return f"all but {', '.join(without)}" if few else ", ".join(sorted(row.flow_types))


def _errors(rows: Iterable[catalog.Row]) -> str:
    """The errors of a type: those that must have a branch, then those that may."""
    given = list(rows)
    needed = [error for error in given[0].errors if all(error in row.errors for row in given)]
    others = [error for row in given for error in row.errors + row.may_fail if error not in needed]
    return ", ".join([*needed, *(f"{error}?" for error in dict.fromkeys(others))]) or "none"


def _parameters(rows: Iterable[catalog.Row]) -> str:
    """Every parameter, and what it must be."""
    given = list(rows)
    rules = {name: rule for row in given for name, rule in {**row.needs, **row.takes}.items()}
    if not rules:
        return "It takes no parameters."
    lines = [
        (f"`{name}`", "yes" if all(name in row.needs for row in given) else "", rule.expects)
        for name, rule in rules.items()
    ]
    return table(("parameter", "needed", "must be"), lines)


def _rows(type_: str) -> list[catalog.Row]:
    forms = FORMS.get(type_, ({},))
    return [row for form in forms if (row := catalog.row_of(type_, form)) is not None]


def blocks_page() -> str:
    """Which blocks run, where, and what they take."""
    overview = [
        (
            f"`{name}`",
            *(DOES[blocks.support(block, channel)] for channel in blocks.CHANNELS),
            _flow_types(catalog.CATALOG[name]),
            _errors(_rows(name)),
        )
        for name, block in sorted(blocks.BLOCKS.items())
    ]
    details = [
        f"## {name}\n\n{_parameters(_rows(name))}"
        + (f"\n\nConditions: {', '.join(sorted(row.operators))}." if row.operators else "")
        for name in sorted(blocks.BLOCKS)
        for row in _rows(name)[-1:]
    ]
    head = ("action type", "voice", "chat", "task", "e-mail", "flow types", "errors")
    return _page(
        "Flow blocks",
        "A contact can be taken through these action types of the flow language. On a channel that"
        " a block does not have it takes its error branch, or does nothing and goes on. Flow types:"
        " where it may stand; modules and campaign flows take all but what is for other flows"
        " alone. Errors: which must have a branch when the flow is published; those with a `?` may"
        " have one, or must in some forms of the block. What is known but does not run is listed"
        " [here](../not-supported.md#flow-blocks).",
        table(head, overview),
        "## What a refusal says\n\nEach problem begins with the words of the service and its"
        " `Path`, and ends with what to write instead. Programs can rely on what stands before"
        " that.",
        table(("problem", "then"), PROBLEMS),
        *details,
    )


def exports_page() -> str:
    """What is in the files that leave the house."""
    kinds = [(f"`{kind}`", meaning) for kind, meaning in exports.KINDS.items()]
    parts = []
    for name, each in exports.TABLES.items():
        rows = [(f"`{column.name}`", column.kind, column.doc) for column in each.columns]
        parts += [f"## {name}", each.title, table(("column", "kind", "what"), rows)]
    columns = [
        (f"`{column.name}`", column.kind, column.doc) for column in exports.metric_columns(("X",))
    ]
    return _page(
        "Exports",
        "The columns of the files that `ringfloor export` writes. How to ask for them, and what CSV"
        " does to texts, is in [Records](../records.md).",
        table(("kind", "what it is"), kinds),
        *parts,
        f"## {exports.METRICS}",
        "One row a metric of a row of the answer; `x` stands for each grouping of the request, in"
        " small letters.",
        table(("column", "kind", "what"), columns),
    )


def mapping_page() -> str:
    """What mapping files may say."""
    fields = [
        (f"`{name}`", field.kind, field.doc, ", ".join(field.words))
        for name, field in mapping.FIELDS.items()
    ]
    return _page(
        "Mapping files",
        "What the fields of a contact are called in a mapping file, which `ringfloor import` reads."
        " How to write one is in [Records](../records.md).",
        table(("field", "kind", "what", "words"), fields),
    )


def voice_page() -> str:
    """Everything that a voice file may have."""
    opening = (
        "Of the file that `ringfloor serve --voice FILE` and `ringfloor gateway` read ([the"
        " guide](../voice.md)). Whatever else stands in it is refused. Files are named beside it."
    )
    parts = [opening]
    for section, members in groupby(voice_file.MEMBERS, lambda each: each.section):
        heading = f"[[{section}]]" if section in {"trunk", "phone"} else f"[{section}]"
        rows = [
            (
                f"`{each.name}`",
                {"": "required", "-": ""}.get(each.default, each.default),
                each.meaning,
            )
            for each in members
        ]
        parts += [f"## {heading}", table(("member", "default", "meaning"), rows)]
    return _page("The voice file", *parts)


PAGES: Mapping[str, Callable[[], str]] = {
    "not-supported.md": not_supported_page,
    "reference/operations.md": operations_page,
    "reference/identity.md": identity_page,
    "reference/settings.md": settings_page,
    "reference/limits.md": limits_page,
    "reference/exports.md": exports_page,
    "reference/mappings.md": mapping_page,
    "reference/voice.md": voice_page,
    "reference/metrics.md": metrics_page,
    "reference/flow-blocks.md": blocks_page,
}


def main() -> None:
    """Write all pages."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page())
        sys.stdout.write(f"docs/{name}\n")


if __name__ == "__main__":
    main()
