"""SSML: what is to be spoken, part by part, out of a document or a plain text.

Called by gateway.speech.speech. The subset of SSML that prompts of contact centers use is carried
out here, so that no engine has to understand it, and no engine's parser ever sees a document:

    speak, p, s             paragraphs and sentences, with their pauses
    break                   time, or strength
    prosody, emphasis       rate, pitch, volume
    say-as                  digits, characters, spell-out, telephone; expletive is not spoken
    sub                     its alias instead
    lang                    another language
    anything else           what it encloses is spoken, phoneme's as it is written

Rules
* A document is well-formed or refused, with the reason. There are the five entities of XML and
  character references, and no others: no document type, no CDATA, and no processing
  instruction but the declaration of XML at its beginning.
* Everything is bounded: characters, depth, parts, pauses.

Sources: W3C SSML 1.1; Amazon Polly's developer guide, Supported SSML tags.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from ringfloor.base.limits import (
    SPEECH_BREAK_MS_MAX,
    SPEECH_CHARS_MAX,
    SPEECH_PARTS_MAX,
    SPEECH_SECONDS_MAX,
    SSML_CHARS_MAX,
    SSML_DEPTH_MAX,
)


class Manner(NamedTuple):
    """How something is spoken: times the usual rate and pitch, decibels above the usual volume."""

    language: str = ""
    """As xml:lang says it; "": the voice's own."""
    rate: float = 1.0
    pitch: float = 1.0
    volume_db: float = 0.0


class Part(NamedTuple):
    """Some words in one manner, then silence; either may be nothing."""

    text: str
    manner: Manner = Manner()
    pause_ms: int = 0


class SsmlRefused(ValueError):
    """A document that breaks a rule, which is told."""


def plain(text: str) -> tuple[Part, ...]:
    """A text without markup; SsmlRefused if it is too long."""
    return _bounded([Part(_spaced(text))])


def parse(document: str) -> tuple[Part, ...]:
    """A document; SsmlRefused."""
    if len(document) > SSML_CHARS_MAX:
        raise SsmlRefused(f"it has more than {SSML_CHARS_MAX} characters")
    reader = _Reader()
    for token in _tokens(_DECLARATION.sub("", document, count=1)):
        reader.take(token)
    return _bounded(reader.done())


def _bounded(parts: list[Part]) -> tuple[Part, ...]:
    """Parts in the same manner as one, and nothing that is too much."""
    joined: list[Part] = []
    for part in parts:
        last = joined[-1] if joined else Part("")
        if joined and not last.pause_ms and (not part.text.strip() or last.manner == part.manner):
            same = part.text if last.manner == part.manner else ""
            joined[-1] = Part(last.text + same, last.manner, part.pause_ms)
        elif part.text.strip() or part.pause_ms:
            joined.append(part)
    if len(joined) > SPEECH_PARTS_MAX:
        raise SsmlRefused(f"it has more than {SPEECH_PARTS_MAX} parts")
    if sum(len(each.text) for each in joined) > SPEECH_CHARS_MAX:
        raise SsmlRefused(f"more than {SPEECH_CHARS_MAX} characters are to be spoken")
    if sum(each.pause_ms for each in joined) > SPEECH_SECONDS_MAX * 1_000:
        raise SsmlRefused(f"its pauses are longer than {SPEECH_SECONDS_MAX} seconds")
    return tuple(joined)


# Reading


class _Tag(NamedTuple):
    name: str
    attributes: dict[str, str]
    opens: bool
    closes: bool


_Token = _Tag | str

_DECLARATION = re.compile(r"\A\ufeff?\s*<\?xml\s[^<>]*\?>")
_TOKEN = re.compile(r"<!--(?P<comment>.*?)-->|<(?P<tag>[^<>]*)>|(?P<text>[^<]+)", re.DOTALL)
_NAME = r"[A-Za-z_][A-Za-z0-9_.:-]*"
_TAG = re.compile(rf"(?P<end>/?)(?P<name>{_NAME})(?P<rest>(?:\s.*?)?)(?P<empty>/?)", re.DOTALL)
_ATTRIBUTE = re.compile(rf"\s+({_NAME})\s*=\s*(\"[^\"]*\"|'[^']*')")
_REFERENCE = re.compile(r"&(#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6}|[A-Za-z]+);|&")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def _tokens(document: str) -> Iterator[_Token]:
    at = 0
    while at < len(document):
        found = _TOKEN.match(document, at)
        if found is None:
            raise SsmlRefused(f"at character {at}: < begins no tag")
        if found["tag"] is not None:
            yield _tag(found["tag"], at)
        elif found["text"] is not None:
            yield _decoded(found["text"])
        at = found.end()


def _tag(inside: str, at: int) -> _Tag:
    found = _TAG.fullmatch(inside)
    if found is None:
        raise SsmlRefused(f"at character {at}: there is no tag <{inside[:20]}>")
    attributes: dict[str, str] = {}
    rest = found["rest"].rstrip()
    end = 0
    while end < len(rest):
        attribute = _ATTRIBUTE.match(rest, end)
        if attribute is None or attribute[1] in attributes or found["end"]:
            raise SsmlRefused(f"at character {at}: the attributes of <{inside[:20]}> are wrong")
        attributes[attribute[1]] = _decoded(attribute[2][1:-1])
        end = attribute.end()
    return _Tag(found["name"], attributes, not found["end"], bool(found["end"] or found["empty"]))


def _decoded(text: str) -> str:
    return _spaced(_REFERENCE.sub(_character, text))


def _character(found: re.Match[str]) -> str:
    name = found[1]
    if name is None:
        raise SsmlRefused("& begins no entity; it is written &amp;")
    if name[0] == "#":
        code = int(name.removeprefix("#x"), 16) if name[1] == "x" else int(name[1:])
        return chr(code) if 0x20 <= code < 0xD800 or 0xE000 <= code < 0x110000 else " "
    if name not in _ENTITIES:
        raise SsmlRefused(f"there is no entity &{name[:20]};")
    return _ENTITIES[name]


_NO_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def _spaced(text: str) -> str:
    """Without characters that are none."""
    return _NO_TEXT.sub(" ", text)


# Meaning


class _Open(NamedTuple):
    name: str
    manner: Manner
    says: Callable[[str], str] | None
    """What becomes of text; None: it is not spoken."""


class _Reader:
    """Tags and text in their order, made parts."""

    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._parts: list[Part] = []
        self._begun = False

    def take(self, token: _Token) -> None:
        if isinstance(token, str):
            self._say(token)
        else:
            if token.opens:
                self._begin(token)
            if token.closes:
                self._end(token.name)

    def done(self) -> list[Part]:
        if self._open or not self._begun:
            missing = self._open[-1].name if self._open else "speak"
            raise SsmlRefused(f"</{missing}> is missing")
        return self._parts

    def _say(self, text: str) -> None:
        if not self._open:
            if text.strip():
                raise SsmlRefused("there is text outside of <speak>")
            return
        inside = self._open[-1]
        begins = not self._parts or self._parts[-1].pause_ms
        if inside.says is not None and not (begins and text.isspace()):
            self._parts.append(Part(inside.says(text), inside.manner))

    def _begin(self, tag: _Tag) -> None:
        if (tag.name == "speak") == self._begun or (self._begun and not self._open):
            raise SsmlRefused(f"<{tag.name}> is not where it can be; <speak> encloses everything")
        if len(self._open) == SSML_DEPTH_MAX:
            raise SsmlRefused(f"there are more than {SSML_DEPTH_MAX} tags in each other")
        self._begun = True
        within = self._open[-1] if self._open else _Open("", Manner(), str)
        opened = within._replace(name=tag.name)
        match tag.name:
            case "break":
                self._parts.append(Part("", within.manner, _break_ms(tag.attributes)))
            case "p" | "s":
                self._rest(tag.name)
            case "prosody":
                opened = opened._replace(manner=_prosody(within.manner, tag.attributes))
            case "emphasis":
                opened = opened._replace(manner=_emphasis(within.manner, tag.attributes))
            case "speak" | "lang":
                language = tag.attributes.get("xml:lang", within.manner.language)
                opened = opened._replace(manner=within.manner._replace(language=language))
            case "say-as" if within.says is not None:
                opened = opened._replace(says=_SAID.get(tag.attributes.get("interpret-as"), str))
            case "sub" if within.says is not None:
                self._parts.append(Part(tag.attributes.get("alias", ""), within.manner))
                opened = opened._replace(says=None)
            case _:
                pass
        self._open.append(opened)

    def _end(self, name: str) -> None:
        if not self._open or self._open[-1].name != name:
            raise SsmlRefused(f"</{name}> closes nothing")
        self._open.pop()
        if name in _PAUSES_MS:
            self._rest(name)

    def _rest(self, name: str) -> None:
        """The silence around a sentence or paragraph; once, if there is another beside it."""
        if self._parts:
            last = self._parts[-1]
            if last.pause_ms:
                self._parts[-1] = last._replace(pause_ms=max(last.pause_ms, _PAUSES_MS[name]))
            else:
                self._parts.append(Part("", last.manner, _PAUSES_MS[name]))


_PAUSES_MS = {"p": 600, "s": 350}
_STRENGTHS_MS = {"none": 0, "x-weak": 50, "weak": 150, "medium": 300, "strong": 500}
_STRENGTHS_MS["x-strong"] = 900

_TIME = re.compile(r"\+?([0-9]{1,6}(?:\.[0-9]{0,6})?|\.[0-9]{1,6})(ms|s)")


def _break_ms(attributes: Mapping[str, str]) -> int:
    if "time" in attributes:
        found = _TIME.fullmatch(attributes["time"].strip())
        if found is None:
            raise SsmlRefused(f"a break has no time {attributes['time'][:20]}; 500ms or 2s is one")
        lasts = float(found[1]) * (1_000 if found[2] == "s" else 1)
        return min(round(lasts), SPEECH_BREAK_MS_MAX)
    strength = attributes.get("strength", "medium")
    if strength not in _STRENGTHS_MS:
        raise SsmlRefused(f"a break has no strength {strength[:20]}")
    return _STRENGTHS_MS[strength]


_RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1, "default": 1, "fast": 1.25, "x-fast": 1.75}
_PITCHES = {"x-low": 0.6, "low": 0.8, "medium": 1, "default": 1, "high": 1.2, "x-high": 1.4}
_VOLUMES = {"silent": -96, "x-soft": -12, "soft": -6, "medium": 0, "default": 0, "loud": 6}
_VOLUMES["x-loud"] = 9

_PERCENT = re.compile(r"([+-]?)([0-9]{1,4}(?:\.[0-9]{1,4})?)%")
_DECIBELS = re.compile(r"([+-]?[0-9]{1,2}(?:\.[0-9]{1,4})?)dB")


def _prosody(manner: Manner, attributes: Mapping[str, str]) -> Manner:
    rate = _factor("rate", attributes.get("rate", "default"), _RATES, relative=False)
    pitch = _factor("pitch", attributes.get("pitch", "default"), _PITCHES, relative=True)
    return manner._replace(
        rate=min(max(manner.rate * rate, 0.2), 2.0),
        pitch=min(max(manner.pitch * pitch, 0.5), 2.0),
        volume_db=min(max(manner.volume_db + _volume(attributes), -96), 12),
    )


def _factor(name: str, value: str, known: Mapping[str, float], *, relative: bool) -> float:
    """A word, or percent: of the usual (80%), or more and less than it (+10%)."""
    found = _PERCENT.fullmatch(value.strip())
    if found is not None:
        percent = float(found[2])
        if found[1] or relative:
            percent = 100 - percent if found[1] == "-" else 100 + percent
        return percent / 100
    if value not in known:
        raise SsmlRefused(f"prosody has no {name} {value[:20]}")
    return known[value]


def _volume(attributes: Mapping[str, str]) -> float:
    value = attributes.get("volume", "default")
    found = _DECIBELS.fullmatch(value.strip())
    if found is not None:
        return float(found[1])
    if value not in _VOLUMES:
        raise SsmlRefused(f"prosody has no volume {value[:20]}")
    return _VOLUMES[value]


_EMPHASES = {"strong": (0.85, 4.0), "moderate": (0.93, 2.0), "reduced": (1.1, -3.0), "none": (1, 0)}


def _emphasis(manner: Manner, attributes: Mapping[str, str]) -> Manner:
    level = attributes.get("level", "moderate")
    if level not in _EMPHASES:
        raise SsmlRefused(f"emphasis has no level {level[:20]}")
    rate, louder = _EMPHASES[level]
    return manner._replace(rate=manner.rate * rate, volume_db=min(manner.volume_db + louder, 12))


def _one_by_one(text: str) -> str:
    return " " + ", ".join(each for each in text if not each.isspace()) + " "


def _digits(text: str) -> str:
    """Each digit for itself; what else there is as it is."""
    return re.sub("[0-9]", lambda found: f" {found[0]} ", text)


def _telephone(text: str) -> str:
    """Digit by digit, with a pause between its groups."""
    groups = re.findall("[0-9]+|[A-Za-z]+", text)
    return " " + ", ".join(_digits(each).strip() for each in groups) + " "


_SAID: dict[str | None, Callable[[str], str] | None] = {
    "characters": _one_by_one,
    "spell-out": _one_by_one,
    "digits": _digits,
    "telephone": _telephone,
    "expletive": None,
}
