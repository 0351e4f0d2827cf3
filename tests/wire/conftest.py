import pytest
from botocore.model import ServiceModel

from ringfloor.aws.model import Service, load
from wire import samples


@pytest.fixture(scope="session")
def connect() -> Service:
    service = load("connect")
    service.compile_all()
    return service


@pytest.fixture(scope="session")
def botocore_connect() -> ServiceModel:
    return samples.service_model()
