"""Signed DescribeUser over HTTP, one server process, beside two others in the same run.

The bare server is the same uvicorn with an app that answers a constant; moto_server answers
DescribeInstance, unsigned by its own choice. The load is the same raw asyncio client for all three:
requests are signed beforehand, so that the client's signing is not measured.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

KEY, SECRET, REGION = "AKIDBENCH", "bench-secret", "us-east-1"
CLIENTS = 16
SECONDS = 4.0

CONSTANT = """
import asyncio, socket, sys, uvicorn, uvloop
BODY = b'{"User": {}}' + b" " * 400
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]
async def app(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
listener = socket.socket(); listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
listener.bind(("127.0.0.1", 0))
print("http://127.0.0.1:%d" % listener.getsockname()[1], flush=True)
config = uvicorn.Config(app, http="httptools", loop="uvloop", lifespan="off", access_log=False,
                        log_level="warning", interface="asgi3", server_header=False,
                        date_header=False)
with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(uvicorn.Server(config).serve(sockets=[listener]))
"""


@contextlib.contextmanager
def server(*arguments: str, first: str = "", address: str = "") -> Iterator[str]:
    environment = {
        **os.environ,
        "RINGFLOOR_ACCESS_KEY_ID": KEY,
        "RINGFLOOR_SECRET_ACCESS_KEY": SECRET,
    }
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout is not None
        found = address or process.stdout.readline().removeprefix(first).strip()
        _wait_for(found)
        yield found
    finally:
        process.kill()
        process.communicate()


def _wait_for(address: str) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(address + "/_ringfloor/health", timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def signed(address: str, path: str) -> bytes:
    """A complete signed request, as bytes."""
    request = AWSRequest("GET", address + path)
    SigV4Auth(Credentials(KEY, SECRET), "connect", REGION).add_auth(request)
    host = address.removeprefix("http://")
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _client(host: str, port: int, request: bytes, until: float) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    done = 0
    while time.monotonic() < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head.split(b"\r\n", 1)[0], head
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        await reader.readexactly(length)
        done += 1
        if b"connection: close" in head.lower():  # moto_server keeps none open
            writer.close()
            reader, writer = await asyncio.open_connection(host, port)
    writer.close()
    return done


def rate(address: str, request: bytes) -> float:
    """Requests per second."""

    async def load() -> int:
        host, _, port = address.removeprefix("http://").partition(":")
        until = time.monotonic() + SECONDS
        clients = [_client(host, int(port), request, until) for _ in range(CLIENTS)]
        return sum(await asyncio.gather(*clients))

    return asyncio.run(load()) / SECONDS


def client(address: str) -> object:
    return boto3.client(
        "connect",
        endpoint_url=address,
        region_name=REGION,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        config=Config(retries={"total_max_attempts": 1}),
    )


def _instance(connect: object) -> str:
    return connect.create_instance(  # type: ignore[attr-defined]  # boto3 makes it at run time
        IdentityManagementType="CONNECT_MANAGED",
        InstanceAlias="bench",
        InboundCallsEnabled=True,
        OutboundCallsEnabled=True,
    )["Id"]


def _ringfloor(address: str) -> float:
    connect = client(address)
    instance = _instance(connect)
    profile = connect.list_routing_profiles(InstanceId=instance)["RoutingProfileSummaryList"][0]
    security = connect.list_security_profiles(InstanceId=instance)["SecurityProfileSummaryList"][0]
    user = connect.create_user(
        InstanceId=instance,
        Username="ann",
        Password="Ringfloor1",
        IdentityInfo={"FirstName": "Ann", "LastName": "Agent"},
        PhoneConfig={"PhoneType": "SOFT_PHONE"},
        SecurityProfileIds=[security["Id"]],
        RoutingProfileId=profile["Id"],
    )["UserId"]
    return rate(address, signed(address, f"/users/{instance}/{user}"))


def run() -> Iterator[str]:
    with server("-c", CONSTANT) as address:
        constant = rate(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    yield f"the same HTTP server, a constant answer: {constant:,.0f} requests/s"
    serve = ("-m", "ringfloor", "serve", "--port", "0", "--memory")
    with server(*serve, first="ringfloor: listening on ") as address:
        ours = _ringfloor(address)
    yield f"signed DescribeUser: {ours:,.0f} requests/s, {ours / constant:.2f} of the constant"
    port = "18099"
    with server("-m", "moto.server", "-p", port, address=f"http://127.0.0.1:{port}") as address:
        instance = _instance(client(address))
        peer = rate(address, signed(address, f"/instance/{instance}"))
    yield f"moto_server's DescribeInstance: {peer:,.0f} requests/s; ours is {ours / peer:.0f} times"
