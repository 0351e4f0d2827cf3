"""Values: how parameters are read, and what a parameter may be.

The console writes numbers and booleans as strings ("5", "True"); people write either. Everything
that looks at a parameter reads it through here. The rules (a Rule says whether a value will do) are
the vocabulary of catalog's rows.

Sources: behaviour specification, sections 6.3, 6.4 and 6.6.
"""

import re
from collections.abc import Callable, Mapping

from ringfloor.flow.references import is_reference

Rule = Callable[[object], bool]
"""Whether a value of a parameter will do."""

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


def anything(_given: object) -> bool:
    return True


def text(given: object) -> bool:
    """Text, with references anywhere in it."""
    return isinstance(given, str)


def single(given: object) -> bool:
    """Either no reference at all or nothing but one."""
    return isinstance(given, str) and (not given.startswith("$.") or is_reference(given))


def path(given: object) -> bool:
    """Nothing but one reference."""
    return isinstance(given, str) and is_reference(given)


def boolean(given: object) -> bool:
    return _truth(given) is not None


def mapping(given: object) -> bool:
    return isinstance(given, dict)


def listing(given: object) -> bool:
    return isinstance(given, list)


def word(*words: str) -> Rule:
    """One of these words."""
    return lambda given: given in words


def whole(least: int, most: int, *, dynamic: bool = False) -> Rule:
    """A whole number between these, or a reference when it may be dynamic."""

    def rule(given: object) -> bool:
        number = as_whole(given)
        if number is None:
            return dynamic and path(given)
        return least <= number <= most

    return rule


def keys(known: frozenset[str], rule: Rule) -> Rule:
    """An object with some of these keys, each value by the rule."""
    return lambda given: (
        isinstance(given, dict) and given.keys() <= known and all(map(rule, given.values()))
    )


def record(
    needs: Mapping[str, Rule], takes: Mapping[str, Rule] | None = None, exactly: int | None = None
) -> Rule:
    """An object with these members; exactly: so many of those it takes."""
    rules = {**needs, **(takes or {})}

    def rule(given: object) -> bool:
        if not isinstance(given, dict) or not needs.keys() <= given.keys() <= rules.keys():
            return False
        if exactly is not None and len(given) != exactly:
            return False
        return all(rules[name](member) for name, member in given.items())

    return rule
