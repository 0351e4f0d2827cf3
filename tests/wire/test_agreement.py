"""The quick decoder and the slow walker give the same verdict on every request."""

import json
import random
from contextlib import suppress
from typing import Any

from botocore.model import ServiceModel
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfloor.aws.model import Service, load
from ringfloor.base.errors import Refusal
from wire import samples
from wire.client import params_of, refusal_of, serialised, understood, with_body

_MODEL: ServiceModel = samples.service_model()
_SERVICE: Service = load("connect")

_JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["", "a" * 600, "VOICE", 10**310, -(2**63) - 1, 2**31, -0.0]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def _verdict(operation: str, http: Any) -> None:
    """Fails unless decoder and walker agree."""
    try:
        params = params_of(_SERVICE, http)
    except Refusal:
        refusal_of(_SERVICE, http)  # which fails if the walker finds nothing
    else:
        shape = _MODEL.operation_model(operation).input_shape
        assert shape is not None
        assert _SERVICE.walkers.requests.breaches(shape.name, params) == []


@settings(max_examples=1000, deadline=None)
@given(st.sampled_from(_MODEL.operation_names), st.randoms(use_true_random=False), st.data())
def test_on_spoilt_requests(operation: str, dice: random.Random, data: st.DataObject) -> None:
    model = _MODEL.operation_model(operation)
    shape = samples.input_of(model)
    http = serialised(model, samples.chosen_request(shape, dice))
    body = json.loads(http.body or "{}")
    places = [path for path in _places(body) if path]
    if places:
        body = samples.replaced(body, dice.choice(places), data.draw(_JUNK))
    _verdict(operation, with_body(http, body))


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(_MODEL.operation_names), st.randoms(use_true_random=False), st.binary())
def test_on_spoilt_bytes(operation: str, dice: random.Random, junk: bytes) -> None:
    model = _MODEL.operation_model(operation)
    http = serialised(model, samples.chosen_request(samples.input_of(model), dice))
    cut = dice.randrange(len(http.body) + 1)
    body = http.body[:cut] + junk + http.body[cut + dice.randrange(3) :]
    with suppress(Refusal):  # and no other error
        understood(_SERVICE, with_body(http, body))


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(_MODEL.operation_names), st.randoms(use_true_random=False))
def test_on_good_requests(operation: str, dice: random.Random) -> None:
    model = _MODEL.operation_model(operation)
    params = samples.chosen_request(samples.input_of(model), dice)
    assert params_of(_SERVICE, serialised(model, params)) == params


def _places(value: Any, path: samples.Path = ()) -> list[samples.Path]:
    below: list[samples.Path] = []
    if isinstance(value, dict):
        below = [p for name, element in value.items() for p in _places(element, (*path, name))]
    elif isinstance(value, list):
        below = [p for n, element in enumerate(value) for p in _places(element, (*path, n))]
    return [path, *below]
