"""Documentation fails the build: what the code has is documented, and the pages say what is so."""

import re
from pathlib import Path

import pytest
from docs.make import DOCS, PAGES

from ringfloor.aws import model
from ringfloor.base import limits
from ringfloor.operations import all as operations
from ringfloor.operations.registry import HANDLERS
from ringfloor.server.sandbox import ROUTES
from ringfloor.settings_table import SETTINGS, variable

ROOT = DOCS.parent


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_reference_says_what_the_code_says(name):
    page = (DOCS / name).read_text()
    assert page == PAGES[name](), "make it anew: .venv/bin/python -m docs.make"


def test_every_operation_is_real_or_listed_as_missing():
    api = model.load("connect")
    operations.complete(api)
    real = (DOCS / "reference/operations.md").read_text()
    missing = (DOCS / "not-supported.md").read_text().partition("## Flow blocks")[0]
    for name in api.operations:
        assert (f"* {name}\n" in real) != (f"* {name}\n" in missing), name
    assert len(api.operations) == 405
    assert HANDLERS.keys() <= api.operations.keys()


def test_every_setting_and_limit_has_a_reason_or_meaning():
    settings = (DOCS / "reference/settings.md").read_text()
    for setting in SETTINGS:
        assert f"`--{setting.name}`" in settings
        assert f"`{variable(setting)}`" in settings
    names = [each.name for each in limits.TABLE]
    assert len(names) == len(set(names))
    for each in limits.TABLE:
        assert each.reason, each.name
        assert getattr(limits, each.name) == each.value


def test_every_sandbox_endpoint_is_in_its_guide():
    guide = (DOCS / "sandbox.md").read_text()
    for method, pattern in ROUTES:
        start = pattern.pattern.partition("(")[0]
        assert f"{method} /_ringfloor/{start}" in guide, (method, pattern.pattern)


@pytest.mark.parametrize(
    "page", sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")]), ids=lambda page: page.name
)
def test_links_lead_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target
