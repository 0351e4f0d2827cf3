"""Values: how parameters are read, and what a parameter may be.

The console writes numbers and booleans as strings ("5", "True"); people write either. Everything
that looks at a parameter reads it through here. The rules are the vocabulary of catalog's rows: a
Rule says whether a value will do, and in words what would.

Sources: behaviour specification, sections 6.3, 6.4 and 6.6.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from ringfloor.flow.references import is_reference


class Rule(NamedTuple):
    """Whether a value of a parameter will do."""

    expects: str
    """What to write, as it stands behind `It must be`."""
    holds: Callable[[object], bool]

    def __call__(self, given: object) -> bool:
        return self.holds(given)


_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_TRUTH = {"true": True, "false": False}


def is_true(given: object) -> bool:
    """A boolean, or the word for it in any case; anything else is false."""
    return _truth(given) is True


def as_whole(given: object) -> int | None:
    """A whole number, or the text of one; None for anything else."""
    if isinstance(given, bool):
        return None
    if isinstance(given, int):
        return given
    return int(given) if isinstance(given, str) and _WHOLE.fullmatch(given) else None


def _truth(given: object) -> bool | None:
    if isinstance(given, bool):
        return given
    return _TRUTH.get(given.lower()) if isinstance(given, str) else None


# Rules


def listed(names: Iterable[str], last: str = "or") -> str:
    """Words as a sentence has them: `a, b or c`."""
    *before, end = names
    return f"{', '.join(before)} {last} {end}" if before else end


def _is_text(given: object) -> bool:
    return isinstance(given, str)


def _is_single(given: object) -> bool:
    return isinstance(given, str) and (not given.startswith("$.") or is_reference(given))


def _is_path(given: object) -> bool:
    return isinstance(given, str) and is_reference(given)


anything = Rule("any value", lambda _: True)
text = Rule("a text, with or without references", _is_text)
single = Rule("a text, or one reference such as $.Attributes.name and nothing else", _is_single)
path = Rule("one reference such as $.Attributes.name and nothing else", _is_path)
boolean = Rule("True or False", lambda given: _truth(given) is not None)
mapping = Rule("an object", lambda given: isinstance(given, dict))
listing = Rule("a list", lambda given: isinstance(given, list))


def word(*words: str) -> Rule:
    """One of these words."""
    return Rule(listed(words), lambda given: given in words)


def whole(least: int, most: int, *, dynamic: bool = False) -> Rule:
    """A whole number between these, or a reference when it may be dynamic."""

    def holds(given: object) -> bool:
        number = as_whole(given)
        if number is None:
            return dynamic and _is_path(given)
        return least <= number <= most

    bounds = f"from {least} to {most}" if most < _UNBOUNDED else f"from {least} on"
    numbers = f"a whole number {bounds}" if least > -_UNBOUNDED else "a whole number"
    return Rule(f"{numbers}, or a reference to one" if dynamic else numbers, holds)


_UNBOUNDED = 10**9


def either(first: Rule, second: Rule) -> Rule:
    return Rule(f"{first.expects}, or {second.expects}", lambda it: first(it) or second(it))


def keys(known: frozenset[str], rule: Rule) -> Rule:
    """An object with some of these keys, each value by the rule."""
    return Rule(
        f"an object with some of {listed(sorted(known), 'and')}, each {rule.expects}",
        lambda given: (
            isinstance(given, dict)
            and given.keys() <= known
            and all(rule(member) for member in given.values())
        ),
    )


def each(rule: Rule, least: int = 0, most: int | None = None) -> Rule:
    """An object with any keys, each value by the rule."""
    size = "" if most is None else f" of {least} to {most} members"
    return Rule(
        f"an object{size}, each {rule.expects}",
        lambda given: (
            isinstance(given, dict)
            and least <= len(given) <= (len(given) if most is None else most)
            and all(rule(member) for member in given.values())
        ),
    )


def several(rule: Rule, least: int = 0) -> Rule:
    """A list of what the rule says."""
    return Rule(
        f"a list{' that is not empty' if least else ''}, each entry {rule.expects}",
        lambda given: (
            isinstance(given, list) and len(given) >= least and all(rule(entry) for entry in given)
        ),
    )


def record(
    needs: Mapping[str, Rule], takes: Mapping[str, Rule] | None = None, exactly: int | None = None
) -> Rule:
    """An object with these members; exactly: so many of those it takes."""
    rules = {**needs, **(takes or {})}

    def holds(given: object) -> bool:
        if not isinstance(given, dict) or not needs.keys() <= given.keys() <= rules.keys():
            return False
        if exactly is not None and len(given) != exactly:
            return False
        return all(rules[name](member) for name, member in given.items())

    count = "" if exactly is None else f" exactly {exactly} of"
    members = "; ".join(
        f"{name}{'' if name in needs or exactly else ' (optional)'}: {rule.expects}"
        for name, rule in rules.items()
    )
    return Rule(f"an object with{count} {{{members}}}", holds)
