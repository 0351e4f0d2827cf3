"""Errors: two kinds of wrong. A Refusal is the caller's doing, a Fault is ours.

A Refusal carries the API's own error name and a message that names field, value and rule. One place
(aws.response) turns it into a status and a body. A Fault is never shown to a client.
"""

SHOWN_MAX = 100
"""Characters of a refused value that a message repeats."""


class Refusal(Exception):
    """The request is refused and nothing has changed.

    code: the API's error name, e.g. InvalidParameterException.
    message: for the caller; None where Amazon Connect is known to send none.
    members: further modeled members of the error shape, e.g. ResourceType.
    """

    def __init__(self, code: str, message: str | None, **members: object) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.members = members


class Fault(Exception):
    """Something of ours is wrong; the message is for the operator and says what to do next."""


def shown(value: object) -> str:
    """A value as a message repeats it: its repr, cut to SHOWN_MAX characters."""
    text = repr(value)
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}..."


def shown_list(items: list[str], at_most: int = 5) -> str:
    """A list as a message shows it."""
    rest = len(items) - at_most
    return ", ".join(items[:at_most]) + (f" and {rest} more" if rest > 0 else "")


def invalid_parameter(field: str, value: object, rule: str) -> Refusal:
    """A well-formed value that breaks a rule: InvalidParameterException, 400."""
    return Refusal("InvalidParameterException", f"{field}: {shown(value)} {rule}")


def invalid_request(field: str, value: object, rule: str) -> Refusal:
    """A request that cannot be read, lacks a member or cannot be done now: 400."""
    return Refusal("InvalidRequestException", f"{field}: {shown(value)} {rule}")


def not_found(field: str, value: object, what: str) -> Refusal:
    """A named thing that this instance does not have: ResourceNotFoundException, 404."""
    return Refusal("ResourceNotFoundException", f"{field}: no {what} {shown(value)} here")
