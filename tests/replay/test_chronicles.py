"""The engine says what it has said: event by event, effect by effect, refusal by refusal."""

import lzma
from difflib import unified_diff

import pytest

from replay.chronicle import SEEDS, chronicle, path


@pytest.mark.parametrize("seed", SEEDS)
def test_a_life_is_told_as_it_was(seed):
    written = lzma.decompress(path(seed).read_bytes()).decode()
    told = chronicle(seed)
    if told != written:
        changes = unified_diff(written.splitlines(), told.splitlines(), "written", "told", n=2)
        pytest.fail("\n".join(line[:400] for line, _ in zip(changes, range(40), strict=False)))
