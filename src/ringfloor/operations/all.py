"""All: imports every module that has handlers, so that the registry is complete.

complete() holds the registry against the model: a handler of an operation that the model does not
have is a mistake that shows at start.
"""

from collections.abc import Iterator

from ringfloor.aws.model import Service
from ringfloor.operations import (
    contacts,
    crud,
    hierarchy,
    instances,
    metrics,
    phone_numbers,
    sign_in,
    tags,
    updates,
)
from ringfloor.operations.registry import HANDLERS

MODULES = (contacts, crud, hierarchy, instances, metrics, phone_numbers, sign_in, tags, updates)


def complete(api: Service) -> None:
    """Every handler performs an operation that exists."""
    unknown = HANDLERS.keys() - api.operations.keys()
    assert not unknown, f"handlers without an operation: {sorted(unknown)}"


def missing(api: Service) -> Iterator[str]:
    """The operations that answer 501, in the model's order."""
    return (name for name in api.operations if name not in HANDLERS)
