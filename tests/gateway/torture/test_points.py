"""Crash points: the harness itself, a short seeded run for each helpdesk, and proof that it notices broken delivery."""

import ast
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.ports import Capabilities
from gateway.db.work import WorkStore
from gateway.delivery import send
from gateway.delivery.attempt import Next, Setback, Step, after_failure, next_step
from gateway.delivery.store import DeliveryState
from gateway.torture import points
from gateway.torture.bench import bench
from gateway.torture.effects import WAYS, Effects, Kind, Way
from gateway.torture.points import Point, all_points, clean_run, torture_points, twice
from gateway.torture.scratch import scratch_database
from gateway.torture.tally import Tally

HELPDESKS = ("zendesk", "freshdesk", "servicenow")
SEED = 20261121
GATEWAY = Path(send.__file__).parents[1]


def at(effects, stage, name):
    """The first effect of that stage whose name begins so."""
    return next(effect for effect in effects if effect.stage == stage and effect.name.startswith(name))


def tortured(bench, chosen):
    """Run these points; the tally."""
    tally, effects = Tally("points", SEED), clean_run(bench)
    for stage, name, way in chosen:
        verdict = points._run(bench, Point(at(effects, stage, name), way), effects, SEED)
        tally.take(f"{stage} {name} {way}", verdict)
    return tally


@pytest.mark.parametrize("kind", HELPDESKS)
def test_a_seeded_choice_of_crash_points_leaves_exactly_one_whole_ticket(benches, kind):
    tally = Tally("points", SEED)

    torture_points(benches(kind), tally, kind, chance=random.Random(SEED), most=8, doubles=4)

    assert (tally.cases, tally.accepted) == (12, 12)
    assert tally.findings == []
    assert tally.is_clean


@pytest.mark.postgres
def test_a_seeded_choice_of_crash_points_on_postgresql(postgres_server, tmp_path):
    tally = Tally("points", SEED)

    with scratch_database(postgres_server, tmp_path) as scratch, bench("freshdesk", scratch.url, scratch.empty) as one:
        torture_points(one, tally, "freshdesk", chance=random.Random(SEED), most=8, doubles=4)

    assert tally.findings == []
    assert tally.is_clean


def test_every_side_effect_of_a_handoffs_whole_way_is_a_point(benches):
    effects = clean_run(benches("freshdesk"))

    found = {(effect.stage, effect.kind) for effect in effects}
    assert found >= {
        ("intake", Kind.COMMIT), ("intake", Kind.BELL), ("intake", Kind.ANSWER), ("deliver", Kind.COMMIT),
        ("deliver", Kind.READ), ("deliver", Kind.WRITE), ("assign_sla", Kind.COMMIT), ("assign_sla", Kind.READ),
        ("status", Kind.COMMIT), ("status", Kind.ANSWER), ("read_ticket", Kind.READ),
    }  # fmt: skip
    assert at(effects, "deliver", "POST /api/v2/tickets/…/notes")
    assert len(all_points(effects)) == sum(len(WAYS[effect.kind]) for effect in effects)


def test_two_runs_without_harm_go_the_same_way(benches):
    assert clean_run(benches("zendesk")) == clean_run(benches("zendesk"))


def test_harm_twice_is_drawn_by_lot_and_the_lot_can_be_repeated(benches):
    chosen = all_points(clean_run(benches("zendesk")))

    assert twice(chosen, 5, random.Random(1)) == twice(chosen, 5, random.Random(1))
    assert all(point.then is not None and len(point.aim) == 2 for point in twice(chosen, 5, random.Random(1)))


def test_a_way_that_an_effect_cannot_end_leaves_it_alone():
    effects = Effects(aim={1: Way.LATE})

    assert effects.meet(Kind.COMMIT, "commit work") is None
    assert effects.hit == []


# It must be able to fail: delivery broken on purpose, one rule at a time.


def test_sending_again_blindly_is_noticed_as_doubled(benches, monkeypatch):
    def blind(delivery, capabilities, now):
        return next_step(replace(delivery, unsure=False), capabilities, now)

    monkeypatch.setattr(send, "next_step", blind)
    create = "POST /api/v2/tickets"

    tally = tortured(benches("freshdesk"), [("deliver", create, Way.KILLED_AFTER), ("deliver", create, Way.LOST)])

    assert tally.doubled == 2


def test_forgetting_that_the_outcome_is_unknown_is_noticed_as_doubled(benches, monkeypatch):
    monkeypatch.setattr(send._Carrier, "_about_to_send", lambda self: None)

    tally = tortured(benches("servicenow"), [("deliver", "POST /api/now/table/incident", Way.KILLED_AFTER)])

    assert tally.doubled == 1


def test_believing_a_look_up_too_soon_is_noticed_as_doubled(benches, monkeypatch):
    hasty = Capabilities(lookup_after=timedelta(seconds=1))
    monkeypatch.setattr(send, "next_step", lambda delivery, _capabilities, now: next_step(delivery, hasty, now))
    monkeypatch.setattr(
        send,
        "after_failure",
        lambda error, step, before, _c, now, jitter, **more: after_failure(error, step, before, hasty, now, 0, **more),
    )

    tally = tortured(benches("freshdesk"), [("deliver", "POST /api/v2/tickets", Way.LATE)])

    assert tally.doubled == 1


def test_a_delivery_that_skips_completing_is_noticed_as_incomplete(benches, monkeypatch):
    original = send._Carrier._ask

    def skipping(self, helpdesk, step):
        return None if step is Step.COMPLETE else original(self, helpdesk, step)

    bench = benches("freshdesk")
    effects = clean_run(bench)
    monkeypatch.setattr(send._Carrier, "_ask", skipping)
    bench.fresh(Effects())
    bench.play()

    verdict = bench.verdict()

    assert effects
    assert "no private note with the packet" in verdict.incomplete


def test_a_work_row_dropped_after_a_failure_is_noticed_as_lost(benches, monkeypatch):
    def dropping(self, claim, due_at, error=None):
        self.finish(claim, due_at)

    monkeypatch.setattr(WorkStore, "again", dropping)

    tally = tortured(benches("zendesk"), [("deliver", "POST /api/v2/tickets", Way.FAILED)])

    assert tally.lost == 1


def test_calling_a_failure_final_is_noticed_as_lost(benches, monkeypatch):
    def giving_up(error, step, before, capabilities, now, jitter, **_):
        return Setback(now, str(error), unsure=False, dead=True)

    monkeypatch.setattr(send, "after_failure", giving_up)

    tally = tortured(benches("zendesk"), [("deliver", "POST /api/v2/tickets", Way.FAILED)])

    assert tally.lost == 1


def test_a_delivery_that_never_ends_is_noticed_as_lost(benches, monkeypatch):
    effects = clean_run(benches("freshdesk"))

    def waiting(delivery, capabilities, now):
        return (
            Next(Step.WAIT, now + timedelta(hours=1)) if delivery.state is DeliveryState.PENDING else Next(Step.NOTHING)
        )

    monkeypatch.setattr(send, "next_step", waiting)

    point = Point(at(effects, "intake", "answer"), Way.KILLED_BEFORE)
    verdict = points._run(benches("freshdesk"), point, effects, SEED)

    assert "work was still open" in verdict.lost[0]


def test_the_rooms_a_handoff_passes_reach_the_world_only_through_the_doors_that_are_watched():
    doors_of_others = {"requests", "urllib3", "http", "socket", "subprocess", "redis", "rq", "smtplib"}
    rooms = ("intake", "conversations", "handoffs", "delivery", "sla", "status")
    files = [path for room in rooms for path in (GATEWAY / room).glob("*.py")]
    files += [
        GATEWAY / "jobs" / f"{job}.py" for job in ("deliver", "assign_sla", "read_ticket", "judge_late", "timers")
    ]

    found = {
        f"{path.relative_to(GATEWAY)} imports {module}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for module in modules_of(node)
        if module.split(".")[0] in doors_of_others and module != "rq.timeouts"  # an exception, and no door
    }

    assert len(files) > 20
    assert found == set()


def modules_of(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []
