"""All: imports every module that has handlers, so that the registry is complete.

complete() holds the registry against the model: a handler of an operation that the model does not
have is a mistake that shows at start.
"""

from collections.abc import Iterable, Iterator

from ringfloor.aws.model import Service
from ringfloor.aws.query import QueryService
from ringfloor.operations import (
    associations,
    chat,
    contact_data,
    contact_routing,
    contact_search,
    contact_trees,
    contacts,
    crud,
    current_metrics,
    flow_associations,
    flow_versions,
    hierarchy,
    hours,
    iam,
    iam_absent,
    iam_policies,
    instances,
    metrics,
    monitoring,
    phone_numbers,
    proficiencies,
    prompts,
    quick_connects,
    search,
    security_profiles,
    sign_in,
    sts,
    tags,
    tasks,
    updates,
    vocabularies,
)
from ringfloor.operations.registry import HANDLERS, IDENTITY

MODULES = (
    associations,
    chat,
    contact_data,
    contact_routing,
    contact_search,
    contact_trees,
    contacts,
    crud,
    current_metrics,
    flow_associations,
    flow_versions,
    hierarchy,
    hours,
    iam,
    iam_absent,
    iam_policies,
    instances,
    metrics,
    monitoring,
    phone_numbers,
    proficiencies,
    prompts,
    quick_connects,
    search,
    security_profiles,
    sign_in,
    sts,
    tags,
    tasks,
    updates,
    vocabularies,
)


def complete(api: Service) -> None:
    """Every handler performs an operation that exists."""
    unknown = HANDLERS.keys() - api.operations.keys()
    assert not unknown, f"handlers without an operation: {sorted(unknown)}"


def complete_identity(apis: Iterable[QueryService]) -> None:
    """The same, of the handlers of IAM and STS."""
    actions = {each.action for api in apis for each in api.operations.values()}
    unknown = IDENTITY.keys() - actions
    assert not unknown, f"handlers without an action: {sorted(unknown)}"


def missing(api: Service) -> Iterator[str]:
    """The operations that answer 501, in the model's order."""
    return (name for name in api.operations if name not in HANDLERS)
