r"""IAM values: how a value in a policy is compared with a value of a request.

Called by aws.iam when it compiles a policy. What is compiled is a function that reads a request's
context, so that a decision parses nothing. Rules:

* `*` stands for any characters, `?` for one, both across colons and slashes; only ArnLike and its
  kin keep to the first five segments of an ARN. `${*}`, `${?}`, `${$}` are those characters.
* `${key}` and `${key, 'default'}` stand for the value of a context key; what comes out of one is
  never a wildcard. A key that is missing or has several values is null: nothing is equal to null,
  so a negated operator holds.
* A missing key fails a condition, unless the operator is negated or ends in IfExists; it fulfils
  ForAllValues and fails ForAnyValue in any case. A key of several values needs one of these.
* A request's value that is no number, date, address or ARN fails each condition that asks for one,
  negated or not. A policy's is refused when the policy is compiled, with ValueError.
* Matching takes time in proportion to pattern times value: what comes before a `*` is found once
  and not tried again (atomic groups), which for wildcards loses nothing.
"""

import operator
import re
from collections.abc import Callable, Sequence
from enum import Enum
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Final, NamedTuple, Protocol

from ringfloor.aws.dates import from_extended
from ringfloor.base.limits import (
    ADDRESSES_READ_MAX,
    POLICY_PATTERN_CHARS_MAX,
    POLICY_PATTERNS_MAX,
)


class Context(Protocol):
    """What is known of a request. Keys in lower case; a key that is missing has no value."""

    def get(self, key: str, /) -> tuple[str, ...] | None: ...


Condition = Callable[[Context], bool]
"""One line of a Condition element: true if a request fulfils it."""

Compare = Callable[[str, Context], bool | None]
"""Whether a request's value is one of the policy's; None if it is none that can be compared."""

MULTIVALUED: Final = frozenset(
    {
        "aws:tagkeys",
        "connect:flowtype",
        "connect:listrealtimecontactanalysissegmentsbysegmenttype",
        "connect:monitorcapabilities",
        "connect:searchcontactsbycontactanalysis",
    }
)
"""Keys that may have several values: they need ForAnyValue or ForAllValues for one value too."""


# Text with wildcards and variables


class Wild(Enum):
    """A wildcard."""

    MANY = "*"
    ONE = "?"


class Variable(NamedTuple):
    """A variable: the context key, in lower case, and what stands for it where there is none."""

    key: str
    default: str | None


Part = str | Wild | Variable
Filled = list[str | Wild]
"""Parts without variables."""

_TOKENS = re.compile(r"\$\{([^}]*)\}|[*?]")
_WILDCARDS = re.compile(r"(?!)()|[*?]")  # the same groups, without variables
_QUOTED = re.compile(r"'(.*)'", re.DOTALL)


def parts(text: str, *, wildcards: bool, variables: bool) -> tuple[Part, ...]:
    """The text of a policy, taken apart. Raises ValueError on a variable that cannot be read."""
    found: list[Part] = []
    end = 0
    for token in (_TOKENS if variables else _WILDCARDS).finditer(text):
        found.append(text[end : token.start()])
        end = token.end()
        if token[1] is not None:
            found.append(_variable(token[1]))
        else:
            found.append(Wild(token[0]) if wildcards else token[0])
    found.append(text[end:])
    return tuple([part for part in found if part != ""])


def _variable(inside: str) -> Part:
    if inside in {"*", "?", "$"}:
        return inside
    key, comma, default = inside.partition(",")
    quoted = _QUOTED.fullmatch(default.strip()) if comma else None
    if not key.strip() or (comma and quoted is None):
        raise ValueError(f"has ${{{inside}}}, which is not ${{key}} or ${{key, 'default'}}")
    return Variable(key.strip().lower(), quoted[1] if quoted else None)


def is_open(template: tuple[Part, ...]) -> bool:
    """Whether the text depends on the request."""
    return any(isinstance(part, Variable) for part in template)


def filled(template: tuple[Part, ...], context: Context) -> Filled | None:
    """The text for this request, or None if a variable is null."""
    result: Filled = []
    for part in template:
        if isinstance(part, Variable):
            values = context.get(part.key)
            single = values is not None and len(values) == 1 and part.key not in MULTIVALUED
            value = values[0] if values is not None and single else part.default
            if value is None:
                return None
            result.append(value)
        else:
            result.append(part)
    return result


def widest(template: tuple[Part, ...], context: Context) -> Filled:
    """The text for this request, with `*` where a variable is null."""
    return [each for part in template for each in filled((part,), context) or [Wild.MANY]]


def glob(text: Filled, any_character: str = ".") -> str:
    """A regular expression for text with wildcards."""
    chunks = [""]
    for part in text:
        if part is Wild.MANY:
            chunks.append("")
        else:
            chunks[-1] += any_character if part is Wild.ONE else re.escape(str(part))
    first, *rest = chunks
    if not rest:
        return first
    *middle, last = rest
    inner = "".join([f"(?>{any_character}*?{chunk})" for chunk in middle if chunk])
    return f"{first}{inner}{any_character}*{last}"


def matcher(pattern: str, flags: int = 0) -> Callable[[str], object]:
    """The pattern, ready to be held against a whole value."""
    return (_kept if len(pattern) <= POLICY_PATTERN_CHARS_MAX else _compiled)(pattern, flags)


def _compiled(pattern: str, flags: int) -> Callable[[str], object]:
    return re.compile(pattern, flags | re.DOTALL).fullmatch


_kept = lru_cache(maxsize=POLICY_PATTERNS_MAX)(_compiled)


def either(patterns: Sequence[str], flags: int = 0) -> Callable[[str], object]:
    """Matches what one of these patterns matches."""
    return matcher("|".join([f"(?:{pattern})" for pattern in patterns]) or r"(?!)", flags)


# Operators


def _same(text: str) -> str:
    return text


def _equal(change: Callable[[str], str]) -> "Builder":
    def build(texts: Sequence[str], *, variables: bool) -> Compare:
        templates = [parts(text, wildcards=False, variables=variables) for text in texts]
        fixed = frozenset([change(_joined(each)) for each in templates if not is_open(each)])
        open_ = [each for each in templates if is_open(each)]

        def compare(value: str, context: Context) -> bool:
            wanted = change(value)
            if wanted in fixed:
                return True
            for each in open_:
                text = filled(each, context)
                if text is not None and change(_joined(text)) == wanted:
                    return True
            return False

        return compare

    return build


def _joined(text: Sequence[object]) -> str:
    return "".join([str(part) for part in text])


def _like(texts: Sequence[str], *, variables: bool) -> Compare:
    return _matching(texts, glob, variables=variables)


def _arn_like(texts: Sequence[str], *, variables: bool) -> Compare:
    matching = _matching(texts, _arn, variables=variables)

    def compare(value: str, context: Context) -> bool | None:
        return matching(value, context) if value.count(":") >= ARN_COLONS else None

    return compare


def _matching(
    texts: Sequence[str], expression: Callable[[Filled], str], *, variables: bool
) -> Compare:
    templates = [parts(text, wildcards=True, variables=variables) for text in texts]
    nobody: dict[str, tuple[str, ...]] = {}
    closed = [filled(each, nobody) for each in templates if not is_open(each)]
    fixed = either([expression(text) for text in closed if text is not None])
    open_ = [each for each in templates if is_open(each)]

    def compare(value: str, context: Context) -> bool:
        if fixed(value):
            return True
        for each in open_:
            text = filled(each, context)
            if text is not None and matcher(expression(text))(value):
                return True
        return False

    return compare


ARN_COLONS: Final = 5
"""What comes after the fifth colon of an ARN is the resource, which may hold more."""


def _arn(text: Filled) -> str:
    """A regular expression for an ARN whose wildcards stay in their segment."""
    if text == [Wild.MANY]:
        return ".*"
    segments: list[Filled] = [[]]
    for part in text:
        if isinstance(part, Wild):
            segments[-1].append(part)
            continue
        first, *rest = part.split(":", ARN_COLONS + 1 - len(segments))
        segments[-1].append(first)
        segments.extend([[each] for each in rest])
    if len(segments) <= ARN_COLONS:
        raise ValueError("is no ARN: it has fewer than six parts")
    *heads, resource = segments
    return "".join([glob(head, "[^:]") + ":" for head in heads]) + glob(resource)


def _ordered(
    read: Callable[[str], float | None], holds: Callable[[float, float], bool], what: str
) -> "Builder":
    def build(texts: Sequence[str], *, variables: bool) -> Compare:  # noqa: ARG001  strings only
        limits = [_known(read(text), what) for text in texts]

        def compare(value: str, context: Context) -> bool | None:  # noqa: ARG001  no variables
            number = read(value)
            return None if number is None else any(holds(number, limit) for limit in limits)

        return compare

    return build


def _known(value: float | None, what: str) -> float:
    if value is None:
        raise ValueError(f"is no {what}")
    return value


_NUMBER = re.compile(r"[+-]?[0-9]{1,300}(?:\.[0-9]{1,300})?(?:[eE][+-]?[0-9]{1,2})?")


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _date(text: str) -> float | None:
    """Milliseconds since the epoch, of ISO 8601 or of seconds since the epoch."""
    number = _number(text)
    return from_extended(text) if number is None else number * 1000


def _numeric(holds: Callable[[float, float], bool]) -> "Builder":
    return _ordered(_number, holds, "number")


def _dated(holds: Callable[[float, float], bool]) -> "Builder":
    return _ordered(_date, holds, "date: ISO 8601 or seconds since the epoch")


def _truth(text: str) -> float | None:
    return {"true": 1.0, "false": 0.0}.get(text.lower())


def _literal(texts: Sequence[str], *, variables: bool) -> Compare:  # noqa: ARG001  base64, as it is
    fixed = frozenset(texts)
    return lambda value, _: value in fixed


@lru_cache(maxsize=ADDRESSES_READ_MAX)
def _address(text: str) -> tuple[int, int] | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.version, int(address)


def _within(texts: Sequence[str], *, variables: bool) -> Compare:  # noqa: ARG001  strings only
    networks = []
    for text in texts:
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            raise ValueError("is no IP address or CIDR block") from None
        networks.append((network.version, int(network.network_address), int(network.netmask)))

    def compare(value: str, context: Context) -> bool | None:  # noqa: ARG001  no variables
        found = _address(value)
        if found is None:
            return None
        version, address = found
        return any(version == v and address & mask == base for v, base, mask in networks)

    return compare


class Builder(Protocol):
    """Compiles the values that a policy gives to an operator. Raises ValueError on a bad one."""

    def __call__(self, texts: Sequence[str], *, variables: bool) -> Compare: ...


class Operator(NamedTuple):
    """How values are compared; negated: holds for the values for which it would not."""

    build: Builder
    negated: bool = False


_folded = _equal(str.lower)

OPERATORS = {
    "stringequals": Operator(_equal(_same)),
    "stringnotequals": Operator(_equal(_same), negated=True),
    "stringequalsignorecase": Operator(_folded),
    "stringnotequalsignorecase": Operator(_folded, negated=True),
    "stringlike": Operator(_like),
    "stringnotlike": Operator(_like, negated=True),
    "numericequals": Operator(_numeric(operator.eq)),
    "numericnotequals": Operator(_numeric(operator.eq), negated=True),
    "numericlessthan": Operator(_numeric(operator.lt)),
    "numericlessthanequals": Operator(_numeric(operator.le)),
    "numericgreaterthan": Operator(_numeric(operator.gt)),
    "numericgreaterthanequals": Operator(_numeric(operator.ge)),
    "dateequals": Operator(_dated(operator.eq)),
    "datenotequals": Operator(_dated(operator.eq), negated=True),
    "datelessthan": Operator(_dated(operator.lt)),
    "datelessthanequals": Operator(_dated(operator.le)),
    "dategreaterthan": Operator(_dated(operator.gt)),
    "dategreaterthanequals": Operator(_dated(operator.ge)),
    "bool": Operator(_ordered(_truth, operator.eq, "boolean: true or false")),
    "binaryequals": Operator(_literal),
    "ipaddress": Operator(_within),
    "notipaddress": Operator(_within, negated=True),
    "arnequals": Operator(_arn_like),
    "arnlike": Operator(_arn_like),
    "arnnotequals": Operator(_arn_like, negated=True),
    "arnnotlike": Operator(_arn_like, negated=True),
}
"""By name in lower case: AWS does not mind the case either."""

_NAME = re.compile(r"(?:(foranyvalue|forallvalues):)?(.+?)(ifexists)?")


def condition(name: str, key: str, texts: Sequence[str], *, variables: bool) -> Condition:
    """One line of a Condition element. Raises ValueError saying what is wrong with it.

    name: of the operator. variables: whether `${...}` is one, as the policy's version says.
    """
    key = key.lower()
    if name.lower() == "null":
        return _null(key, texts)
    read = _NAME.fullmatch(name.lower())
    found = OPERATORS.get(read[2]) if read else None
    if read is None or found is None:
        raise ValueError("is no condition operator")
    one = _negated(found.build(texts, variables=variables), negated=found.negated)
    if read[1] == "forallvalues":
        return _all(key, one)
    if read[1] == "foranyvalue":
        return _any(key, one)
    return _single(key, one, if_missing=found.negated or read[3] is not None)


def _negated(compare: Compare, *, negated: bool) -> Compare:
    if not negated:
        return compare

    def differ(value: str, context: Context) -> bool:
        return compare(value, context) is False

    return differ


def _single(key: str, one: Compare, *, if_missing: bool) -> Condition:
    many = key in MULTIVALUED

    def holds(context: Context) -> bool:
        values = context.get(key)
        if not values:
            return if_missing
        return not many and len(values) == 1 and one(values[0], context) is True

    return holds


def _all(key: str, one: Compare) -> Condition:
    def holds(context: Context) -> bool:
        return all(one(value, context) for value in context.get(key) or ())

    return holds


def _any(key: str, one: Compare) -> Condition:
    def holds(context: Context) -> bool:
        return any(one(value, context) for value in context.get(key) or ())

    return holds


def _null(key: str, texts: Sequence[str]) -> Condition:
    wanted = {_known(_truth(text), "boolean: true or false") == 1.0 for text in texts}

    def holds(context: Context) -> bool:
        return (not context.get(key)) in wanted

    return holds
