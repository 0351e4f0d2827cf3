"""A fault of ours behind any action of the reference: InternalServiceException, and no detail."""

from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from acceptance.reference import LISTED, STATUSES
from node_builders import REGION, ROOT, Stage, a_node
from ringfloor.aws import model
from ringfloor.aws.request import HttpRequest
from ringfloor.aws.throttle import NO_LIMITS, Throttle
from ringfloor.base.errors import Fault
from ringfloor.base.time import MINUTE, WallClock
from ringfloor.operations.registry import HANDLERS
from ringfloor.server.pipeline import Edge
from wire import samples
from wire.client import received, serialised

API = model.load("connect")
SECRET = "the journal is full of eels"


def an_edge(stage: Stage) -> Edge:
    """The pipeline before a node, without limits."""
    accounts = stage.service.accounts
    return Edge(
        api=API,
        service=stage.service,
        secrets=accounts,
        policies=accounts,
        throttle=Throttle(NO_LIMITS),
        clock=stage.clock,
        wall=WallClock(),
        signature_window=15 * MINUTE,
        check=True,
    )


def signed(http: HttpRequest) -> HttpRequest:
    """The request with the root's signature."""
    path, query = http.raw_path.decode(), http.raw_query.decode()
    request = AWSRequest(
        http.method, f"http://localhost{path}{'?' if query else ''}{query}", data=http.body
    )
    SigV4Auth(Credentials(*ROOT), "connect", REGION).add_auth(request)
    headers = {"host": "localhost", **dict(request.headers)}
    parts = urlsplit(request.url)
    given = tuple((name.lower().encode(), value.encode()) for name, value in headers.items())
    return HttpRequest(http.method, parts.path.encode(), parts.query.encode(), given, http.body)


@pytest.mark.parametrize("action", LISTED)
async def test_a_fault_is_ours_and_tells_its_request_id_alone(action, monkeypatch, caplog):
    async def broken(_context: object, _params: object) -> None:
        raise Fault(SECRET)

    monkeypatch.setitem(HANDLERS, action, broken)
    operation = samples.service_model().operation_model(action)
    request = serialised(operation, samples.minimal(operation.input_shape))
    async with a_node() as stage:
        response = await an_edge(stage).handle(signed(request), "192.0.2.1")
    answer = received(response, operation.output_shape)
    assert response.status == STATUSES["InternalService"]
    assert answer["Error"]["Code"] == "InternalServiceException"
    assert answer["ResponseMetadata"]["RequestId"] in answer["Error"]["Message"]
    assert SECRET.encode() not in response.body
    assert SECRET in caplog.text
