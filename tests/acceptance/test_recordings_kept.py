"""Recordings kept: from the spool of a carrier to whoever may listen, and until their days end."""

import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from acceptance.center import FirstCenter
from acceptance.conftest import KEY, SECRET
from ringfloor.base.wav import written

SOUND = written(b"\1\2" * 800)


def recorded(center: FirstCenter) -> str:
    """A call that is recorded; its contact's id."""
    center.act("available")
    contact_id = center.dial()
    for _ in range(30):
        center.advance(1)
        if center.contact(contact_id).get("QueueInfo"):
            break
    center.act("accept")
    center.advance(5)
    center.connect.start_contact_recording(
        InstanceId=center.instance,
        ContactId=contact_id,
        InitialContactId=contact_id,
        VoiceRecordingConfiguration={"VoiceRecordingTrack": "ALL"},
    )
    center.advance(1)
    return contact_id


def asked(server: Any, path: str, keys: tuple[str, str] = (KEY, SECRET)) -> Any:
    """A signed request of our own."""
    request = AWSRequest("GET", server.address + path, headers={"Host": server.address[7:]})
    SigV4Auth(Credentials(*keys), "connect", "us-east-1").add_auth(request)
    return server.ask("GET", path, **{k: v for k, v in request.headers.items() if k != "Host"})


def refused(server: Any, path: str, keys: tuple[str, str] = (KEY, SECRET)) -> int:
    with pytest.raises(urllib.error.HTTPError) as caught:
        asked(server, path, keys)
    with caught.value as error:
        return error.code


def options(data: Any, *more: str) -> tuple[str, ...]:
    return ("--data", str(data), "--sandbox", "--clock", "virtual", *more)


def test_a_recording_is_kept_listed_heard_and_gone_when_its_days_are_over(start, data):
    server = start(*options(data))
    center = FirstCenter(server)
    place = {"BucketName": "calls", "BucketPrefix": "center"}
    center.connect.associate_instance_storage_config(
        InstanceId=center.instance,
        ResourceType="CALL_RECORDINGS",
        StorageConfig={"StorageType": "S3", "S3Config": place},
    )
    contact_id = recorded(center)
    day = center.contact(contact_id)["Recordings"][0]["StartTimestamp"].strftime("%Y/%m/%d")
    minute = center.contact(contact_id)["Recordings"][0]["StartTimestamp"].strftime("%Y%m%dT%H:%M")
    name = f"calls/center/{day}/{contact_id}_{minute}_UTC.wav"
    address = f"/_ringfloor/instances/{center.instance}/contacts/{contact_id}/recording"
    assert refused(server, address) == 404, "it is not stored yet"
    server.kill()
    (data / "spool").mkdir(exist_ok=True)
    (data / "spool" / quote(name, safe="")).write_bytes(SOUND)

    server = start(*options(data))
    center.server, center.connect = server, server.client()
    (told,) = until(lambda: center.contact(contact_id)["Recordings"], "Location")
    assert (told["Location"], told["Status"], told["StorageType"]) == (name, "AVAILABLE", "S3")
    answer = asked(server, address)
    assert answer["Location"] == name
    with urllib.request.urlopen(answer["Url"]) as heard:
        assert (heard.headers["content-type"], heard.read()) == ("audio/wav", SOUND)
    s3 = server.client("s3")
    key = name.removeprefix("calls/")
    assert s3.get_object(Bucket="calls", Key=key)["Body"].read() == SOUND
    assert list((data / "spool").iterdir()) == []

    server.stop()
    server = start(*options(data, "--recording-days", "1"))
    center.server, center.connect = server, server.client()
    assert center.contact(contact_id)["Recordings"][0]["Status"] == "AVAILABLE"
    for _ in range(2):
        center.advance(86_400)
        center.connect.update_queue_name(
            InstanceId=center.instance, QueueId=center.queue, Name=f"sales {center.now()}"
        )
    (told,) = until(lambda: center.contact(contact_id)["Recordings"], "DeletionReason")
    assert (told["Status"], told["Location"]) == ("DELETED", name)
    assert refused(server, address) == 404
    with pytest.raises(ClientError, match="NoSuchKey"):
        until_error(lambda: server.client("s3").get_object(Bucket="calls", Key=key))


def until(look: Any, member: str) -> Any:
    """What is seen as soon as its first has the member."""
    for _ in range(200):
        found = look()
        if found and member in found[0]:
            return found
    pytest.fail(f"{member} does not come")


def until_error(ask: Any) -> None:
    for _ in range(200):
        ask()


def test_who_may_describe_a_contact_may_not_listen_to_it_yet(start, data):
    server = start(*options(data))
    center = FirstCenter(server)
    contact_id = recorded(center)
    began = center.contact(contact_id)["Recordings"][0]["StartTimestamp"]
    name = (
        f"connect/{center.alias}/CallRecordings/{began:%Y/%m/%d}/"
        f"{contact_id}_{began:%Y%m%dT%H:%M}_UTC.wav"
    )
    server.kill()
    (data / "spool").mkdir(exist_ok=True)
    (data / "spool" / quote(name, safe="")).write_bytes(SOUND)
    server = start(*options(data))
    center.server, center.connect = server, server.client()
    until(lambda: center.contact(contact_id)["Recordings"], "Location")
    iam = server.client("iam")
    iam.create_user(UserName="supervisor")
    pair = iam.create_access_key(UserName="supervisor")["AccessKey"]
    keys = (pair["AccessKeyId"], pair["SecretAccessKey"])
    address = f"/_ringfloor/instances/{center.instance}/contacts/{contact_id}/recording"

    def may(*actions: str) -> None:
        allowed = ", ".join(f'"{each}"' for each in actions)
        iam.put_user_policy(
            UserName="supervisor",
            PolicyName="own",
            PolicyDocument='{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action":'
            f' [{allowed}], "Resource": "*"}}}}',
        )

    assert refused(server, address, keys) == 403
    may("connect:DescribeContact")
    assert refused(server, address, keys) == 403
    may("s3:GetObject")
    assert refused(server, address, keys) == 403
    may("connect:DescribeContact", "s3:GetObject")
    assert asked(server, address, keys)["Location"] == name
