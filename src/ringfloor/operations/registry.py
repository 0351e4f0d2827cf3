"""Registry: which operations of the API are real, and who performs them.

Modules of this floor put their handlers here when they are imported; the server looks them up by
name. What is not here answers 501 and is listed in docs/not-supported.md, which is made from this
table.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ringfloor.operations.context import Context

Params = Any
"""A decoded request: one attribute per member of the API, None where it was left out."""

Result = Mapping[str, object]

Handler = Callable[[Context, Params], Awaitable[Result]]

HANDLERS: dict[str, Handler] = {}
"""Of the connect API, by operation."""

IDENTITY: dict[str, Handler] = {}
"""Of the IAM and STS APIs, by action, such as iam:CreateUser."""


def register(name: str, handler: Handler) -> None:
    """Let this handler perform the operation of that name; each name has one."""
    assert name not in HANDLERS, f"{name} has two handlers"
    HANDLERS[name] = handler


def operation(name: str) -> Callable[[Handler], Handler]:
    """Decorates the handler of an operation."""

    def put(handler: Handler) -> Handler:
        register(name, handler)
        return handler

    return put


def identity(action: str) -> Callable[[Handler], Handler]:
    """Decorates the handler of an action of IAM or STS, such as iam:CreateUser."""

    def put(handler: Handler) -> Handler:
        assert action not in IDENTITY, f"{action} has two handlers"
        IDENTITY[action] = handler
        return handler

    return put
