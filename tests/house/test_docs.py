"""Facts that drift: what the code has a name for is named in the docs, and what the docs name is there."""

import ast
import re
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from connectors.registry import HELPDESKS, NOTIFIERS, VENDORS
from gateway.app import create_app
from gateway.cli import cli
from gateway.db.tables import metadata
from gateway.jobs.queues import JOBS, QUEUES
from gateway.settings import shape
from packets.event import EventKind
from packets.schemas.canonical import REASON_CODES
from packets.schemas.export import FILES, canonical_event_schema
from policies import schema as policy_schema
from policies.conditions import CONDITIONS
from policies.sla import schema as sla_schema
from policies.sla.effects import Effect
from policies.sla.tiers import METRICS

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "NOTICE", *(ROOT / "docs").rglob("*.md")])
ROOMS = ("gateway", "connectors", "packets", "policies")


def doc(name):
    return (ROOT / name).read_text("utf-8")


def section(text, heading):
    """The part under one heading, up to the next of the same depth or higher."""
    depth = len(heading) - len(heading.lstrip("#"))
    after = re.split(rf"^{re.escape(heading)}$", text, maxsplit=1, flags=re.M)[1]
    return re.split(rf"^#{{1,{depth}}} ", after, maxsplit=1, flags=re.M)[0]


def named(text):
    """Everything in backticks, also the parts of lists like `a`, `b`."""
    return set(re.findall(r"`([^`\n]+)`", text))


def rows(text):
    """The cells of every table row, heads and rules left out."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("| ---")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def commands(group, before=""):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def python_files(*rooms):
    return sorted(chain.from_iterable((ROOT / room).rglob("*.py") for room in rooms))


def keys_of(schema_class):
    return {field.data_key or name for name, field in schema_class().fields.items()}


# Configuration and environment


@pytest.mark.parametrize("schema_class", [shape.Baton, shape.Source, shape.Helpdesk, shape.OAuth, shape.Notifier])
def test_every_key_of_the_configuration_is_documented(schema_class):
    documented = named(section(doc("docs/operations.md"), "## Configuration: `baton.yml`"))

    assert keys_of(schema_class) - documented == set()


def test_the_documented_keys_of_the_configuration_exist():
    part = section(doc("docs/operations.md"), "## Configuration: `baton.yml`").split("### ")[0]
    documented = {key for cells in rows(part) for key in named(cells[0])}
    existing = set().union(*(keys_of(s) for s in (shape.Baton, shape.Source, shape.Helpdesk, shape.Notifier)))

    assert documented == existing


def test_every_environment_variable_of_ours_is_documented():
    used = {v for path in python_files(*ROOMS) for v in re.findall(r"\bBATON_[A-Z_]+\b", path.read_text("utf-8"))}
    documented = named(section(doc("docs/operations.md"), "## Environment variables"))

    assert used
    assert used - documented == set()


# Commands


def test_the_readme_lists_every_command_with_every_option():
    listed = {}
    for cells in rows(section(doc("README.md"), "## Commands")):
        if found := re.match(r"`baton ([a-z -]+[a-z])", cells[0]):
            listed[found[1]] = cells[1]
    missing = {
        f"{name} {option}"
        for name, command in commands(cli)
        for param in command.params
        if isinstance(param, click.Option)
        for option in param.opts
        if option.startswith("--") and f"`{option}`" not in listed.get(name, "")
    }

    assert set(listed) == {name for name, _ in commands(cli)}
    assert missing == set()


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.name)
def test_every_command_a_document_names_exists(path):
    groups = {name for name, command in cli.commands.items() if isinstance(command, click.Group)}
    text = path.read_text("utf-8")
    spans = re.findall(r"`([^`\n]+)`", text) + [
        line for block in re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S) for line in block.splitlines()
    ]
    used = set()
    for span in spans:
        if found := re.match(
            r"(?:[$] )?(?:exec )?(?:[\w./]*/)?baton ([a-z]+)(?: ([a-z][a-z-]*))?",
            span.strip().removeprefix("ExecStart="),
        ):
            used.add(f"{found[1]} {found[2]}" if found[1] in groups and found[2] else found[1])

    assert used - {name for name, _ in commands(cli)} - groups == set()


# HTTP


@pytest.fixture
def app():
    """The real application over an Env that can do nothing: enough to ask who is let in."""
    return create_app(SimpleNamespace(settings=SimpleNamespace(api_tokens=(), sources={}, helpdesks={})))


def documented_routes():
    return {
        (found[1], found[2]): cells[1]
        for cells in rows(section(doc("docs/operations.md"), "## HTTP"))
        if (found := re.match(r"`(GET|POST) (\S+)`", cells[0]))
    }


def test_every_route_is_documented_and_every_documented_route_exists(app):
    existing = {
        (method, re.sub(r"<\w+:(\w+)>", r"<\1>", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }

    assert set(documented_routes()) == existing


def test_the_documented_auth_of_every_read_is_what_a_stranger_meets(app):
    client = app.test_client()
    wrong = {
        path
        for (method, path), auth in documented_routes().items()
        if method == "GET" and (client.get(path).status_code == 401) != (auth == "bearer token")
    }

    assert wrong == set()


def test_every_write_is_guarded_by_the_callers_own_proof():
    proofs = {auth for (method, _), auth in documented_routes().items() if method == "POST"}

    assert {auth for auth in proofs if "signature" not in auth and auth != "bearer token"} == set()


# What comes in, what is decided, what is done


def test_every_vendor_and_every_kind_of_helpdesk_is_documented():
    documented = named(section(doc("docs/operations.md"), "## Configuration: `baton.yml`"))

    assert {*VENDORS, *HELPDESKS, *NOTIFIERS} - documented == set()


def test_every_event_type_and_reason_is_documented():
    documented = named(doc("docs/vendors.md"))

    assert {kind.value for kind in EventKind} | set(REASON_CODES) <= documented


def test_every_key_of_a_canonical_event_is_documented():
    words = set(re.findall(r"[a-z_]+", doc("docs/vendors.md")))
    shapes = [canonical_event_schema(), *canonical_event_schema()["$defs"].values()]

    assert {key for shape in shapes for key in shape["properties"]} - words == set()


def test_every_published_schema_is_linked():
    links = re.findall(r"\]\(([^)]+)\)", doc("docs/vendors.md"))

    assert {f"../packets/schemas/published/{name}" for name in FILES} <= set(links)


def test_the_reference_of_conditions_is_that_of_the_code():
    part = section(doc("docs/policy.md"), "## Conditions")
    headings = re.findall(r"^### `(\w+)`$", part, re.M)
    examples = {condition.doc.splitlines()[-1].strip() for condition in CONDITIONS.values()}

    assert sorted(headings) == sorted(CONDITIONS)
    assert {example for example in examples if f"```yaml\n{example}\n" not in part} == set()


@pytest.mark.parametrize(
    "name",
    [
        "Rule",
        "Then",
        "Route",
        "Case",
        "CaseTurn",
        "Expect",
        "PhraseRule",
        "Levels",
        "Scenario",
        "Capabilities",
    ],
)
def test_every_key_of_a_policy_file_is_documented(name):
    text = doc("docs/policy.md")
    code = " ".join([*named(text), *re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S)])

    assert keys_of(getattr(policy_schema, f"{name}Schema")) - set(re.findall(r"[a-z_]+", code)) == set()


@pytest.mark.parametrize(
    "schema_class",
    [
        policy_schema.TierSchema,
        policy_schema.TargetSchema,
        policy_schema.DeadlineSchema,
        policy_schema.ReopenSchema,
        policy_schema.AppliesToSchema,
        sla_schema.CalendarSchema,
        sla_schema.HolidaysSchema,
        sla_schema.LadderSchema,
        sla_schema.StepSchema,
        sla_schema.AskSchema,
        sla_schema.RosterSchema,
        sla_schema.MemberSchema,
        sla_schema.CallbacksSchema,
    ],
)
def test_every_key_of_the_slas_files_is_documented(schema_class):
    words = set(
        re.findall(r"[a-z_]+", " ".join(re.findall(r"`[^`]+`|^```yaml.*?^```", doc("docs/sla.md"), re.M | re.S)))
    )

    assert keys_of(schema_class) - words == set()


def test_every_metric_of_a_tier_is_documented():
    assert {name for cells in rows(doc("docs/sla.md")) for name in named(cells[0])} >= set(METRICS)


def test_every_kind_of_work_is_documented_with_its_queue():
    documented = {
        (kind, cells[1].strip("`"))
        for cells in rows(section(doc("docs/architecture.md"), "## The way of the data"))
        for kind in named(cells[0])
        if cells[1].strip("`") in QUEUES
    }

    assert documented == {(name, kind.queue) for name, kind in JOBS.items()}


def test_every_table_is_documented():
    documented = {
        name for cells in rows(section(doc("docs/architecture.md"), "## The tables")) for name in named(cells[0])
    }

    assert documented == set(metadata.tables)


# What can be watched


def test_every_metric_is_documented():
    strings = {
        node.value
        for path in python_files("gateway/telemetry")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    metrics = {text for text in strings if re.fullmatch(r"baton_[a-z_]+", text)} - {"baton_reads"}
    documented = {n for cells in rows(section(doc("docs/operations.md"), "### `/metrics`")) for n in named(cells[0])}

    assert metrics
    assert documented == metrics


def test_every_log_event_of_the_gateway_is_documented():
    documented = {n for cells in rows(section(doc("docs/operations.md"), "## Logs")) for n in named(cells[0])}

    assert log_events() - documented == set()
    assert {name for name in documented if "…" not in name and name not in log_events()} == {
        f"clock_{effect}" for effect in Effect
    }


def log_events():
    calls = [
        node
        for path in python_files("gateway")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("log.")
    ]
    inside = (part for call in calls for argument in call.args[:2] for part in ast.walk(argument))
    return {
        part.value
        for part in inside
        if isinstance(part, ast.Constant) and re.fullmatch(r"[a-z]+(_[a-z]+)+", str(part.value))
    } - {"clock_"}


# Links and paths


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.name)
def test_every_relative_link_leads_somewhere(path):
    """A vendor is taken out by its folder and its line in the registry alone; the table of vendors may lag behind."""
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")) if "://" not in link]
    dead = [link for link in links if not (path.parent / link.split("#")[0]).exists()]

    assert [link for link in dead if not re.fullmatch(r"\.\./connectors/vendors/\w+/README\.md", link)] == []


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.name)
def test_every_path_a_document_names_is_there(path):
    roots = "|".join((*ROOMS, "docs", "tests", "benchmarks"))
    paths = re.findall(rf"(?<![\w./-])((?:{roots})/[\w./<>*-]*)", path.read_text("utf-8"))
    missing = [p for p in paths if not any(ROOT.glob(re.sub(r"<[^>]+>", "*", p.rstrip("./"))))]

    assert missing == []
