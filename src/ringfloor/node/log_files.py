"""Log files: a log of another contact center on the disk, and the mapping that reads it.

Called by the commands that read logs.
"""

from collections.abc import Iterator
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from typing import Any

from ringfloor.base.errors import Fault
from ringfloor.call_logs.mapping import Plan, plan
from ringfloor.call_logs.reading import DIGEST_BYTES, Problem, Read, read
from ringfloor.domain.logged import LoggedContact


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


def planned(name: str | None, log: Path) -> Plan:
    """How a log is read. name: of a mapping; None: that which comes with Ringfloor and reads it.

    Raises Fault.
    """
    if name is not None:
        return plan(*mapping(name))
    for each in shipped():
        found = plan(*mapping(each))
        if not isinstance(next(rows(log, found, bytes(DIGEST_BYTES)), None), Problem):
            return found
    raise Fault(
        f"{log}: none of the mappings that come with Ringfloor ({', '.join(shipped())}) reads it:"
        " --mapping FILE.toml says how it is read, docs/records.md how that is written"
    )


def digest(log: Path) -> bytes:
    """Of the whole file; raises Fault."""
    found = blake2b(digest_size=DIGEST_BYTES)
    try:
        with log.open("rb") as file:
            while chunk := file.read(1 << 20):
                found.update(chunk)
    except OSError as error:
        raise _unreadable(log, error) from error
    return found.digest()


def rows(log: Path, plan: Plan, of: bytes) -> Iterator[Read]:
    """What the rows tell. of: the digest of the file; raises Fault."""
    try:
        with log.open("rb") as file:
            yield from read(file, plan, of)
    except OSError as error:
        raise _unreadable(log, error) from error


def contacts(log: Path, plan: Plan) -> list[LoggedContact]:
    """All that it tells of contacts; raises Fault at the first row that is wrong."""
    found = []
    for row in rows(log, plan, digest(log)):
        if isinstance(row, Problem):
            raise Fault(f"{log}:{row.line}: column {row.column}: {row.value} {row.rule}")
        if isinstance(row, LoggedContact):
            found.append(row)
    return found


def _unreadable(log: Path, error: OSError) -> Fault:
    return Fault(f"{log} cannot be read: {error.strerror or error}")
