"""Task forms: a task held against the template that it is made with.

A template has fields. Those of the types NAME, DESCRIPTION, SCHEDULED_TIME and EXPIRY_DURATION are
members of the task; a field of another type is a reference of its name, of the type in REFERENCES,
or a user attribute of its name. What a task leaves out has the template's default. Pure: called by
operations.tasks. Source: model text of CreateTaskTemplate and StartTaskContact; where that is
silent, see docs/choices.md.
"""

from collections.abc import Mapping
from math import isfinite
from typing import NamedTuple

from ringfloor.base.errors import invalid_parameter
from ringfloor.base.limits import TASK_LIFE_MINUTES_MAX
from ringfloor.base.time import MINUTE, Duration, Instant, from_seconds
from ringfloor.domain.contact import Reference, ReferenceType
from ringfloor.domain.resources import Properties

REFERENCES: Mapping[str, ReferenceType] = {
    "URL": "URL",
    "NUMBER": "NUMBER",
    "TEXT": "STRING",
    "TEXT_AREA": "STRING",
    "BOOLEAN": "STRING",
    "SINGLE_SELECT": "STRING",
    "DATE_TIME": "DATE",
    "EMAIL": "EMAIL",
}
"""Type of a field to that of the reference which has its value."""

OF_AGENTS = ("QUICK_CONNECT", "SELF_ASSIGN")
"""Types of fields that an agent's desktop fills in: who gets the task."""


class Form(NamedTuple):
    """A task as it was asked for, or as its template completes it."""

    name: str
    description: str | None
    at: Instant | None
    life_ms: Duration | None
    references: dict[str, Reference]
    attributes: dict[str, str]


def completed(template: Properties, form: Form) -> Form:
    """The task with the template's defaults; refuses with InvalidParameterException."""
    defaults = {
        each["Id"]["Name"]: each.get("DefaultValue", "")
        for each in (template.get("Defaults") or {}).get("DefaultFieldValues") or ()
    }
    for field in template["Fields"]:
        name, default = field["Id"]["Name"], defaults.get(field["Id"]["Name"])
        before = _value(field, form)
        if default is not None and before is None:
            form = _with(field, form, default)
        elif default is not None and before != default and name in _named(template, "ReadOnly"):
            raise invalid_parameter(name, before, f"is read-only in its template: {default!r}")
        value = _value(field, form)
        if value is None and name in _named(template, "Required"):
            if field["Type"] not in OF_AGENTS:
                rule = f"is required by the template: a {field['Type']}"
                raise invalid_parameter(name, None, rule)
        elif value is not None:
            _check(field, value)
    return form


def _named(template: Properties, which: str) -> set[str]:
    """The fields of RequiredFields, ReadOnlyFields or InvisibleFields."""
    listed = (template.get("Constraints") or {}).get(f"{which}Fields") or ()
    return {each["Id"]["Name"] for each in listed}


def _value(field: Properties, form: Form) -> str | None:
    name = field["Id"]["Name"]
    match field["Type"]:
        case "NAME":
            return form.name
        case "DESCRIPTION":
            return form.description
        case "SCHEDULED_TIME":
            return None if form.at is None else str(form.at // 1000)
        case "EXPIRY_DURATION":
            return None if form.life_ms is None else str(form.life_ms // MINUTE)
        case _:
            reference = form.references.get(name)
            return form.attributes.get(name) if reference is None else reference.value


def _with(field: Properties, form: Form, value: str) -> Form:
    match field["Type"]:
        case "NAME":
            return form
        case "DESCRIPTION":
            return form._replace(description=value)
        case "SCHEDULED_TIME":
            return form._replace(at=from_seconds(_whole(field, value)))
        case "EXPIRY_DURATION":
            minutes = _whole(field, value)
            if not 1 <= minutes <= TASK_LIFE_MINUTES_MAX:
                rule = f"is not between 1 and {TASK_LIFE_MINUTES_MAX} minutes"
                raise invalid_parameter(field["Id"]["Name"], value, rule)
            return form._replace(life_ms=minutes * MINUTE)
        case type_ if type_ in REFERENCES:
            added = {field["Id"]["Name"]: Reference(REFERENCES[type_], value)}
            return form._replace(references={**form.references, **added})
        case _:
            return form


def _whole(field: Properties, value: str) -> int:
    if not value.isdecimal():
        raise invalid_parameter(field["Id"]["Name"], value, "is no whole number")
    return int(value)


def _check(field: Properties, value: str) -> None:
    """What a field's type says of its value."""
    name, type_ = field["Id"]["Name"], field["Type"]
    options = field.get("SingleSelectOptions") or ()
    if type_ == "SINGLE_SELECT" and value not in options:
        raise invalid_parameter(name, value, f"is not one of {', '.join(options)}")
    if type_ == "BOOLEAN" and value.lower() not in ("true", "false"):
        raise invalid_parameter(name, value, "is neither true nor false")
    if type_ in ("NUMBER", "DATE_TIME") and not _is_number(value):
        raise invalid_parameter(name, value, "is no number")


def _is_number(value: str) -> bool:
    try:
        return isfinite(float(value))
    except ValueError:
        return False
