"""Codec: how events and snapshots become bytes, and back.

MessagePack of msgspec Structs. Events are tagged arrays: small (about 60 bytes) and quick. Fields
are only ever added at the end of a Struct with a default, so journals of old versions stay
readable.
"""

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

encode = msgspec.msgpack.Encoder().encode
"""Any Struct, list, dict or scalar as MessagePack bytes."""


def decoder(shape: Any) -> msgspec.msgpack.Decoder[Any]:  # noqa: ANN401  unions are not types to mypy
    """A decoder for a Struct or union of Structs; raises msgspec.MsgspecError on foreign bytes."""
    return msgspec.msgpack.Decoder(shape)
