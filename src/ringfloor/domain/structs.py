"""Structs: what all events have in common, and all commands."""

from msgspec import Struct


class EventStruct(Struct, frozen=True, array_like=True, tag=True):
    """An event: a tagged array, so that fields may be added at the end."""


class CommandStruct(Struct, frozen=True):
    """A command: never written down."""
