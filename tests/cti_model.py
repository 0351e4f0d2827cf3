"""The agent service's model as its client has it, and what a result gets wrong about it."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

MODEL = Path(__file__).resolve().parents[2] / "shared/spec/agent-service/cti-service-model.json"

NULLABLE = ".nextState"
"""The one member that streams expects as null (behaviour specification, section 7.2)."""

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "double": (int, float),
    "timestamp": (int, float),
}


@cache
def model() -> dict[str, Any]:
    """Fails where the file is missing: without it the tests would hold nothing."""
    return json.loads(MODEL.read_text())


def operations() -> dict[str, Any]:
    return model()["operations"]


def wrong(operation: str, result: object) -> list[str]:
    """What the client of this operation could not read, or would not find."""
    return list(_wrong(operations()[operation]["output"], result, operation))


def _wrong(shape: dict[str, Any], value: object, at: str) -> Iterator[str]:
    if "shape" in shape:
        shape = model()["shapes"][shape["shape"]]
    kind = shape.get("type", "string")
    match kind, value:
        case "structure", None if at.endswith(NULLABLE):
            return
        case "structure", dict():
            yield from (
                f"{at} lacks {name}" for name in set(shape.get("required", ())) - set(value)
            )
            for name, member in value.items():
                if name not in shape["members"]:
                    yield f"{at}.{name} is not in the model"
                else:
                    yield from _wrong(shape["members"][name], member, f"{at}.{name}")
        case "list", list():
            for index, element in enumerate(value):
                yield from _wrong(shape["member"], element, f"{at}[{index}]")
        case "map", dict():
            for name, element in value.items():
                yield from _wrong(shape["key"], name, f"{at} key")
                yield from _wrong(shape["value"], element, f"{at}[{name}]")
        case _:
            right = TYPES.get(kind, ())
            if not isinstance(value, right) or (isinstance(value, bool) and kind != "boolean"):
                yield f"{at} is {value!r}, not a {kind}"
