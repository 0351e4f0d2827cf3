"""The samples reach everything: what they leave out is tested nowhere."""

import random
from collections.abc import Iterable
from typing import Any

import pytest
from botocore.model import ServiceModel, Shape

from wire import samples


def _all(shape: Shape) -> set[tuple[str, Any]]:
    """Every member of every structure and every value of every enum, by the model alone."""
    found: set[tuple[str, Any]] = set()
    for at in samples.shapes(shape):
        if at.type_name == "structure":
            found.update((at.name, member) for member in at.members)
        elif at.type_name == "string":
            found.update((at.name, value) for value in at.enum)
        elif at.type_name == "boolean":
            found.update(((at.name, True), (at.name, False)))
    return found


def _reached(shape: Shape, values: Iterable[Any]) -> set[tuple[str, Any]]:
    found: set[tuple[str, Any]] = set()
    for value in values:
        for _, at, part in samples.nodes(shape, value):
            if at.type_name == "structure":
                found.update((at.name, member) for member in part)
            elif at.type_name == "map":
                found.update((at.key.name, key) for key in part)
            elif at.type_name in {"string", "boolean"}:
                found.add((at.name, part))
    return found


@pytest.mark.parametrize("side", ["input_shape", "output_shape", "error_shapes"])
def test_every_member_and_every_enum_value(botocore_connect: ServiceModel, side: str) -> None:
    for name in botocore_connect.operation_names:
        found = getattr(botocore_connect.operation_model(name), side)
        for shape in found if isinstance(found, list) else [found]:
            if shape is not None:
                assert _all(shape) - _reached(shape, samples.every_maximal(shape)) == set(), name


def test_every_alternative_stands_in_every_other(botocore_connect: ServiceModel) -> None:
    """A union's member is seen within each member of the union around it."""
    shape = samples.input_of(botocore_connect.operation_model("CreateEvaluationForm"))
    kinds = {
        tuple(part["QuestionTypeProperties"])
        for value in samples.every_maximal(shape)
        for _, at, part in samples.nodes(shape, value)
        if at.name == "EvaluationFormQuestion"
    }
    assert kinds == {("Numeric",), ("SingleSelect",), ("Text",), ("MultiSelect",)}


def test_conditions_stand_in_conditions(botocore_connect: ServiceModel) -> None:
    shape = samples.input_of(botocore_connect.operation_model("SearchUsers"))
    criteria = samples.maximal(shape)["SearchCriteria"]
    assert "StringCondition" in criteria["OrConditions"][0]
    assert "StringCondition" in criteria["AndConditions"][0]


def test_random_samples_differ_and_repeat(botocore_connect: ServiceModel) -> None:
    shape = botocore_connect.operation_model("ListUsers").output_shape
    assert shape is not None
    drawn = [repr(samples.chosen(shape, random.Random(seed))) for seed in range(8)]
    assert len(set(drawn)) > 4
    assert drawn[0] == repr(samples.chosen(shape, random.Random(0)))
