"""Draw: a flow as a picture: words and boxes say what is in it, layers and routes where."""

from ringfloor.flow.draw.svg import drawing

__all__ = ["drawing"]
