"""Tidy: what the linters do not see."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from ringfloor.domain import commands, events
from ringfloor.engine import engine

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))


def tracked() -> list[Path]:
    names = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_a_module_opens_with_what_it_holds(source):
    doc = ast.get_docstring(ast.parse(source.read_text()))
    assert doc, "a module says what it holds, who calls it, its rules"
    assert len(source.read_text().splitlines()) <= 600, "is it still one idea?"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_nothing_is_swallowed_or_left_undone(source):
    text = source.read_text()
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", text)
    assert not re.search(r"except (Base)?Exception:\s*(pass|\.\.\.)", text)
    for line in text.splitlines():
        for mark in re.finditer(r"# (noqa|type: ignore)(\S*)(.*)", line):
            assert mark[2], f"which rule? {line}"
            assert mark[3].strip(), f"why? {line}"


def test_locked_packages_name_no_hosts():
    """npm writes addresses of registries, and of funds, into its lock; it needs neither."""
    assert "://" not in (ROOT / "tests/node/package-lock.json").read_text()


def test_no_addresses_of_indexes_and_no_machine_paths():
    here = re.escape(str(ROOT.parent))
    for path in tracked():
        if path.suffix in {".bin", ".png"} or path.name == "LICENSE":
            continue
        text = path.read_text(errors="replace")
        assert not re.search(r"--(extra-)?index-url", text.replace(r"--(extra-)?index-url", "")), (
            path
        )
        assert not re.search(rf"{here}/", text), path
    constraints = (ROOT / "constraints.txt").read_text().split()
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.+!-]+", line) for line in constraints)


def test_the_tables_of_the_engine_are_total():
    assert set(engine.DECIDE) == set(commands.Command.__args__)
    assert set(engine.APPLY) == set(events.Event.__args__)
    assert set(engine.REACT) <= set(events.Event.__args__)
    tags = [each.__struct_config__.tag for each in events.Event.__args__]
    assert len(tags) == len(set(tags))
