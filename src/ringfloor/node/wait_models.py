"""Wait models: what instances have learnt of waits from their own past: trained, kept, put to use.

Owned by the outbox, which says when it is time by the node's clock: every so many hours, and an
hour after the start of a server that has none. node.wait_process trains, one instance at a time.
Under the data directory, or in memory alone:

    wait-models/{instance}.msgpack      the last model; replaced as a whole, or not at all

Rules:

* A model is trained only of TRAINED_ON_MIN waits or more, and only if there are new contacts.
* Nothing here holds up the loop for more than a few milliseconds: contacts are fetched, packed and
  sent, and models read and checked, on threads and piece by piece.
* One instance at a time has its contacts in memory, however many are due.
* A file that is broken, of another instance or of another version of Ringfloor is refused with a
  line in the log, and estimates are made by QLm until the next training; so is what training
  itself has made.
* Whatever goes wrong is told in the log, and what was there before goes on.
"""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from math import isfinite
from pathlib import Path
from typing import TypeGuard

import msgspec
from msgspec import Struct

from ringfloor.base.errors import Fault
from ringfloor.base.limits import (
    WAIT_MODEL_BYTES_MAX,
    WAIT_TRAINING_BYTES_MAX,
    WAIT_TRAINING_CONTACTS_MAX,
    WAIT_TRAINING_FIRST_MS,
    WAIT_TRAINING_SECONDS_MAX,
)
from ringfloor.base.time import Duration, Instant
from ringfloor.node.desk import Desk
from ringfloor.node.node import Node
from ringfloor.node.wait_process import Task, pack
from ringfloor.waits.estimators import NO_TIME
from ringfloor.waits.floor import Floor
from ringfloor.waits.model import LEAF, Forest, WaitModel, decode, moved
from ringfloor.waits.order import Class
from ringfloor.waits.training import WAITS_MIN
from ringfloor.waits.views import FEATURES, look

log = logging.getLogger(__name__)

DIRECTORY, SUFFIX = "wait-models", ".msgpack"
TRAINED_ON_MIN = WAITS_MIN
COMMAND = (sys.executable, "-P", "-m", "ringfloor.node.wait_process")


class WaitModels:
    """The models of all instances of this server."""

    def __init__(self, node: Node, data: Path | None, every: Duration | None) -> None:
        """every: how often models are trained; None: there are none."""
        self._node = node
        self._directory = None if data is None else data / DIRECTORY
        self._every = every
        self._due: dict[str, Instant] = {}
        """By instance."""
        self._seen: dict[str, int] = {}
        """Up to which record an instance has been learnt from."""
        self._training: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()
        """Held by the one that is trained; the others have fetched nothing yet."""
        self._thread = ThreadPoolExecutor(1, "training")
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def restore(self) -> None:
        """At a start: put to use what there is, forget what is of instances that are gone."""
        if self._every is None:
            return
        if self._directory is not None and self._directory.is_dir():
            try:
                there = list(self._directory.iterdir())
            except OSError as error:
                log.warning("%s cannot be read: %s", self._directory, error)
                there = []
            for path in there:
                if path.suffix != SUFFIX or path.stem not in self._node.desks:
                    _remove(path)
        now = self._node.clock.now()
        for instance_id, desk in self._node.desks.items():
            desk.waiting.model = model = self._loaded(instance_id)
            if model is not None:  # the clock may have been ahead when it was trained
                self._due[instance_id] = min(model.trained_at, now) + self._every

    # When

    def next_due(self) -> Instant | None:
        """When an instance is to be learnt from in which something new has happened."""
        if self._every is None or self._closed:
            return None
        now = self._node.clock.now()
        if self._due.keys() - self._node.desks.keys():
            return now  # what is of instances that are gone is to go
        first = now + WAIT_TRAINING_FIRST_MS
        dues = (
            self._due.setdefault(instance_id, first)
            for instance_id, desk in self._node.desks.items()
            if instance_id not in self._training and desk.sequence != self._seen.get(instance_id)
        )
        return min(dues, default=None)

    def run_due(self, now: Instant) -> None:
        """Begin to learn from those of whom it is time."""
        if self._every is None or self._closed:
            return
        for gone in self._due.keys() - self._node.desks.keys():
            del self._due[gone]
            self._seen.pop(gone, None)
            self._forget(gone)
        for instance_id, desk in self._node.desks.items():
            if instance_id not in self._training and self._due.get(instance_id, now + 1) <= now:
                self._due[instance_id] = now + self._every
                if desk.sequence != self._seen.get(instance_id):
                    self._seen[instance_id] = desk.sequence
                    work = self._learn(desk)
                    self._training[instance_id] = asyncio.get_running_loop().create_task(work)

    def busy(self) -> bool:
        """Whether a model is being trained."""
        return bool(self._training)

    async def close(self) -> None:
        """Give up what is being trained."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()
        await asyncio.gather(*self._training.values())
        self._thread.shutdown()

    # Training

    async def _learn(self, desk: Desk) -> None:
        instance_id, last = desk.instance_id, desk.waiting.model
        try:
            async with self._turn:
                model = None
                if self._is_there(desk) and not self._closed:
                    model = await self._model(desk, 1 if last is None else last.version + 1)
            if not self._is_there(desk):  # it was deleted meanwhile: nothing of it stays
                self._forget(instance_id)
            elif model is not None:
                desk.waiting.model = model
                log.info("instance %s: model of waits %s", instance_id, described(model))
        except Exception as error:  # noqa: BLE001  whatever it is, waits are told as before
            if not self._closed:
                log.warning(
                    "instance %s: no model of waits was trained: %s; the last one, or QLm, goes on",
                    instance_id,
                    error,
                )
        finally:
            del self._training[instance_id]
            self._node.wake()

    def _is_there(self, desk: Desk) -> bool:
        return self._node.desks.get(desk.instance_id) is desk

    async def _model(self, desk: Desk, version: int) -> WaitModel | None:
        """None: too little is known."""
        instance_id, node = desk.instance_id, self._node
        waits = await node.analyse(desk, lambda history: history.waits(instance_id))
        if waits < TRAINED_ON_MIN:
            log.info(
                "instance %s: %d waits are known; a model of them is trained from %d on",
                instance_id,
                waits,
                TRAINED_ON_MIN,
            )
            return None
        records = await node.analyse(
            desk,
            lambda history: history.waited(
                instance_id, WAIT_TRAINING_CONTACTS_MAX, WAIT_TRAINING_BYTES_MAX
            ),
        )
        task = Task(instance_id, version, node.clock.now(), records)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._trained, instance_id, task)

    def _trained(self, instance_id: str, task: Task) -> WaitModel:
        """On the thread: another process does it; raises Fault."""
        file = self._ask(pack(task))
        model = checked(decode(file), instance_id)
        if self._directory is not None:
            self._keep(instance_id, file)
        return model

    def _ask(self, task: bytearray) -> bytes:
        if self._closed:
            raise Fault("the server stops")
        pipe = subprocess.PIPE
        process = self._process = subprocess.Popen(  # noqa: S603  ourselves
            COMMAND,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            start_new_session=True,  # an interrupt is for the server, which ends it itself
        )
        try:
            if self._closed:
                process.kill()
            file, errors = process.communicate(
                task,  # type: ignore[arg-type]  # any buffer will do
                timeout=WAIT_TRAINING_SECONDS_MAX,
            )
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.communicate()
            raise Fault(f"it takes more than {WAIT_TRAINING_SECONDS_MAX} s") from error
        finally:
            self._process = None
        if process.returncode:
            said = errors.decode(errors="replace").strip().rpartition("\n")[2]
            raise Fault(f"the process that trains it ended with {process.returncode}: {said}")
        return file

    # On the disk

    def _path(self, instance_id: str) -> Path:
        assert self._directory is not None
        return self._directory / (instance_id + SUFFIX)

    def _keep(self, instance_id: str, file: bytes) -> None:
        """Whole or not at all: written beside, then renamed."""
        path = self._path(instance_id)
        path.parent.mkdir(exist_ok=True)
        beside = path.with_suffix(".part")
        try:
            with beside.open("wb") as out:
                out.write(file)
                out.flush()
                os.fsync(out.fileno())
            beside.replace(path)
        except OSError:
            _remove(beside)
            raise
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _forget(self, instance_id: str) -> None:
        if self._directory is not None:
            _remove(self._path(instance_id))

    def _loaded(self, instance_id: str) -> WaitModel | None:
        if self._directory is None:
            return None
        path = self._path(instance_id)
        try:
            with path.open("rb") as file:
                return checked(decode(file.read(WAIT_MODEL_BYTES_MAX)), instance_id)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            log.warning(
                "%s is refused: %s; waits are estimated by QLm until the next training", path, error
            )
            return None


def _remove(path: Path) -> None:
    """What cannot be removed stays, and does no harm."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s cannot be removed: %s", path, error)


def described(model: WaitModel) -> str:
    """What has become of it, for the log."""
    parts = [f"{model.version} of {model.trained_on} waits uses {model.uses}"]
    for by, rating in sorted(model.scores.items()):
        parts.append(
            f"{by} errs by {rating.mae_s:.1f} s in the mean on the last days,"
            f" {rating.coverage:.0%} within P10 and P90"
        )
    return "; ".join(parts)


def checked(model: WaitModel, instance_id: str) -> WaitModel:
    """The model, if it is of this instance and whatever is asked of it ends with a number.

    Raises msgspec.ValidationError.
    """
    if model.instance != instance_id:
        raise msgspec.ValidationError("a wait model of another instance")
    for each in _parts(model):
        numbers = each if _is_numbers(each) else [each] if isinstance(each, float) else []
        if not all(map(isfinite, numbers)):
            raise msgspec.ValidationError("a wait model with something that is no number")
        if isinstance(each, Forest) and not _is_sound(each):
            raise msgspec.ValidationError("a wait model whose trees lead nowhere")
    somebody = look(Floor(), Class("", 0, 0), 0)
    try:
        told = None if model.forests is None else model.forests.tells(somebody)
        for offsets in model.offsets.values():
            moved(told or NO_TIME, offsets)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise msgspec.ValidationError(f"a wait model that tells nothing: {error}") from error
    return model


def _is_numbers(part: object) -> TypeGuard[list[float]]:
    """There are 100,000 of them in a model: they are looked at as a whole."""
    return isinstance(part, list) and bool(part) and isinstance(part[0], int | float)


def _parts(whole: object) -> Iterator[object]:
    """All that something is made of but lists' numbers, and itself."""
    yield whole
    inside: Iterable[object] = ()
    if isinstance(whole, Struct):
        inside = msgspec.structs.astuple(whole)
    elif isinstance(whole, dict):
        inside = whole.values()
    elif isinstance(whole, list | tuple) and not _is_numbers(whole):
        inside = whole
    for each in inside:
        yield from _parts(each)


def _is_sound(forest: Forest) -> bool:
    """Each way leads down to a leaf."""
    count = len(forest.feature)
    if {len(each) for each in (forest.threshold, forest.left, forest.right, forest.value)} != {
        count
    }:
        return False
    ways = zip(forest.feature, forest.left, forest.right, strict=True)
    return all(0 <= root < count for root in forest.roots) and all(
        feature == LEAF
        or (0 <= feature < len(FEATURES) and node < left < count and node < right < count)
        for node, (feature, left, right) in enumerate(ways)
    )
