"""Log files: a log of another contact center on the disk, and the mapping that reads it.

Called by the commands that read logs.
"""

from collections.abc import Iterator
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from typing import Any

from ringfloor.base.errors import Fault
from ringfloor.call_logs.mapping import Plan
from ringfloor.call_logs.reading import DIGEST_BYTES, Read, read


def shipped() -> list[str]:
    """Names of the mappings that come with Ringfloor."""
    found = files("ringfloor.call_logs").iterdir()
    return sorted(each.name.removesuffix(".toml") for each in found if each.name.endswith(".toml"))


def mapping(name: str) -> tuple[str, str]:
    """The text of a mapping file, and its name; raises Fault."""
    path: Any = Path(name)
    if name in shipped() and not path.exists():
        path = files("ringfloor.call_logs") / f"{name}.toml"
    try:
        return path.read_text(encoding="utf-8"), name
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(
            f"{name} cannot be read: {error}; mappings that come with Ringfloor:"
            f" {', '.join(shipped())}"
        ) from error


def digest(log: Path) -> bytes:
    """Of the whole file; raises Fault."""
    found = blake2b(digest_size=DIGEST_BYTES)
    try:
        with log.open("rb") as file:
            while chunk := file.read(1 << 20):
                found.update(chunk)
    except OSError as error:
        raise Fault(f"{log} cannot be read: {error.strerror or error}") from error
    return found.digest()


def rows(log: Path, plan: Plan, of: bytes) -> Iterator[Read]:
    """What the rows tell. of: the digest of the file."""
    with log.open("rb") as file:
        yield from read(file, plan, of)
