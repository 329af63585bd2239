"""The rooms and who may know whom (docs/architecture.md), proved from the imports as they stand in the files."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = {
    "packets": set(),
    "policies": {"packets"},
    "connectors": {"packets"},
    "gateway": {"packets", "policies", "connectors"},
}
HEAVY = {"flask", "sqlalchemy", "rq", "alembic", "gunicorn"}


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def files_of(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_the_rooms_it_may_know(room):
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files_of(room)
        for name in imports_of(path)
        if name.split(".")[0] in ROOMS and name.split(".")[0] not in ROOMS[room] | {room}
    }

    assert files_of(room)
    assert wrong == set()


@pytest.mark.parametrize("room", ["packets", "policies", "connectors"])
def test_the_pure_rooms_know_no_web_framework_no_database_and_no_queue(room):
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files_of(room)
        for name in imports_of(path)
        if name.split(".")[0] in HEAVY
    }

    assert wrong == set()


def test_the_sandboxes_share_no_code_with_the_connectors_they_stand_in_for():
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files_of("connectors/sandbox")
        for name in imports_of(path)
        if name.startswith("connectors.") and not name.startswith("connectors.sandbox")
    }
    reverse = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files_of("connectors/helpdesks")
        for name in imports_of(path)
        if name.startswith("connectors.sandbox")
    }

    assert wrong | reverse == set()


@pytest.mark.parametrize("kind", ["helpdesks", "vendors"])
def test_one_foreign_system_knows_nothing_of_another(kind):
    folders = {p.name for p in (ROOT / "connectors" / kind).iterdir() if p.is_dir() and not p.name.startswith("_")}
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for folder in folders
        for path in files_of(f"connectors/{kind}/{folder}")
        for name in imports_of(path)
        if name.startswith(f"connectors.{kind}.") and name.split(".")[2] in folders - {folder}
    }

    assert folders
    assert wrong == set()


@pytest.mark.parametrize("room", ["delivery/attempt.py", "intake/answer.py", "ids.py"])
def test_the_pure_files_of_the_gateway_do_no_io(room):
    names = {name.split(".")[0] for name in imports_of(ROOT / "gateway" / room)}

    assert not names & {"flask", "requests", "redis", "rq"}
