"""Frozen answers: how many, and how large in all, are kept for those who page through them."""

import pytest

from ringfloor.base.errors import Refusal
from ringfloor.base.limits import FROZEN_ANSWERS_MAX, FROZEN_NUMBERS_MAX, NEXT_TOKEN_MS
from ringfloor.operations.frozen import Answer, Frozen

NOW = 1_000_000


def kept(frozen: Frozen, names: list[str], now: int = NOW) -> list[int]:
    """Which of them are still there."""

    def is_there(name: str) -> bool:
        try:
            frozen.find(name, now)
        except Refusal as refusal:
            return refusal.code != "InvalidParameterException"
        return True

    return [number for number, name in enumerate(names) if is_there(name)]


def test_the_oldest_goes_where_there_is_no_room_for_the_numbers():
    frozen, third = Frozen(), FROZEN_NUMBERS_MAX // 3
    names = [frozen.keep(Answer([], NOW, third), NOW) for _ in range(3)]
    frozen.find(names[0], NOW)  # somebody goes on with it
    names.append(frozen.keep(Answer([], NOW, 2 * third), NOW))
    assert kept(frozen, names) == [0, 3]


def test_what_is_larger_than_all_room_stands_alone():
    frozen = Frozen()
    names = [frozen.keep(Answer([], NOW, size), NOW) for size in (1, FROZEN_NUMBERS_MAX + 1)]
    assert kept(frozen, names) == [1]


def test_written_rows_take_room_by_their_number():
    assert Answer([{}] * 7, NOW).size == 350
    assert Answer([{}] * 7, NOW, 12).size == 12


def test_no_more_than_so_many_are_kept():
    frozen = Frozen()
    names = [frozen.keep(Answer([], NOW, 0), NOW) for _ in range(FROZEN_ANSWERS_MAX + 2)]
    assert kept(frozen, names) == list(range(2, FROZEN_ANSWERS_MAX + 2))


@pytest.mark.parametrize(("later", "there"), [(NEXT_TOKEN_MS - 1, [0]), (NEXT_TOKEN_MS, [])])
def test_an_answer_lives_as_long_as_a_token(later, there):
    frozen = Frozen()
    assert kept(frozen, [frozen.keep(Answer([], NOW, 5), NOW)], NOW + later) == there
