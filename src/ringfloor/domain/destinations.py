"""Destinations: where calls may lead, and what is known of a phone number.

The numbers are the phonenumbers library's, which is imported here alone. The rules are the
operator's; an instance keeps them among its practice (domain.practice). A rule allows or denies

    allow:US              a country (ISO 3166), as far as its numbers can be told
    deny:+1900            numbers that begin so
    deny:premium-rate     numbers of a kind
    deny:*                all of them

(for one instance alone: first=allow:US, by its alias, instead of the rules that name none)
and of those that fit a number the narrowest holds: a longer beginning before a shorter one, both
before the country or kind where they are longer than its calling code. Where a rule allows, what
no rule names is denied; else it is allowed. Emergency numbers are refused whatever these rules say:
who calls for help from a center that does not know where he is gets the wrong help. An operator who
has seen to that says allow:emergency, which is about nothing else. What cannot be a number (it is
too short, say) is of no country, and if no rule is against it, it is for the network to say so.

Called by config (rules), by the engine (before it dials), by operations and the agent service.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import phonenumbers
from phonenumbers import PhoneNumberType, shortnumberinfo

from ringfloor.base.limits import NUMBERS_READ_MAX
from ringfloor.domain.numbers import is_e164

KINDS: Mapping[str, tuple[int, ...]] = {
    "fixed-line": (PhoneNumberType.FIXED_LINE,),
    "mobile": (PhoneNumberType.MOBILE,),
    "pager": (PhoneNumberType.PAGER,),
    "personal": (PhoneNumberType.PERSONAL_NUMBER,),
    "premium-rate": (PhoneNumberType.PREMIUM_RATE,),
    "shared-cost": (PhoneNumberType.SHARED_COST,),
    "toll-free": (PhoneNumberType.TOLL_FREE,),
    "universal": (PhoneNumberType.UAN,),
    "voip": (PhoneNumberType.VOIP,),
}
"""Kinds of numbers by the names that rules have for them."""

_UNKNOWN = PhoneNumberType.UNKNOWN

_EMERGENCY_DIGITS_MAX = 6
"""No number for emergencies is longer, and no other with its country as short."""

EMERGENCY = "allow:emergency"
"""The one rule that lets emergency numbers be called."""

Why = Literal["emergency", "denied"]

RULES: Mapping[Why, str] = {
    "emergency": "is a number for emergencies, which are not called from here by default",
    "denied": "is where this instance must not call",
}
"""Why a number is not called, in words for a refusal."""


class Number(NamedTuple):
    """What is known of a number."""

    calling_code: int
    countries: tuple[str, ...]
    """ISO; its own if that can be told, else the main one of its calling code; () for none."""
    kind: int
    emergency: bool


class Rule(NamedTuple):
    """One rule; exactly one of country, kind and prefix says what it is about, or none: all."""

    allows: bool
    country: str = ""
    kind: str = ""
    prefix: str = ""
    """Digits."""


_RULE = re.compile(r"(allow|deny):(?:(\*)|([A-Z]{2})|([a-z-]+)|\+([1-9][0-9]{0,14}))")


def parse(text: str) -> Rule:
    """allow: or deny: and what; raises ValueError with the rule that it breaks."""
    match = _RULE.fullmatch(text)
    if match is None:
        raise ValueError("is not allow: or deny: and then a country (US), +digits, a kind or *")
    deed, _, country, kind, prefix = match.groups(default="")
    if country and country not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"names {country}, which is no country with phone numbers")
    if kind and kind not in KINDS:
        raise ValueError(f"names none of the kinds {', '.join(KINDS)}")
    return Rule(deed == "allow", country, kind, prefix)


def check(texts: Iterable[str]) -> None:
    """Raises ValueError where a rule is none, or two say different things of the same."""
    seen: dict[tuple[str, ...], bool] = {}
    for text in texts:
        if text == EMERGENCY:
            continue
        try:
            rule = parse(text)
        except ValueError as error:
            raise ValueError(f"{text!r} {error}") from None
        if seen.setdefault(rule[1:], rule.allows) != rule.allows:
            raise ValueError(f"{text!r} contradicts another rule for the same")


def of_instance(texts: Iterable[str], alias: str) -> tuple[str, ...]:
    """The rules that hold in an instance: those that name it (ALIAS=allow:US), else the general."""
    told = [text.rpartition("=") for text in texts]
    own = tuple(rule for name, _, rule in told if name == alias)
    return own or tuple(rule for name, _, rule in told if not name)


def check_all(texts: Sequence[str]) -> None:
    """check, of what holds in each instance that is named, and in all others."""
    for name in {text.rpartition("=")[0] for text in texts}:
        check(of_instance(texts, name))


def refused(number: str, rules: Sequence[str] = ()) -> Why | None:
    """Why this number (E.164) must not be called by these rules; None: it may."""
    known = read(number)
    if known.emergency:
        return None if EMERGENCY in rules else "emergency"
    return None if _allows(_parsed(tuple(rules)), number[1:], known) else "denied"


def is_emergency(number: str) -> bool:
    """Whether a number, with its country or without, is one for emergencies."""
    return read(number if number.startswith("+") else f"+{number}").emergency


def countries(rules: Sequence[str] = ()) -> list[str]:
    """The countries (ISO) whose numbers may be called as a rule, sorted."""
    parsed = _parsed(tuple(rules))
    return sorted(
        country
        for code, found in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
        for country in found
        if country in phonenumbers.SUPPORTED_REGIONS
        if _allows(parsed, str(code), Number(code, (country,), _UNKNOWN, emergency=False))
    )


@lru_cache(maxsize=NUMBERS_READ_MAX)
def read(number: str) -> Number:
    """What the numbering plans say of a number in E.164."""
    short = len(number) - 1 <= _EMERGENCY_DIGITS_MAX and _is_short_emergency(number[1:])
    try:
        parsed = phonenumbers.parse(number) if is_e164(number) else None
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is None:
        return Number(0, (), _UNKNOWN, emergency=short)
    code = parsed.country_code or 0
    shared = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code, ())
    country = phonenumbers.region_code_for_number(parsed) or next(iter(shared), "")
    known = phonenumbers.is_possible_number(parsed) and country in phonenumbers.SUPPORTED_REGIONS
    national = phonenumbers.national_significant_number(parsed)
    return Number(
        code,
        (country,) if known else (),
        phonenumbers.number_type(parsed),
        short or _is_emergency(national, shared, valid=phonenumbers.is_valid_number(parsed)),
    )


def _is_short_emergency(digits: str) -> bool:
    """+911 is no number, but somebody may dial it: digits that mean an emergency anywhere."""
    regions = shortnumberinfo.SUPPORTED_SHORT_REGIONS
    return any(shortnumberinfo.is_emergency_number(digits, each) for each in regions)


def _is_emergency(national: str, regions: Iterable[str], *, valid: bool) -> bool:
    """+1911, or +1911 and whatever was dialled after it, which networks connect just so."""
    return any(
        shortnumberinfo.is_emergency_number(national, each)
        or (not valid and shortnumberinfo.connects_to_emergency_number(national, each))
        for each in regions
    )


@lru_cache(maxsize=64)  # one entry for each set of rules in use
def _parsed(rules: tuple[str, ...]) -> tuple[Rule, ...]:
    return tuple(parse(rule) for rule in rules if rule != EMERGENCY)


def _allows(rules: Iterable[Rule], digits: str, number: Number) -> bool:
    found = [(_width(rule, digits, number), rule.allows) for rule in rules]
    fitting = [each for each in found if each[0] is not None]
    if not fitting:
        return not any(allows for _, allows in found)
    narrowest = max(width or 0 for width, _ in fitting)
    return all(allows for width, allows in fitting if width == narrowest)


def _width(rule: Rule, digits: str, number: Number) -> int | None:
    """How narrow a rule is that fits the number; None: it does not. What says two is denied."""
    code = 3 * len(str(number.calling_code))
    if rule.prefix:
        return 3 * len(rule.prefix) if digits.startswith(rule.prefix) else None
    if rule.country:
        return code + 1 if rule.country in number.countries else None
    if rule.kind:
        return code + 2 if number.kind in KINDS[rule.kind] else None
    return 0
