"""The dialogs that are under way, in a small file: who must be told if we die.

gateway.sip.calls writes it, on the thread of SIP, and sweeps it when it starts: a gateway that was
killed leaves far ends who believe that they are still in a call; its successor says BYE to them, or
CANCEL where we were still dialling, or refuses in its place what was ringing here.

Rules
* The file holds what is to be said, word by word, so that nothing need be understood later. It is
  replaced as a whole, SIP_DIALOGS_WRITE_MS after a change; calls that begin and die within that
  time are not in it.
* It is a courtesy: a file that cannot be read or written is told to the log, and the gateway works.
* It holds people's numbers: only its owner may read it.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from ringfloor.base.limits import SIP_DIALOGS_WRITE_MS
from ringfloor.base.time import Duration

log = logging.getLogger(__name__)


class Farewell(Struct, frozen=True):
    """What to say to a far end in our place."""

    kind: Literal["ask", "refuse"]
    """ask: send this request (BYE, CANCEL); refuse: answer this request with 503."""
    text: str
    host: str
    port: int


class Dialogs:
    """later: has something called after so many milliseconds, on the caller's thread."""

    def __init__(
        self, path: Path | None, later: Callable[[Duration, Callable[[], None]], None]
    ) -> None:
        self._path = path
        self._later = later
        self._living: dict[str, Farewell] = {}
        self._pending = False

    def note(self, leg_id: str, farewell: Farewell) -> None:
        """What is to be said now, should we die."""
        self._living[leg_id] = farewell
        self._changed()

    def drop(self, leg_id: str) -> None:
        if self._living.pop(leg_id, None) is not None:
            self._changed()

    def left(self) -> list[Farewell]:
        """What a predecessor has left; asked once, at the start."""
        if self._path is None:
            return []
        try:
            found = msgspec.json.decode(self._path.read_bytes(), type=dict[str, Farewell])
            self._path.unlink()
        except FileNotFoundError:
            return []
        except (OSError, msgspec.MsgspecError) as fault:
            log.warning("what dialogs were left is not known: %s", fault)
            return []
        return list(found.values())

    def write(self) -> None:
        """Replace the file, now."""
        self._pending = False
        if self._path is None:
            return
        fresh = self._path.with_name(self._path.name + ".new")
        try:
            file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(file, "wb") as opened:  # noqa: PTH123  a descriptor
                opened.write(msgspec.json.encode(self._living))
            fresh.replace(self._path)
        except OSError as fault:
            log.warning("the dialogs under way cannot be written down: %s", fault)

    def _changed(self) -> None:
        if self._path is not None and not self._pending:
            self._pending = True
            self._later(SIP_DIALOGS_WRITE_MS, self.write)
