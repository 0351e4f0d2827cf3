"""Language: a flow's content becomes a Flow, or a refusal that lists all its problems.

operations parses content before it is stored and asks for its static references; the engine parses
stored content to run it. SAVED content need only have the shape of actions (document); PUBLISHED
content is held to every rule (rules, catalog).

parse raises nothing but Refusal, whatever the text. Rules may grow: who reads content that was
accepted before, such as a journal, parses it as SAVED, so that it stays readable.

Sources: behaviour specification, sections 6.1, 6.2, 6.4 and 6.7.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ringfloor.flow import catalog
from ringfloor.flow.document import (
    Action,
    Condition,
    Flow,
    Level,
    Problems,
    decoded,
    read_actions,
)
from ringfloor.flow.rules import check_action, check_document

__all__ = ["Action", "Condition", "Flow", "parse", "static_references"]


def parse(content: str, flow_type: str, *, published: bool, lenient: bool = False) -> Flow:
    """The flow of a content; Refusal InvalidContactFlowException with all problems at once.

    published: hold it to every rule, else only to its shape. lenient: of the rules, only those
    without which it cannot run (known types, known operators, existing targets); many flows that
    people have published break the others. flow_type: a type of the API, or MODULE.
    """
    strictness = Level.SHAPE
    if published:
        strictness = Level.RUNS if lenient else Level.RULE
    problems = Problems(strictness)
    document = decoded(content)
    actions = read_actions(document, problems)
    start = document.get("StartAction")
    if published:
        check_document(document, actions, problems)
        for place, action in actions:
            check_action(place, action, flow_type, problems)
    problems.refuse()
    found: dict[str, Action] = {}
    for _, action in actions:
        found.setdefault(action.identifier, action)
    return Flow(start if isinstance(start, str) else "", found)


def static_references(flow: Flow) -> tuple[tuple[str, str, str, str], ...]:
    """(kind, id or ARN, action identifier, parameter) of what a flow names without a `$.`.

    Kinds: queue, agent, flow, prompt, function, hours, module, bot, view.
    """
    return tuple(
        (kind, name, action.identifier, parameter)
        for action in flow.actions.values()
        if (row := catalog.row_of(action.type, action.parameters)) is not None
        for parameter, kind in row.references
        for name in _named(action.parameters, parameter)
        if not name.startswith("$.")
    )


def _named(parameters: Mapping[str, Any], parameter: str) -> Iterator[str]:
    """The texts that a parameter of catalog.Row.references leads to."""
    if parameter.endswith(".*"):
        given = parameters.get(parameter[:-2])
        found = list(given.values()) if isinstance(given, dict) else []
    elif "[]." in parameter:
        name, member = parameter.split("[].")
        given = parameters.get(name)
        entries = given if isinstance(given, list) else []
        found = [entry.get(member) for entry in entries if isinstance(entry, dict)]
    elif "." in parameter:
        name, member = parameter.split(".")
        given = parameters.get(name)
        found = [given.get(member)] if isinstance(given, dict) else []
    else:
        found = [parameters.get(parameter)]
    return (name for name in found if isinstance(name, str) and name)
