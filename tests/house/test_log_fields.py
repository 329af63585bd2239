"""What is written to the log must be on its list of fields: what is not there is left out without a word."""

import ast
import re
from pathlib import Path

from gateway.telemetry.logs import ALLOWED

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("gateway", "connectors", "policies")  # packets log nothing


def fields_of(node):
    """The literal keys of every `extra=…` and `extra = …` below a node, with their line."""
    for found in ast.walk(node):
        is_extra = isinstance(found, ast.keyword) and found.arg == "extra"
        is_extra = is_extra or (
            isinstance(found, ast.Assign) and any(getattr(name, "id", "") == "extra" for name in found.targets)
        )
        if is_extra:
            dicts = (part for part in ast.walk(found.value) if isinstance(part, ast.Dict))
            yield from ((key.value, key.lineno) for part in dicts for key in part.keys if isinstance(key, ast.Constant))


def test_every_field_we_log_is_one_that_is_written():
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]

    told = [(path, *field) for path in files for field in fields_of(ast.parse(path.read_text("utf-8")))]

    assert len(told) > 50
    assert [f"{path}:{line}: {name}" for path, name, line in told if name not in ALLOWED] == []


def test_every_field_the_docs_name_is_one_that_is_written():
    table = (ROOT / "docs" / "operations.md").read_text("utf-8")

    rows = re.findall(r"^\| `[a-z_`, …]+ \| (?:info|warning|error|debug)[^|]*\| ([^|]*) \|", table, re.M)

    told = {name for fields in rows for name in re.findall(r"`([a-z_]+)`", fields)}
    assert len(rows) > 40
    assert told - ALLOWED == set()
