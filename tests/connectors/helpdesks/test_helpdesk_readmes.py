"""The README of a helpdesk says which test shows each of its answers; those tests are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
READMES = sorted((ROOT / "connectors" / "helpdesks").glob("*/README.md"))


@pytest.fixture(scope="module")
def tests():
    files = (ROOT / "tests" / "connectors").rglob("test_*.py")
    return {name for file in files for name in re.findall(r"^def (test_\w+)", file.read_text("utf-8"), re.MULTILINE)}


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.parent.name)
def test_every_test_a_readme_names_is_there(path, tests):
    named = set(re.findall(r"`(test_\w+)`", path.read_text("utf-8")))

    assert named - tests == set()
