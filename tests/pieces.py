"""Pieces of work for processes that are spawned, which have to find it in a module."""

from ringfloor.base.errors import Fault


def doubled(piece, progress):
    progress(0.5)
    if piece < 0:
        raise Fault(f"{piece} cannot be doubled")
    return 2 * piece
