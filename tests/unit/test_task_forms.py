"""Task forms: what templates bring, and what of it is refused."""

import pytest

from ringfloor.base.errors import Refusal
from ringfloor.base.limits import TASK_LIFE_MINUTES_MAX
from ringfloor.base.time import MINUTE
from ringfloor.operations.task_forms import Form, completed

FORM = Form("name", None, None, None, {}, {})


def a_template(type_, default=None):
    defaults = [] if default is None else [{"Id": {"Name": "f"}, "DefaultValue": default}]
    return {
        "Fields": [{"Id": {"Name": "f"}, "Type": type_}],
        "Defaults": {"DefaultFieldValues": defaults},
    }


@pytest.mark.parametrize("minutes", [1, TASK_LIFE_MINUTES_MAX])
def test_a_template_may_say_how_long_its_tasks_live(minutes):
    form = completed(a_template("EXPIRY_DURATION", str(minutes)), FORM)
    assert form.life_ms == minutes * MINUTE


@pytest.mark.parametrize(
    ("type_", "default"),
    [
        ("EXPIRY_DURATION", "0"),
        ("EXPIRY_DURATION", str(TASK_LIFE_MINUTES_MAX + 1)),
        ("EXPIRY_DURATION", "9" * 40),
        ("EXPIRY_DURATION", "soon"),
        ("NUMBER", "nan"),
        ("NUMBER", "inf"),
        ("DATE_TIME", "x"),
    ],
)
def test_values_that_are_none(type_, default):
    with pytest.raises(Refusal) as caught:
        completed(a_template(type_, default), FORM)
    assert caught.value.code == "InvalidParameterException"
    assert caught.value.message.startswith("f: ")
