"""Names: what a flow calls by name, `${queue:Sales}`, becomes what it is called in an instance.

Flows are kept in files that hold for any instance; `ringfloor flow import` asks the instance what
its resources are called and puts their ARNs in place of the names, `ringfloor flow check` sees to
it that the names can be meant. Rules:

* A name stands anywhere inside a text of an action's Parameters: `${flow:Main menu}`, and also
  `${flow:Main menu}:live`, whose rest qualifies the ARN. Texts outside Parameters are left alone.
* `$${` is the way to write a `${` that is no name.
* A kind is one of KINDS. Names are compared exactly; what is near is proposed.
* Where the language knows what a parameter names, only that kind may stand there.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

import msgspec

from ringfloor.base.errors import shown, shown_list
from ringfloor.flow import catalog
from ringfloor.flow.advice import Finding
from ringfloor.flow.envelope import Letter


class Kind(NamedTuple):
    """A kind of thing that has a name, and how an instance lists those that it has."""

    title: str
    operation: str
    rows: str
    """The member of the answer that holds them."""
    name: str = "Name"
    arn: str = "Arn"
    parameters: Mapping[str, str] = {}


KINDS: Mapping[str, Kind] = {
    "queue": Kind("queue", "ListQueues", "QueueSummaryList", parameters={"QueueTypes": "STANDARD"}),
    "flow": Kind("flow", "ListContactFlows", "ContactFlowSummaryList"),
    "module": Kind("flow module", "ListContactFlowModules", "ContactFlowModulesSummaryList"),
    "prompt": Kind("prompt", "ListPrompts", "PromptSummaryList"),
    "hours": Kind("hours of operation", "ListHoursOfOperations", "HoursOfOperationSummaryList"),
    "agent": Kind("user", "ListUsers", "UserSummaryList", name="Username"),
    "quick_connect": Kind("quick connect", "ListQuickConnects", "QuickConnectSummaryList"),
    "lambda": Kind("function", "ListLambdaFunctions", "LambdaFunctions", name="", arn=""),
    "view": Kind("view", "ListViews", "ViewsSummaryList"),
    "task_template": Kind("task template", "ListTaskTemplates", "TaskTemplates"),
}
"""By the word before the colon. lambda: the rows are the ARNs themselves."""

_REFERENCED = {"function": "lambda"}
"""Where catalog has another word for a kind."""

_NAME = re.compile(r"\$(\$?)\{(?:([A-Za-z_]*):([^{}]*)\})?")

Parameters = Mapping[str, str]
"""Further members of a listing's request."""

Known = Mapping[str, Mapping[str, Sequence[str]]]
"""ARNs by kind and name."""


class Use(NamedTuple):
    """One name in a flow.

    place: `Actions[3].Parameters.QueueId`. wants: the kind that belongs there; None if any will do.
    """

    place: str
    action: str
    type: str
    kind: str
    name: str
    wants: str | None


def names(content: str) -> list[Use]:
    """The names in a flow, in the order of its text; none in what is not JSON."""
    try:
        return list(_used(msgspec.json.decode(content)))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return []


def kinds(uses: Sequence[Use]) -> list[str]:
    """The kinds that must be asked for to resolve these."""
    return sorted({use.kind for use in uses} & KINDS.keys())


def known_by(kind: str, rows: Sequence[Any]) -> dict[str, list[str]]:
    """ARNs by name, from the rows that the kind's operation lists."""
    found: dict[str, list[str]] = {}
    row = KINDS[kind]
    for each in rows:
        if row.name:
            found.setdefault(str(each.get(row.name)), []).append(str(each.get(row.arn)))
        else:
            _, _, name = str(each).partition(":function:")
            found.setdefault(name.partition(":")[0], []).append(str(each))
            if ":" in name:
                found.setdefault(name, []).append(str(each))
    return found


def misused(letter: Letter, uses: Sequence[Use]) -> list[Finding]:
    """Names that cannot be meant, whatever the instance."""
    return [_finding(letter, use, *wrong) for use in uses if (wrong := _misuse(use)) is not None]


def unresolved(letter: Letter, uses: Sequence[Use], known: Known) -> list[Finding]:
    """Names that do not lead to exactly one thing of the instance, or cannot be meant."""
    found: list[Finding] = []
    for use in uses:
        wrong = _misuse(use) or _unknown(use, known.get(use.kind, {}))
        if wrong is not None:
            found.append(_finding(letter, use, *wrong))
    return found


def resolved(content: str, known: Known) -> str:
    """The flow with ARNs for names; all of them are known. Without names, it stays as written."""

    def replaced(found: re.Match[str]) -> str:
        escaped, kind, name = found[1], found[2], found[3]
        if escaped or kind is None:
            return found[0][1:] if escaped else found[0]
        return known[kind][name][0]

    document = msgspec.json.decode(content)
    changed = False
    for action in document.get("Actions", ()):
        before = action.get("Parameters")
        action["Parameters"] = _mapped(before, lambda text: _NAME.sub(replaced, text))
        changed = changed or action["Parameters"] != before
    return msgspec.json.encode(document).decode() if changed else content


# Where names stand


def _used(document: Any) -> Iterator[Use]:  # noqa: ANN401  any JSON value
    actions = document.get("Actions") if isinstance(document, dict) else None
    for number, action in enumerate(actions if isinstance(actions, list) else ()):
        if not isinstance(action, dict) or not isinstance(action.get("Parameters"), dict):
            continue
        type_, parameters = str(action.get("Type")), action["Parameters"]
        row = catalog.row_of(type_, parameters) or catalog.Row()
        wanted = {name: _REFERENCED.get(kind, kind) for name, kind in row.references}
        wanted = {name: kind for name, kind in wanted.items() if kind in KINDS}
        for path, text in _texts(parameters, ""):
            general = re.sub(r"\[[0-9]+\]", "[]", path)
            root = general.partition(".")[0]
            wants = wanted.get(general) or wanted.get(f"{root}.*")
            for found in _NAME.finditer(text):
                if not found[1] and found[2] is not None:
                    place = f"Actions[{number}].Parameters.{path}"
                    identifier = str(action.get("Identifier"))
                    yield Use(place, identifier, type_, found[2], found[3], wants)


def _texts(found: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401  any JSON value
    """(path, text) of every text inside."""
    if isinstance(found, str):
        yield path, found
    elif isinstance(found, dict):
        for name, each in found.items():
            yield from _texts(each, f"{path}.{name}" if path else name)
    elif isinstance(found, list):
        for number, each in enumerate(found):
            yield from _texts(each, f"{path}[{number}]")


def _mapped(found: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401  any JSON value
    if isinstance(found, str):
        return change(found)
    if isinstance(found, dict):
        return {name: _mapped(each, change) for name, each in found.items()}
    return [_mapped(each, change) for each in found] if isinstance(found, list) else found


# What is wrong with a name


def _misuse(use: Use) -> tuple[str, str] | None:
    """(message, what to write instead) of a name that cannot be meant."""
    written = f"${{{use.kind}:{use.name}}}"
    if use.kind not in KINDS:
        close = next(iter(get_close_matches(use.kind.lower(), KINDS, 1)), "")
        kinds = f"write ${{{close}:{use.name}}}" if close else f"the kinds are {', '.join(KINDS)}"
        return f"{shown(written)} is of no known kind", f"{kinds}; a ${{ that is no name is $${{"
    if not use.name:
        return f"{shown(written)} has no name", f"write ${{{use.kind}:NAME}}"
    if use.wants is not None and use.kind != use.wants:
        wants = KINDS[use.wants].title
        title = KINDS[use.kind].title
        return (
            f"{shown(written)} is a {title}, where a {wants} is named",
            f"write ${{{use.wants}:NAME}}",
        )
    return None


def _unknown(use: Use, known: Mapping[str, Sequence[str]]) -> tuple[str, str] | None:
    found = known.get(use.name, ())
    title = KINDS[use.kind].title
    if len(found) == 1:
        return None
    if found:
        return f"{len(found)} things of the kind {title} are named {shown(use.name)}", (
            f"write the ARN of one of them: {shown_list(list(found))}"
        )
    folded = {name.lower(): name for name in known}
    close = get_close_matches(use.name.lower(), folded, 1)
    if close:
        instead = f"write ${{{use.kind}:{folded[close[0]]}}}"
    elif known:
        instead = f"there are {shown_list(sorted(known))}"
    else:
        instead = "the instance has none"
    return f"The instance has no {title} named {shown(use.name)}", instead


def _finding(letter: Letter, use: Use, message: str, instead: str) -> Finding:
    place = letter.at(use.place)
    parameter = re.sub(r"^Actions\[[0-9]+\]\.Parameters\.", "", use.place)
    return Finding(
        place.line, place.column, use.place, use.action, use.type, parameter, message, instead
    )
