"""Makes the reference pages from the code: `python -m docs.make`.

Called by hand after a change; tests/docs fails while a page does not say what the code says.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ringfloor.aws import model
from ringfloor.base import limits
from ringfloor.config import (
    ACCESS_KEY_ID,
    CHECK_RESULTS,
    ENCRYPTION_KEY,
    SECRET_ACCESS_KEY,
    SETTINGS,
    variable,
)
from ringfloor.domain.quotas import QUOTAS
from ringfloor.flow import blocks, catalog
from ringfloor.operations import all as operations
from ringfloor.operations.registry import HANDLERS, IDENTITY
from ringfloor.projections import current_metrics, historical_metrics

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
    known = sorted(set(catalog.CATALOG) - set(blocks.BLOCKS))
    return _page(
        "Not supported yet",
        "## Operations",
        f"These {len(missing)} operations are routed, authenticated, decoded and validated, and"
        " then answer 501 `NotImplementedException`, which SDKs do not repeat.",
        "\n".join(f"* {name}" for name in missing),
        "## Flow blocks",
        "These action types are known: they are checked when a flow is published. When a contact"
        " comes to one it takes the branch of NoMatchingError, or its flow ends.",
        "\n".join(f"* {name}" for name in known),
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
        " first encrypts ([the guide](../iam.md#the-encryption-key)). For tests of the server"
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


def metrics_page() -> str:
    """What each metric means."""
    current = [(f"`{each.name}`", each.unit, each.doc) for each in current_metrics.METRICS]
    historical = [
        (
            f"`{each.name}`",
            ", ".join(" ".join(pair) for pair in each.pairs),
            each.doc,
        )
        for each in historical_metrics.METRICS
    ]
    return _page(
        "Metrics",
        "## GetCurrentMetricData",
        table(("metric", "unit", "meaning"), current),
        "## GetMetricData",
        table(("metric", "statistic and unit", "meaning"), historical),
    )


def blocks_page() -> str:
    """Which blocks run."""
    return _page(
        "Flow blocks",
        "A contact can be taken through these action types of the flow language.",
        "\n".join(f"* {name}" for name in sorted(blocks.BLOCKS)),
    )


PAGES: Mapping[str, Callable[[], str]] = {
    "not-supported.md": not_supported_page,
    "reference/operations.md": operations_page,
    "reference/identity.md": identity_page,
    "reference/settings.md": settings_page,
    "reference/limits.md": limits_page,
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
