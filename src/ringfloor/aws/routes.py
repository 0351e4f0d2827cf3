"""Routes: which operation a method and a raw path mean.

Called by aws.model (building) and aws.request (finding). A trie over the raw segments of the path,
because a framework's router decodes first and so breaks ARNs in labels. Rules:

* The path is split at its slashes and only then is each label percent-decoded, once. `+` is itself.
* A trailing slash is ignored, but not where a label may follow: deleting a thing whose id happens
  to be empty must not delete what holds it.
* An empty segment, `.` or `..` names no operation: SigV4 normalises them, so that one signature
  would otherwise be good for several operations.
* A fixed segment is preferred to a label; a dead end goes back to the label.
* A greedy label, last in its template, takes the rest of the path: an ARN sent unencoded.
* The wrong method on a known path is no operation either (Smithy's rule).
"""

from typing import Generic, TypeVar
from urllib.parse import unquote_to_bytes

T = TypeVar("T")


def percent_decoded(raw: bytes) -> str:
    """A label, query name or query value as text; raises UnicodeDecodeError if it is not UTF-8."""
    return (unquote_to_bytes(raw) if b"%" in raw else raw).decode()


def path_of(target: bytes) -> bytes:
    """The path of a request target: without scheme and authority if it is in absolute form."""
    if target.startswith(b"/"):
        return target
    scheme, separator, rest = target.partition(b"://")
    if not separator or b"/" in scheme:
        return target
    return rest[rest.find(b"/") :] if b"/" in rest else b"/"


class _Node(Generic[T]):
    __slots__ = ("fixed", "greedy", "label", "operations")

    def __init__(self) -> None:
        self.fixed: dict[bytes, _Node[T]] = {}
        self.label: _Node[T] | None = None
        self.greedy = False
        self.operations: dict[str, T] = {}


class Routes(Generic[T]):
    """Templates such as /users/{InstanceId}/{UserId}, with what they lead to."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, method: str, template: str, operation: T, *, greedy: bool = False) -> None:
        """Add a template; greedy: its last label takes the rest of the path."""
        node = self._root
        for segment in template.strip("/").split("/"):
            if segment.startswith("{"):
                if node.label is None:
                    node.label = _Node()
                node = node.label
            elif segment:
                node = node.fixed.setdefault(segment.encode(), _Node())
        assert method not in node.operations, f"two operations for {method} {template}"
        node.operations[method] = operation
        node.greedy = node.greedy or greedy

    def find(self, method: str, path: bytes) -> tuple[T, list[bytes]] | None:
        """The operation and its raw labels from left to right, or None."""
        if not path.startswith(b"/"):
            return None
        segments = path[1:].split(b"/")
        if b"" in segments[:-1] or b"." in segments or b".." in segments:
            return None
        labels: list[bytes] = []
        found = _descend(self._root, method, segments, 0, labels)
        return None if found is None else (found, labels)


def _descend(
    node: _Node[T], method: str, segments: list[bytes], at: int, labels: list[bytes]
) -> T | None:
    if at == len(segments):
        return node.operations.get(method)
    if segments[at] == b"":  # only the last can be: a trailing slash
        return None if node.label else node.operations.get(method)
    fixed = node.fixed.get(segments[at])
    if fixed is not None:
        found = _descend(fixed, method, segments, at + 1, labels)
        if found is not None:
            return found
    label = node.label
    if label is None:
        return None
    labels.append(segments[at])
    found = _descend(label, method, segments, at + 1, labels)
    if found is None and label.greedy:
        labels[-1] = b"/".join(segments[at:])
        found = label.operations.get(method)
    if found is None:
        labels.pop()
    return found
