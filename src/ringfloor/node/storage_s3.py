"""Storage S3: objects on a service that speaks the API of S3, AWS's own or another.

The only module that knows boto3 for this; it is an optional extra, and available() says whether it
is there. Called by whoever calls node.storage. boto3 tries again by itself, a few times; a request
ends after STORAGE_SECONDS. The buckets are the operator's: none is made.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from ringfloor.base.limits import STORAGE_SECONDS
from ringfloor.node.storage import Kept, Missing, Trouble

try:
    import boto3.session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:  # an extra
    boto3 = None

T = TypeVar("T")

_GONE = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NotFound"})


def available() -> bool:
    """Whether boto3 is installed."""
    return boto3 is not None


class S3Storage:
    """Objects of the account whose keys boto3 finds, in the environment or its files."""

    def __init__(self, region: str, endpoint: str | None) -> None:
        """endpoint: of the service, an http address; None: AWS's."""
        self._client: Any = boto3.session.Session().client(
            "s3",
            region_name=region,
            endpoint_url=endpoint,
            config=Config(
                connect_timeout=STORAGE_SECONDS,
                read_timeout=STORAGE_SECONDS,
                retries={"mode": "standard", "total_max_attempts": 3},
                signature_version="s3v4",
                s3={"addressing_style": "auto" if endpoint is None else "path"},
            ),
        )

    def put(self, bucket: str, key: str, source: bytes | Path) -> None:
        """Keep an object."""
        if isinstance(source, bytes):
            self._ask(lambda: self._client.put_object(Bucket=bucket, Key=key, Body=source))
            return
        with source.open("rb") as file:
            self._ask(lambda: self._client.put_object(Bucket=bucket, Key=key, Body=file))

    def read(self, bucket: str, key: str, most: int) -> bytes:
        """The bytes of an object."""
        found = self._ask(lambda: self._client.get_object(Bucket=bucket, Key=key))
        with found["Body"] as body:
            return self._ask(lambda: bytes(body.read(most + 1)))

    def delete(self, bucket: str, key: str) -> None:
        """Forget an object."""
        try:
            self._ask(lambda: self._client.delete_object(Bucket=bucket, Key=key))
        except Missing:
            return  # the bucket is no more

    def keys(self, bucket: str, prefix: str = "", after: str = "") -> Iterator[Kept]:
        """The objects of a bucket."""
        asked = {"Bucket": bucket, "Prefix": prefix, "StartAfter": after}
        pages = iter(self._client.get_paginator("list_objects_v2").paginate(**asked))
        while True:
            try:
                page = self._ask(lambda: next(pages, None))
            except Missing:
                return
            if page is None:
                return
            for each in page.get("Contents", ()):
                at = int(each["LastModified"].timestamp() * 1_000)
                yield Kept(each["Key"], each["Size"], at)

    def address(self, bucket: str, key: str, seconds: int) -> str | None:
        """A presigned address."""
        named = {"Bucket": bucket, "Key": key}
        return self._ask(
            lambda: str(
                self._client.generate_presigned_url("get_object", Params=named, ExpiresIn=seconds)
            )
        )

    def _ask(self, request: Callable[[], T]) -> T:
        try:
            return request()
        except ClientError as error:
            if error.response["Error"].get("Code") in _GONE:
                raise Missing(str(error)) from error
            raise Trouble(str(error)) from error
        except (BotoCoreError, OSError) as error:
            raise Trouble(str(error)) from error
