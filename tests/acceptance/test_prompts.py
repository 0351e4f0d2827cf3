"""Prompts: files that are brought here by S3's own client, what callers hear, and fetched again."""

import io
import urllib.error
import urllib.request
import wave
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from acceptance.center import FirstCenter
from acceptance.conftest import KEY, REGION, SECRET

BUCKET = "my.sounds"


def a_wav(seconds: float = 0.5, rate: int = 16_000, channels: int = 2) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes(b"\1\2" * int(seconds * rate * channels))
    return out.getvalue()


def s3_of(server: Any, key: str = KEY, secret: str = SECRET, **more: Any) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=server.address,
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, **more),
    )


@pytest.fixture(scope="module")
def center(server):
    return FirstCenter(server)


@pytest.fixture(scope="module")
def s3(server):
    return s3_of(server)


def code(call: Any, *args: Any, **members: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(*args, **members)
    return caught.value.response["Error"]["Code"]


def fetched(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        return answer.status, dict(answer.headers), answer.read()


def prompt(center: FirstCenter, name: str, uri: str) -> dict[str, str]:
    made = center.connect.create_prompt(InstanceId=center.instance, Name=name, S3Uri=uri)
    return {"InstanceId": center.instance, "PromptId": made["PromptId"]}


# S3


def test_objects_come_and_go(s3):
    s3.create_bucket(Bucket="plain")
    assert "ETag" in s3.put_object(Bucket="plain", Key="a dir/ü+&.wav", Body=b"0123456789")
    got = s3.get_object(Bucket="plain", Key="a dir/ü+&.wav")
    assert (got["Body"].read(), got["ContentType"], got["ContentLength"]) == (
        b"0123456789",
        "audio/wav",
        10,
    )
    head = s3.head_object(Bucket="plain", Key="a dir/ü+&.wav")
    assert (head["ContentLength"], head["ETag"]) == (10, got["ETag"])
    part = s3.get_object(Bucket="plain", Key="a dir/ü+&.wav", Range="bytes=2-4")
    assert (part["Body"].read(), part["ContentRange"]) == (b"234", "bytes 2-4/10")
    assert s3.get_object(Bucket="plain", Key="a dir/ü+&.wav", Range="bytes=-3")["Body"].read() == (
        b"789"
    )
    assert code(s3.get_object, Bucket="plain", Key="a dir/ü+&.wav", Range="bytes=10-") == (
        "InvalidRange"
    )
    s3.delete_object(Bucket="plain", Key="a dir/ü+&.wav")
    s3.delete_object(Bucket="plain", Key="a dir/ü+&.wav")
    assert code(s3.get_object, Bucket="plain", Key="a dir/ü+&.wav") == "NoSuchKey"
    assert code(s3.head_object, Bucket="plain", Key="a dir/ü+&.wav") == "404"
    s3.head_bucket(Bucket="plain")
    assert code(s3.head_bucket, Bucket="none-such") == "404"


def test_objects_are_listed_a_page_at_a_time(s3):
    keys = ["a/1", "a/2", "a/3", "a-b", "b", "ä/x y"]
    for key in keys:
        s3.put_object(Bucket="listed", Key=key, Body=b"x")
    pages = s3.get_paginator("list_objects_v2")

    def listed(size: int = 2, **more: str) -> list[str]:
        found = []
        for page in pages.paginate(Bucket="listed", PaginationConfig={"PageSize": size}, **more):
            found += [each["Prefix"] for each in page.get("CommonPrefixes", ())]
            found += [each["Key"] for each in page.get("Contents", ())]
        return found

    assert listed() == sorted(keys, key=str.encode)
    assert listed(1) == listed(1000) == listed()
    assert listed(Prefix="a/") == ["a/1", "a/2", "a/3"]
    assert listed(Prefix="none") == []
    for size in (1, 2, 1000):
        assert sorted(listed(size, Delimiter="/")) == ["a-b", "a/", "b", "ä/"]
    assert listed(StartAfter="a/2") == ["a/3", "b", "ä/x y"]
    assert code(s3.list_objects_v2, Bucket="none-such") == "NoSuchBucket"


@pytest.mark.parametrize("key", ["../up", "a//b", "a/./b", "a/", "x" * 300, "a\nb"])
def test_no_key_leaves_its_bucket(s3, key):
    assert code(s3.put_object, Bucket="plain", Key=key, Body=b"x") == "InvalidArgument"


def test_what_is_not_served_says_so(s3):
    assert code(s3.create_multipart_upload, Bucket="plain", Key="x") == "NotImplemented"
    assert code(s3.get_object_acl, Bucket="plain", Key="x") == "NotImplemented"
    assert code(s3.list_objects, Bucket="listed") in ("NotImplemented", "NoSuchBucket")
    copied = {"Bucket": "plain", "Key": "x"}
    assert code(s3.copy_object, Bucket="plain", Key="y", CopySource=copied) == "NotImplemented"


def test_presigned_addresses_are_taken(server):
    signer = s3_of(server, signature_version="s3v4")
    named = {"Bucket": "plain", "Key": "by address.wav"}
    put = urllib.request.Request(
        signer.generate_presigned_url("put_object", named), data=b"abc", method="PUT"
    )
    assert urllib.request.urlopen(put).status == 200
    url = signer.generate_presigned_url("get_object", named)
    assert fetched(url)[2] == b"abc"
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetched(url.replace("by%20address", "by%20guess"))
    with caught.value as error:
        assert (error.code, b"SignatureDoesNotMatch" in error.read()) == (403, True)


def test_a_body_that_is_not_as_it_was_signed_is_not_kept(server, s3):
    other = s3_of(server)
    other.meta.events.register(
        "before-send.s3", lambda request, **_: setattr(request, "body", b"changed!!!")
    )
    assert code(other.put_object, Bucket="plain", Key="signed", Body=b"0123456789") == (
        "XAmzContentSHA256Mismatch"
    )
    assert code(s3.get_object, Bucket="plain", Key="signed") == "NoSuchKey"


def test_policies_are_asked_about_objects(server, s3):
    iam = server.client("iam")
    iam.create_user(UserName="sounder")
    pair = iam.create_access_key(UserName="sounder")["AccessKey"]
    own = s3_of(server, pair["AccessKeyId"], pair["SecretAccessKey"])
    s3.put_object(Bucket=BUCKET, Key="theirs/x", Body=b"x")
    assert code(own.get_object, Bucket=BUCKET, Key="theirs/x") == "AccessDenied"
    iam.put_user_policy(
        UserName="sounder",
        PolicyName="own",
        PolicyDocument='{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action":'
        f' ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::{BUCKET}/own/*"}}}}',
    )
    own.put_object(Bucket=BUCKET, Key="own/x", Body=b"x")
    assert own.get_object(Bucket=BUCKET, Key="own/x")["Body"].read() == b"x"
    assert code(own.delete_object, Bucket=BUCKET, Key="own/x") == "AccessDenied"
    assert code(own.get_object, Bucket=BUCKET, Key="theirs/x") == "AccessDenied"
    assert code(own.list_objects_v2, Bucket=BUCKET) == "AccessDenied"
    unknown = s3_of(server, "AKIANOBODY000000", "x" * 40)
    assert code(unknown.get_object, Bucket=BUCKET, Key="own/x") == "InvalidAccessKeyId"


# Prompts


def test_a_prompt_sounds_like_its_file(center, s3):
    s3.put_object(Bucket=BUCKET, Key="hello there.wav", Body=a_wav())
    one = prompt(center, "hello", f"s3://{BUCKET}/hello there.wav")
    answer = center.connect.get_prompt_file(**one)
    status, headers, file = fetched(answer["PromptPresignedUrl"])
    assert (status, headers["content-type"]) == (200, "audio/wav")
    assert "hello.wav" in headers["content-disposition"]
    with wave.open(io.BytesIO(file)) as heard:
        assert heard.getparams()[:4] == (1, 2, 8_000, 4_000)
    assert fetched(answer["PromptPresignedUrl"], range="bytes=0-3")[::2] == (206, b"RIFF")
    shown = center.connect.describe_prompt(**one)["Prompt"]
    assert "Sound" not in str(shown)


def test_a_new_file_takes_the_place_of_the_old_one(center, s3):
    s3.put_object(Bucket=BUCKET, Key="short.wav", Body=a_wav(0.1))
    s3.put_object(Bucket=BUCKET, Key="long.wav", Body=a_wav(0.2))
    one = prompt(center, "changing", f"https://{BUCKET}.s3.us-east-1.amazonaws.com/short.wav")
    before = fetched(center.connect.get_prompt_file(**one)["PromptPresignedUrl"])[2]
    center.connect.update_prompt(**one, Name="changed")
    address = center.connect.get_prompt_file(**one)["PromptPresignedUrl"]
    assert fetched(address)[2] == before, "a new name is no new sound"
    center.connect.update_prompt(**one, S3Uri=f"s3://{BUCKET}/long.wav")
    after = fetched(center.connect.get_prompt_file(**one)["PromptPresignedUrl"])[2]
    assert len(after) - 44 == 2 * (len(before) - 44)
    s3.delete_object(Bucket=BUCKET, Key="long.wav")
    assert fetched(center.connect.get_prompt_file(**one)["PromptPresignedUrl"])[2] == after


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        (f"s3://{BUCKET}/nothing.wav", "no object"),
        ("s3://no-such-bucket/x.wav", "no object"),
        (f"s3://{BUCKET}/text.wav", "is no WAV file"),
        (f"s3://{BUCKET}/../x.wav", "empty, . or .."),
        ("https://example.com/x.wav", "is no URI such as"),
        ("file:///etc/passwd", "S3Uri"),
    ],
)
def test_a_prompt_without_a_sound_is_refused(center, s3, uri, why):
    s3.put_object(Bucket=BUCKET, Key="text.wav", Body=b"hello")
    with pytest.raises(ClientError, match=why) as caught:
        prompt(center, "none", uri)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterException"


def test_what_one_may_not_read_one_may_not_hear_as_a_prompt(server, center, s3):
    s3.put_object(Bucket=BUCKET, Key="secret.wav", Body=a_wav(0.1))
    iam = server.client("iam")
    iam.create_user(UserName="listener")
    pair = iam.create_access_key(UserName="listener")["AccessKey"]
    iam.put_user_policy(
        UserName="listener",
        PolicyName="own",
        PolicyDocument='{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action":'
        ' "connect:*", "Resource": "*"}}',
    )
    own = boto3.client(
        "connect",
        endpoint_url=server.address,
        region_name=REGION,
        aws_access_key_id=pair["AccessKeyId"],
        aws_secret_access_key=pair["SecretAccessKey"],
    )
    uri = f"s3://{BUCKET}/secret.wav"
    assert code(own.create_prompt, InstanceId=center.instance, Name="x", S3Uri=uri) == (
        "AccessDeniedException"
    )


def test_a_prompt_that_came_with_the_instance_has_no_file(center):
    beep = center.found("list_prompts", "PromptSummaryList", "Beep.wav")
    asked = {"InstanceId": center.instance, "PromptId": beep["Id"]}
    assert code(center.connect.get_prompt_file, **asked) == "ResourceNotFoundException"


def test_an_address_is_no_other(server):
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetched(f"{server.address}/_ringfloor/files/AAAA")
    with caught.value as error:
        assert error.code == 403


def test_sounds_outlive_a_crash_and_go_with_their_last_prompt(start, data):
    server = start("--data", str(data), "--sandbox")
    center, s3 = FirstCenter(server), s3_of(server)
    for key, seconds in (("kept.wav", 0.1), ("gone.wav", 0.2)):
        s3.put_object(Bucket=BUCKET, Key=key, Body=a_wav(seconds))
    kept = prompt(center, "kept", f"s3://{BUCKET}/kept.wav")
    again = prompt(center, "again", f"s3://{BUCKET}/kept.wav")
    gone = prompt(center, "gone", f"s3://{BUCKET}/gone.wav")
    assert len(list((data / "sounds").glob("*.wav"))) == 2
    center.connect.delete_prompt(**gone)
    center.connect.delete_prompt(**again)
    server.kill()
    (data / "sounds" / "crashed.part").write_bytes(b"x")
    server = start("--data", str(data), "--sandbox")
    answer = server.client().get_prompt_file(**kept)
    assert len(fetched(answer["PromptPresignedUrl"])[2]) == 44 + 1_600
    assert len(list((data / "sounds").iterdir())) == 1
    assert s3_of(server).get_object(Bucket=BUCKET, Key="gone.wav")["Body"].read() == a_wav(0.2)


def test_files_may_be_kept_by_another_service(start):
    """Then this server has no API of S3, and fetches what is there with its own keys."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415  slow to import

    service = ThreadedMotoServer(port=0)
    service.start()
    try:
        host, port = service.get_host_and_port()
        elsewhere = f"http://{host}:{port}"
        s3 = boto3.client(
            "s3",
            REGION,
            endpoint_url=elsewhere,
            aws_access_key_id="k",
            aws_secret_access_key="s",
        )
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="there.wav", Body=a_wav(0.1))
        server = start(
            *("--memory", "--sandbox", "--storage", "s3", "--storage-endpoint", elsewhere),
            environment={"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"},
        )
        center = FirstCenter(server)
        one = prompt(center, "there", f"s3://{BUCKET}/there.wav")
        heard = fetched(center.connect.get_prompt_file(**one)["PromptPresignedUrl"])[2]
        assert len(heard) == 44 + 1_600
        with pytest.raises(ClientError, match="no object"):
            prompt(center, "none", f"s3://{BUCKET}/none.wav")
        with pytest.raises(ClientError):
            s3_of(server).put_object(Bucket=BUCKET, Key="x", Body=b"x")
    finally:
        service.stop()
