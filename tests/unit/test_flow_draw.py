"""`ringfloor flow draw`: everything is drawn once, nothing lies upon anything else."""

import json
import re
from collections import Counter
from itertools import combinations
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_builders import a_document, an_action, real_flows
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import FLOW_ACTIONS_MAX, FLOW_DRAWING_WORK_MAX
from ringfloor.cli import main
from ringfloor.flow import catalog, language
from ringfloor.flow.draw import drawing, layers, routes
from ringfloor.flow.draw.boxes import WIDTH, boxes, branches, cut, wide, wrapped
from ringfloor.flow.draw.words import heading

SVG = "{http://www.w3.org/2000/svg}"
Corner = tuple[float, float]


class Picture:
    """A drawing, read as another program would."""

    def __init__(self, content: str, title: str = "A flow") -> None:
        self.text = drawing(content, title)
        self.root = ET.fromstring(self.text)
        self.boxes: list[tuple[str, float, float, float, float]] = []
        self.lines: list[tuple[str, str, str, bool, list[Corner]]] = []
        self.badges: Counter[str] = Counter()
        self.lost: set[str] = set()
        for part in self.root.findall(f"{SVG}g"):
            self._read(part, self._moved(part, 0, 0))

    def _moved(self, element: ET.Element, x: float, y: float) -> Corner:
        dx, dy = re.findall(r"-?[0-9.]+", element.get("transform", "translate(0 0)"))
        return x + float(dx), y + float(dy)

    def _read(self, part: ET.Element, origin: Corner) -> None:
        for path in part.iter(f"{SVG}path"):
            if "line" not in path.get("class", "").split():
                continue
            way = path.get("d", "")
            told_in_words = "h" in way  # a stub: where it leads stands beside it
            numbers = [] if told_in_words else [float(n) for n in re.findall(r"-?[0-9.]+", way)]
            points = [
                (x + origin[0], y + origin[1])
                for x, y in zip(numbers[::2], numbers[1::2], strict=False)
            ]
            fails = "fails" in path.get("class", "").split()
            ends = path.get("data-from", "?"), path.get("data-to", "?")
            self.lines.append((*ends, path.get("data-label", ""), fails, points))
        for group in part.findall(f"{SVG}g"):
            if group.get("class") == "badge":
                self.badges[group.findtext(f"{SVG}text", "")] += 1
                continue
            x, y = self._moved(group, *origin)
            rect = group.find(f"{SVG}rect")
            name = group.get("data-id", "(start)")
            size = float(rect.get("width", 0)), float(rect.get("height", 0))
            self.boxes.append((name, x, y, *size))
            if "lost" in group.get("class", "").split():
                self.lost.add(name)

    def check(self, content: str) -> None:
        """What is true of every drawing."""
        flow = language.parse(content, "", published=False)
        drawn = Counter(name for name, *_ in self.boxes if name != "(start)")
        assert drawn == Counter(list(flow.actions))
        wanted = Counter(
            (action.identifier, target, fails)
            for action in flow.actions.values()
            for target, fails in {(to, fails) for _, to, fails in branches(action, flow)}
        )
        if flow.start in flow.actions:
            wanted["", flow.start, False] += 1
        assert Counter((source, to, fails) for source, to, _, fails, _ in self.lines) == wanted
        width, height = (float(self.root.get(name, 0)) for name in ("width", "height"))
        for one, other in combinations(self.boxes, 2):
            assert apart(one, other), (one, other)
        for _, x, y, wide_, high in self.boxes:
            assert x >= 0
            assert y >= 0
            assert x + wide_ <= width
            assert y + high <= height
        assert set(self.badges.values()) <= {2}, "a cut line ends and goes on"


def apart(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    (_, x, y, w, h), (_, a, b, c, d) = one, other
    return x + w < a or a + c < x or y + h < b or b + d < y


# Any flow

IDENTIFIERS = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cn"]), min_size=1)
TYPES = st.sampled_from([*sorted(catalog.CATALOG), "NoSuchType"])


@st.composite
def flows(draw: st.DrawFn) -> str:
    """Content of any shape: loops, dead ends, actions that nothing leads to, odd texts."""
    count = draw(st.integers(0, 14))
    names = draw(st.lists(IDENTIFIERS, min_size=count, max_size=count, unique=True))
    targets = st.sampled_from([*names, "nowhere"])
    actions = []
    for name in names:
        transitions = {
            "NextAction": draw(st.none() | targets),
            "Errors": [
                {"ErrorType": error, "NextAction": draw(targets)}
                for error in draw(
                    st.lists(st.sampled_from(["NoMatchingError", "QueueAtCapacity"]), max_size=2)
                )
            ],
            "Conditions": [
                {
                    "NextAction": draw(targets),
                    "Condition": {"Operator": "Equals", "Operands": [draw(st.text(max_size=40))]},
                }
                for _ in range(draw(st.integers(0, 4)))
            ],
        }
        given = draw(st.dictionaries(st.text(max_size=5), st.text(max_size=60), max_size=3))
        actions.append(
            {
                "Identifier": name,
                "Type": draw(TYPES),
                "Parameters": given,
                "Transitions": transitions,
            }
        )
    return json.dumps({"StartAction": draw(targets), "Actions": actions})


@given(flows(), st.text(max_size=20))
def test_any_flow_is_drawn_whole(content, title):
    Picture(content, title).check(content)


@pytest.mark.parametrize("name", sorted(real_flows()))
def test_flows_of_others_are_drawn_whole(name):
    content = real_flows()[name]
    picture = Picture(content, name)
    picture.check(content)
    boxes_ = {name: place for name, *place in picture.boxes}
    for source, target, _, _, points in picture.lines:
        if points and target in boxes_:
            x, y, *_ = boxes_[target]
            assert points[-1] == pytest.approx((x, y + 13), abs=0.3), "it ends at its box"
        if points and source in boxes_:
            x, y, w, h = boxes_[source]
            assert points[0][0] == pytest.approx(x + w, abs=0.3), "it begins at its box"
            assert y <= points[0][1] <= y + h


@pytest.mark.parametrize(
    "odd", ["", "\0", "\ud800", "\x0b<&>\"'", "\ufffe", "a" * 5_000, "字" * 99]
)
def test_odd_texts_are_drawn_too(odd):
    action = an_action(odd, {odd: odd}, identifier=odd, when={("Equals", odd or "x"): "a"})
    content = json.dumps(a_document(action))
    if "\ud800" in odd:  # which no JSON decoder of ours takes
        with pytest.raises(Refusal):
            drawing(content, odd)
    else:
        assert len(Picture(content, odd).boxes) >= 3


def test_the_same_flow_gives_the_same_picture():
    for content in real_flows().values():
        assert drawing(content, "x") == drawing(content, "x")


def test_lines_pass_no_box():
    """But those that they lead to or come from; bends have room of their own."""
    for content in real_flows().values():
        picture = Picture(content)
        for source, target, _, _, points in picture.lines:
            for name, x, y, w, h in picture.boxes:
                if name in (source, target):
                    continue
                for px, py in points:
                    assert not (x < px < x + w and y < py < y + h), (source, target, name)


# What is told


def test_a_picture_is_told_to_those_who_do_not_see_it():
    content = json.dumps(a_document(an_action("MessageParticipant", {"Text": "<Hi> & bye"})))
    picture = Picture(content, "Main <menu>")
    assert picture.root.get("role") == "img"
    assert picture.root.findtext(f"{SVG}title") == "Main <menu>"
    assert "2 actions, beginning with Play prompt" in picture.root.findtext(f"{SVG}desc", "")
    texts = [each.text for each in picture.root.iter(f"{SVG}text")]
    assert "“<Hi> & bye”" in texts
    assert "Play prompt" in texts


def test_what_nothing_leads_to_stands_apart_and_its_ways_are_told_in_words():
    document = a_document(
        an_action("MessageParticipant", {"Text": "in"}, identifier="in", then="end"),
        an_action("MessageParticipant", {"Text": "out"}, identifier="out", then="end"),
        an_action("Loop", identifier="lost", then="gone"),
    )
    document["Actions"] = [each for each in document["Actions"] if each["Identifier"] != "gone"]
    picture = Picture(json.dumps(document))
    assert picture.lost == {"out", "lost"}
    lowest = max(y + h for name, _, y, _, h in picture.boxes if name in ("in", "end"))
    assert all(y > lowest for name, _, y, _, _ in picture.boxes if name in picture.lost)
    told = [each.text for each in picture.root.iter(f"{SVG}text") if each.get("class") == "note"]
    assert told == ["Nothing leads here", "Disconnect", "nowhere"]
    assert "nothing leads to 2 of them" in picture.root.findtext(f"{SVG}desc", "")


def test_errors_are_dashed_and_ends_distinct():
    action = an_action("InvokeLambdaFunction", {}, then="next", errors=("NoMatchingError",))
    picture = Picture(json.dumps(a_document(action)))
    assert [(target, fails) for _, target, _, fails, _ in picture.lines] == [
        ("NoMatchingError", True),
        ("it", False),
        ("next", False),
    ]
    assert re.search(r"\.line\.fails\{[^}]*stroke-dasharray", picture.text)
    ends = [g for g in picture.root.iter(f"{SVG}g") if "ends" in g.get("class", "").split()]
    assert len(ends) == 2


def test_long_flows_go_on_in_the_next_band():
    actions = [
        an_action("MessageParticipant", {"Text": "x"}, identifier=f"a{at}", then=f"a{at + 1}")
        for at in range(40)
    ]
    actions[30]["Transitions"]["Errors"] = [{"ErrorType": "E", "NextAction": "a2"}]
    content = json.dumps(a_document(*actions))
    picture = Picture(content)
    picture.check(content)
    assert float(picture.root.get("width", 0)) < 3_000
    assert len(picture.badges) > 2


@pytest.mark.parametrize(
    ("action", "labels"),
    [
        (
            an_action(
                "GetParticipantInput",
                {},
                when={("Equals", "1"): "a", ("Equals", "2"): "a", ("Equals", "3"): "b"},
                errors=("NoMatchingCondition", "NoMatchingError", "InputTimeLimitExceeded"),
            ),
            ["Pressed 1", "Pressed 2", "Pressed 3", "No match", "Error", "Timeout"],
        ),
        (
            an_action(
                "CheckHoursOfOperation",
                when={("Equals", "True"): "a", ("Equals", "False"): "b"},
                errors=("NoMatchingError",),
            ),
            ["In hours", "Out of hours", "Error"],
        ),
        (
            an_action(
                "Compare", when={("NumberGreaterThan", "5"): "a", ("TextContains", "x"): "b"}
            ),
            ["> 5", "contains x", "Default"],
        ),
        (an_action("TransferContactToQueue", errors=("QueueAtCapacity",)), ["At capacity"]),
        (an_action("DisconnectParticipant", then=None), []),
    ],
)
def test_branches_are_called_as_in_the_console(action, labels):
    flow = language.parse(json.dumps(a_document(action)), "", published=False)
    assert [label for label, _, _ in branches(flow.actions["it"], flow)] == labels


def test_ways_to_one_action_share_a_row():
    when = {("Equals", str(at)): "a" for at in range(3)} | {("Equals", "9"): "b"}
    document = a_document(an_action("GetParticipantInput", when=when, then=None))
    flow = language.parse(json.dumps(document), "", published=False)
    ways = boxes(flow, {})["it"].ways
    assert [(" ".join(way.label), way.target) for way in ways] == [
        ("Pressed 0 · Pressed 1 · Pressed 2", "a"),
        ("Pressed 9", "b"),
    ]


@pytest.mark.parametrize(
    ("parameters", "display", "lines"),
    [
        ({"Text": "Hello  there"}, {}, ("“Hello there”",)),
        ({"SSML": "<speak>Hi <break/>you</speak>"}, {}, ("“Hi you”",)),
        ({"QueueId": "arn:aws:connect:r:1:instance/i/queue/q7"}, {}, ("q7",)),
        ({"QueueId": "arn:x"}, {"QueueId": {"displayName": "Sales"}}, ("Sales",)),
        ({"QueueId": "${queue:Sales}"}, {}, ("Sales",)),
        ({"LambdaFunctionARN": "arn:aws:lambda:r:1:function:find"}, {}, ("find",)),
        ({"Attributes": {"a": "1", "b": "$.Channel"}}, {}, ("a = 1", "b = $.Channel")),
        ({"LoopCount": "3"}, {}, ("Loop count: 3",)),
        ({"InvocationTimeLimitSeconds": "3"}, {}, ()),
        ({"Messages": [{"Text": "one"}, {"PromptId": "arn:a/p1"}]}, {}, ("“one”", "p1")),
    ],
)
def test_what_matters_of_parameters_is_told(parameters, display, lines):
    document = a_document(an_action("NoSuchType", parameters))
    flow = language.parse(json.dumps(document), "", published=False)
    assert boxes(flow, {"it": {"parameters": display}})["it"].lines == lines


@pytest.mark.parametrize("type_", sorted(catalog.CATALOG))
def test_every_type_has_a_title_that_fits(type_):
    document = a_document(an_action(type_))
    flow = language.parse(json.dumps(document), "", published=False)
    title, _ = heading(flow.actions["it"])
    assert title[0].isupper()
    assert wide(title, 12) <= WIDTH


@given(st.text(max_size=200), st.integers(20, 300))
def test_texts_are_wrapped_without_loss(text, width):
    lines = wrapped(text, width, 11)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(wide(line, 11) <= width or len(line) == 1 for line in lines)
    assert cut(text, 300, 11) == text or wide(cut(text, 300, 11), 11) <= 300


# The command


def test_the_command_writes_a_file_or_to_standard_output(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "main.json").write_text(json.dumps(a_document(an_action("Loop"))))
    assert main(["flow", "draw", "main.json"]) == 0
    assert capsys.readouterr().out == "main.svg\n"
    assert ET.fromstring((tmp_path / "main.svg").read_text()).findtext(f"{SVG}title") == "main"
    assert main(["flow", "draw", "main.json", "-o", "-"]) == 0
    assert ET.fromstring(capsys.readouterr().out).tag == f"{SVG}svg"
    assert main(["flow", "draw", "main.json", "-o", "no/such/directory.svg"]) == 2


def test_what_cannot_be_drawn_is_refused(tmp_path, capsys):
    shapeless, many = tmp_path / "shapeless.json", tmp_path / "many.json"
    shapeless.write_text('{"Actions": [{}]}')
    assert main(["flow", "draw", str(shapeless)]) == 2
    assert "Path: Actions[0].Identifier" in capsys.readouterr().err
    flow = a_document(an_action("Loop"))
    many.write_text(json.dumps([flow, flow]))
    assert main(["flow", "draw", str(many)]) == 2
    crowd = [an_action("Loop", identifier=f"a{at}") for at in range(FLOW_ACTIONS_MAX + 1)]
    with pytest.raises(Refusal):
        drawing(json.dumps(a_document(*crowd)), "x")


def test_a_tangle_of_the_most_actions_costs_no_more_than_its_bound(monkeypatch):
    """What takes the time is putting items in their places."""
    seen = {"sorted": 0, "settled": 0}
    sort, settle = layers._Order.sort, routes._settle

    def counting(order, layer, **way):
        seen["sorted"] += len(order.columns[layer])
        return sort(order, layer, **way)

    def settling(column, *rest):
        seen["settled"] += len(column)
        settle(column, *rest)

    monkeypatch.setattr(layers._Order, "sort", counting)
    monkeypatch.setattr(routes, "_settle", settling)
    names = [f"a{at}" for at in range(FLOW_ACTIONS_MAX)]
    tangle = [
        an_action(
            "GetParticipantInput",
            identifier=name,
            then=names[at * 7 % FLOW_ACTIONS_MAX],
            when={("Equals", str(key)): names[(at * 31 + key * 83) % 250] for key in range(3)},
        )
        for at, name in enumerate(names)
    ]
    drawing(json.dumps(a_document(*tangle)), "tangle")
    assert 0 < seen["sorted"] <= FLOW_DRAWING_WORK_MAX
    assert 0 < seen["settled"] <= FLOW_DRAWING_WORK_MAX
