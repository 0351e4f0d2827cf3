"""SSML: what is spoken of a document, and which documents are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfloor.base.limits import (
    SPEECH_BREAK_MS_MAX,
    SPEECH_CHARS_MAX,
    SPEECH_PARTS_MAX,
    SSML_CHARS_MAX,
    SSML_DEPTH_MAX,
)
from ringfloor.gateway.speech import ssml
from ringfloor.gateway.speech.ssml import Manner, Part, SsmlRefused


def speak(inside):
    return ssml.parse(f"<speak>{inside}</speak>")


def words(inside):
    """All that is spoken, with single spaces."""
    return " ".join("".join(part.text for part in speak(inside)).split())


def test_parts_have_their_manner_and_their_pause():
    assert speak('Hi <break time="500ms"/>there <prosody rate="slow">you</prosody>.') == (
        Part("Hi ", pause_ms=500),
        Part("there "),
        Part("you", Manner(rate=0.75)),
        Part("."),
    )


@pytest.mark.parametrize(
    ("inside", "spoken"),
    [
        ("plain", "plain"),
        ("a &amp; b &lt;c&gt; &quot;d&quot; &apos;e&apos;", "a & b <c> \"d\" 'e'"),
        ("&#65;&#x42;", "AB"),
        ("a&#0;b&#xD800;c&#x1F;d&#9999999;e", "a b c d e"),
        ("a\x00b\x1bc\ud800d", "a b c d"),
        ('<sub alias="World Wide Web Consortium">W3C</sub>', "World Wide Web Consortium"),
        ("<sub alias='a &amp; b'>x<w>y</w></sub>z", "a & bz"),
        ('<say-as interpret-as="digits">12 34</say-as>', "1 2 3 4"),
        ('<say-as interpret-as="characters">AB 1</say-as>', "A, B, 1"),
        ('<say-as interpret-as="spell-out">no</say-as>', "n, o"),
        (
            '<say-as interpret-as="telephone">+1 (555) 010-0199</say-as>',
            "1, 5 5 5, 0 1 0, 0 1 9 9",
        ),
        ('<say-as interpret-as="expletive">damn</say-as> it', "it"),
        ('<say-as interpret-as="cardinal">12</say-as>', "12"),
        ('<phoneme alphabet="ipa" ph="pI.kA:n">pecan</phoneme>', "pecan"),
        ('<amazon:effect name="whispered">quiet</amazon:effect>', "quiet"),
        ('<w role="amazon:VB">read</w> <mark name="x"/><w>it</w>', "read it"),
        ("<audio src='file:///etc/passwd'>no sound</audio>", "no sound"),
        ("a<!-- <b> & --><!---->c", "ac"),
        ("<a-b.c:d_e>x</a-b.c:d_e>", "x"),
    ],
)
def test_what_is_spoken(inside, spoken):
    assert words(inside) == spoken


@pytest.mark.parametrize(
    ("tag", "pause_ms"),
    [
        ("<break/>", 300),
        ('<break strength="none"/>', 0),
        ('<break strength="x-strong"></break>', 900),
        ('<break time="2s"/>', 2_000),
        ('<break time="0.25s" strength="weak"/>', 250),
        ('<break time=".5s"/>', 500),
        ('<break time="99999s"/>', SPEECH_BREAK_MS_MAX),
    ],
)
def test_breaks(tag, pause_ms):
    assert sum(part.pause_ms for part in speak(f"a{tag}b")) == pause_ms
    assert sum(part.pause_ms for part in speak(f"a{tag}{tag}b")) == 2 * pause_ms


def test_sentences_and_paragraphs_rest_once():
    parts = speak("Hello <p><s>One.</s> <s>Two.</s></p><p>Three.</p> end")
    assert [(part.text.strip(), part.pause_ms) for part in parts] == [
        ("Hello", 600),
        ("One.", 350),
        ("Two.", 600),
        ("Three.", 600),
        ("end", 0),
    ]


@pytest.mark.parametrize(
    ("tag", "manner"),
    [
        ('<prosody rate="80%">', Manner(rate=0.8)),
        ('<prosody rate="+20%">', Manner(rate=1.2)),
        ('<prosody rate="x-fast" pitch="low">', Manner(rate=1.75, pitch=0.8)),
        ('<prosody rate="1%">', Manner(rate=0.2)),
        ('<prosody pitch="+10%">', Manner(pitch=1.1)),
        ('<prosody pitch="-20%">', Manner(pitch=0.8)),
        ('<prosody volume="+6dB">', Manner(volume_db=6)),
        ('<prosody volume="-3.5dB">', Manner(volume_db=-3.5)),
        ('<prosody volume="silent">', Manner(volume_db=-96)),
        ('<prosody amazon:max-duration="2s">', Manner()),
        ('<emphasis level="strong">', Manner(rate=0.85, volume_db=4)),
        ("<emphasis>", Manner(rate=0.93, volume_db=2)),
        ('<lang xml:lang="fr-FR">', Manner(language="fr-FR")),
    ],
)
def test_manners(tag, manner):
    name = tag[1:].split()[0].rstrip(">")
    (part,) = speak(f"{tag}x</{name}>")
    assert tuple(part.manner)[1:] == pytest.approx(tuple(manner)[1:])
    assert part.manner.language == manner.language


def test_manners_add_up_and_end():
    inner, outer = speak(
        '<lang xml:lang="de"><prosody rate="50%"><prosody rate="150%" pitch="high">a</prosody>'
        "</prosody>b</lang>"
    )
    assert inner == Part("a", Manner("de", 0.75, 1.2))
    assert outer == Part("b", Manner("de"))


def test_a_declaration_may_come_first():
    assert ssml.parse('<?xml version="1.0"?>\n<speak>a</speak>\n') == (Part("a"),)
    assert ssml.parse('<speak xml:lang="de-DE">a</speak>') == (Part("a", Manner("de-DE")),)


@pytest.mark.parametrize("empty", ["<speak/>", "<speak></speak>", "<speak> <s> </s></speak>"])
def test_nothing_to_be_said(empty):
    assert ssml.parse(empty) == ()
    assert ssml.plain("  ") == ()


LAUGHS = '<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]><speak>&b;&b;&b;&b;</speak>'


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (LAUGHS, "begins no tag"),
        ("<speak>&lol;</speak>", "no entity &lol;"),
        ("<speak>a & b</speak>", "&amp;"),
        ("<speak>a < b</speak>", "begins no tag"),
        ("<speak><![CDATA[x]]></speak>", "no tag"),
        ("<speak><?php x?></speak>", "no tag"),
        ("<speak><!-- </speak>", "begins no tag"),
        ("hello", "outside of <speak>"),
        ("", "</speak> is missing"),
        ("<p>hello</p>", "<speak> encloses everything"),
        ("<speak>a</speak>b", "outside of <speak>"),
        ("<speak>a</speak><speak>b</speak>", "<speak> encloses everything"),
        ("<speak><speak>a</speak></speak>", "<speak> encloses everything"),
        ("<speak>a</speak><p/>", "<speak> encloses everything"),
        ("<speak><p>a</speak></p>", "</speak> closes nothing"),
        ("<speak><p>a", "</p> is missing"),
        ("</speak>", "</speak> closes nothing"),
        ("<speak/></speak>", "</speak> closes nothing"),
        ("<speak><p a=b>x</p></speak>", "attributes"),
        ('<speak><p a="1" a="2">x</p></speak>', "attributes"),
        ('<speak><p>x</p a="1"></speak>', "attributes"),
        ("<speak>< p>x</p></speak>", "no tag"),
        ('<speak><break time="soon"/></speak>', "no time soon"),
        ('<speak><break time="."/></speak>', "no time"),
        ('<speak><break strength="iron"/></speak>', "no strength iron"),
        ('<speak><prosody rate="quick">x</prosody></speak>', "no rate quick"),
        ('<speak><prosody pitch="flat">x</prosody></speak>', "no pitch flat"),
        ('<speak><prosody volume="11">x</prosody></speak>', "no volume 11"),
        ('<speak><emphasis level="much">x</emphasis></speak>', "no level much"),
    ],
)
def test_refused_with_the_reason(document, reason):
    with pytest.raises(SsmlRefused, match=r"^[^\n]{1,200}$") as refused:
        ssml.parse(document)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "document",
    [
        "<speak>" + " " * SSML_CHARS_MAX + "</speak>",
        "<speak>" + "<p>" * SSML_DEPTH_MAX + "</p>" * SSML_DEPTH_MAX + "</speak>",
        "<speak>" + "a<break/>" * (SPEECH_PARTS_MAX + 1) + "</speak>",
        "<speak>" + '<break time="10s"/>' * 61 + "</speak>",
        '<speak><say-as interpret-as="characters">' + "a" * 4_000 + "</say-as></speak>",
    ],
)
def test_everything_has_a_bound(document):
    with pytest.raises(SsmlRefused, match=r"more|longer"):
        ssml.parse(document)


def test_a_plain_text_is_what_it_is():
    assert ssml.plain("a < b & <c>\x00") == (Part("a < b & <c> "),)
    assert ssml.plain("x" * SPEECH_CHARS_MAX)
    with pytest.raises(SsmlRefused, match="more than"):
        ssml.plain("x" * (SPEECH_CHARS_MAX + 1))


TAGS = ("<speak>", "</speak>", "<p>", "</p>", "<s/>", '<break time="1s"/>', "</prosody>")
SCRAPS = ("a", " ", "&amp;", "&", "<", ">", "<!--", "-->", "'", '"', "=", "/", "\x00", "<prosody ")
PIECES = st.sampled_from([*TAGS, *SCRAPS, 'rate="', '">'])


@given(st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=60))
def test_nothing_else_is_ever_raised(document):
    for text in (document, f"<speak>{document}</speak>"):
        try:
            parts = ssml.parse(text)
        except SsmlRefused:
            continue
        assert all(part.text or part.pause_ms for part in parts)
        assert all(part.text.isprintable() for part in parts if part.text.isascii())
