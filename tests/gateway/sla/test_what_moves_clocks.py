"""What becomes a fact, and what clocks, tier and ticket make of it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from gateway.db.tables import sla_effects, sla_facts, work
from gateway.jobs.timers import fire
from packets.draft import ChangeKind, Priority, StatusChange, TicketStatus
from policies.sla.tiers import AppliesTo


def tells(desk, handoff_id, kind, at=None, name="chg-1", **more):
    """The helpdesk tells one change of the handoff's ticket."""
    from gateway.status.apply import receive_change

    with desk.bench.env.transaction() as tx:
        ticket = tx.deliveries.of_handoff(handoff_id).ticket.ticket_id
        at = at or desk.clock.now
        receive_change(tx, "desk", StatusChange(name, ticket, kind, at, **more), desk.clock.now)
    desk.bench.work()


def say(desk, text, role="customer"):
    desk.bench.say(text, role=role)
    desk.bench.work()


def in_force(desk, **tiers):
    """The policy on the bench with other tiers."""
    holder = desk.bench.env.policy
    holder._current = replace(holder.current, tiers={**holder.current.tiers, **tiers})


def test_a_bots_message_satisfies_nothing_and_a_persons_one_in_the_conversation_does(desk):
    handoff_id = desk.hand_off()
    desk.clock.forward(seconds=60)

    say(desk, "Somebody will be with you soon.", role="bot")
    after_bot = desk.clock_of(handoff_id).outcome
    say(desk, "Hello, this is Dana.", role="agent")

    assert after_bot is None
    assert desk.clock_of(handoff_id).outcome == "met"


def test_a_customers_message_after_the_first_answer_starts_the_next_one(desk):
    handoff_id = desk.hand_off()
    before = desk.clock_of(handoff_id, "next_response").state
    tells(desk, handoff_id, ChangeKind.HUMAN_REPLIED)
    desk.clock.forward(seconds=60)

    say(desk, "and where is it now?")
    waiting = desk.clock_of(handoff_id, "next_response")
    tells(desk, handoff_id, ChangeKind.HUMAN_REPLIED, desk.clock.now + timedelta(seconds=30), "chg-2")

    assert before == "not_started"
    assert (waiting.state, waiting.started_at) == ("running", desk.clock.now)
    assert desk.clock_of(handoff_id, "next_response").outcome == "met"


def test_a_customers_message_ends_the_wait_for_the_customer_though_the_status_was_left(desk):
    handoff_id = desk.hand_off()
    tells(desk, handoff_id, ChangeKind.STATUS_CHANGED, status=TicketStatus.WAITING_ON_CUSTOMER)
    paused = desk.clock_of(handoff_id, "resolution").state
    desk.clock.forward(seconds=600)

    say(desk, "here is the number: 12345")

    assert paused == "paused"
    assert desk.clock_of(handoff_id, "resolution").state == "running"


def test_solved_and_opened_again_the_clock_goes_on(desk):
    handoff_id = desk.hand_off()
    due = desk.clock_of(handoff_id, "resolution").due_at
    tells(desk, handoff_id, ChangeKind.STATUS_CHANGED, status=TicketStatus.SOLVED)
    solved = desk.clock_of(handoff_id, "resolution").outcome
    desk.clock.forward(seconds=3600)

    tells(desk, handoff_id, ChangeKind.STATUS_CHANGED, name="chg-2", status=TicketStatus.OPEN)

    clock = desk.clock_of(handoff_id, "resolution")
    assert solved == "met"
    assert (clock.state, clock.due_at - due) == ("running", timedelta(hours=1))


def test_opened_and_solved_within_one_second_is_solved(desk):
    handoff_id = desk.hand_off()

    tells(desk, handoff_id, ChangeKind.STATUS_CHANGED, status=TicketStatus.OPEN)
    tells(desk, handoff_id, ChangeKind.STATUS_CHANGED, name="chg-2", status=TicketStatus.SOLVED)

    assert desk.clock_of(handoff_id, "resolution").outcome == "met"


def test_the_same_news_twice_is_one_fact(desk):
    handoff_id = desk.hand_off()
    tells(desk, handoff_id, ChangeKind.HUMAN_REPLIED)
    facts = desk.bench.count(sla_facts)

    tells(desk, handoff_id, ChangeKind.HUMAN_REPLIED)

    assert desk.bench.count(sla_facts) == facts


def test_a_timer_fired_again_and_again_records_nothing_twice_and_nothing_early(desk):
    handoff_id = desk.hand_off()
    with desk.bench.env.reading() as tx:
        clock_id = desk.clock_of(handoff_id).id
        timer = tx.connection.execute(select(work.c.id).where(work.c.subject_id == clock_id)).scalar_one()
    fire(timer)
    early = desk.effects(handoff_id)
    desk.pass_by(3601)
    recorded = desk.bench.count(sla_effects)
    with desk.bench.env.transaction() as tx:  # as after a crash between the work and its row
        tx.connection.execute(work.update().where(work.c.id == timer).values(done_at=None, due_at=desk.clock.now))
    desk.bench.work()

    assert early == []
    assert [effect for effect, _ in desk.effects(handoff_id)].count("breached") == 1
    assert desk.bench.count(sla_effects) == recorded


def test_one_row_waits_for_each_clock_at_its_next_instant(desk):
    handoff_id = desk.hand_off()
    clock = desk.clock_of(handoff_id)

    with desk.bench.env.reading() as tx:
        rows = tx.connection.execute(select(work.c.due_at).where(work.c.subject_id == clock.id)).scalars().all()

    assert rows == [clock.started_at + timedelta(minutes=30)]
    assert rows == [clock.next_at]


def test_the_relay_reads_pending_timers_through_an_index_however_many_there_are(desk):
    from gateway.db.work import WorkStore

    with desk.bench.env.reading() as tx:
        seen = []
        store = WorkStore(tx.connection, tx.rows)
        execute = tx.connection.execute
        store._db = type("Seen", (), {"execute": lambda _, statement: seen.append(statement) or execute(statement)})()
        store.waiting("clock", desk.clock.now, desk.clock.now, 24)
        compiled = seen[0].compile(tx.connection, compile_kwargs={"literal_binds": True})
        plan = tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}").all()

    assert "ix_work_open" in str(plan)
    assert "TEMP B-TREE" not in str(plan)  # rows come in order; nothing is sorted


def test_a_vip_gets_the_tier_for_vips_on_the_ticket_and_in_the_answer(desk):
    immediate = desk.bench.env.policy.current.tier("immediate")
    in_force(desk, immediate=replace(immediate, applies_to=AppliesTo(customers=({"vip": True},))))
    customer = {"vendor_user_id": "u-9", "name": "Ana Ruiz", "attributes": {"vip": True}}

    decision = desk.bench.say("human please", customer=customer)["decision"]
    desk.bench.work()

    (ticket,) = desk.bench.tickets()
    assert decision["tier"] == "immediate"
    assert "09:05" in decision["respond_by"]
    assert ticket["fields"]["tier"] == "immediate"
    assert ticket["priority"] == "urgent"  # as Zendesk says it


def test_raised_late_the_new_time_runs_from_the_raise_and_never_later_than_it_was(desk):
    handoff_id = desk.hand_off_for_failing()
    desk.clock.forward(hours=23, minutes=59)
    due = desk.clock_of(handoff_id).due_at

    say(desk, "human please")
    kept = desk.clock_of(handoff_id)
    raised = desk.handoff(handoff_id)

    assert raised.tier == "short"
    assert kept.due_at == due  # an hour from now would be later


def test_a_persons_priority_is_the_tier_from_then_on_and_no_rule_changes_it(desk):
    handoff_id = desk.hand_off()
    desk.clock.forward(minutes=5)
    tells(desk, handoff_id, ChangeKind.PRIORITY_CHANGED, priority=Priority.NORMAL)
    lowered, due = desk.handoff(handoff_id), desk.clock_of(handoff_id).due_at

    say(desk, "I will kill myself")
    after = desk.handoff(handoff_id)

    (ticket,) = desk.bench.tickets()
    assert (lowered.tier, after.tier) == ("standard", "standard")
    assert due == desk.clock.now + timedelta(hours=24)
    assert after.respond_by == due
    assert ticket["fields"]["tier"] == "standard"


def test_a_ladder_begins_once_with_the_breach(desk, caplog):
    handoff_id = desk.hand_off()
    desk.pass_by(3601)
    desk.pass_by(3600)

    begun = [record.ladder for record in caplog.records if record.message == "ladder_begun"]
    with desk.bench.env.reading() as tx:
        effects = tx.clocks.effects_of(desk.clock_of(handoff_id).id)

    assert begun == ["short"]
    assert [effect.ladder for effect in effects if effect.key.effect == "breached"] == ["short"]


def test_the_stretches_of_every_clock_add_up_to_what_it_shows(desk):
    handoff_id = desk.hand_off()
    desk.clock.forward(seconds=60)
    tells(desk, handoff_id, ChangeKind.STATUS_CHANGED, status=TicketStatus.WAITING_ON_CUSTOMER)
    desk.clock.forward(seconds=600)
    tells(desk, handoff_id, ChangeKind.STATUS_CHANGED, name="chg-2", status=TicketStatus.OPEN)
    desk.clock.forward(seconds=30)
    answer = desk.bench.client.get(f"/v1/handoffs/{handoff_id}/clocks", headers={"Authorization": "Bearer token-1"})

    told = {clock["metric"]: clock for clock in answer.json["clocks"]}
    (resolution,) = told["resolution"]["cycles"]
    kinds = [(s["kind"], s["seconds"]) for s in resolution["stretches"]]

    assert answer.json["tier_because"][0]["what"] == "explicit-request"
    assert kinds == [("running", 60), ("paused", 600), ("running", 30)]
    assert sum(s["counted"] for s in resolution["stretches"]) == resolution["elapsed_seconds"] == 90
    assert told["callback"]["cycles"] == []


def test_a_preview_says_what_moves_and_changes_nothing(desk):
    from gateway.sla.previewing import preview

    handoff_id = desk.hand_off()
    desk.clock.forward(minutes=20)
    env = desk.bench.env
    short = env.policy.current.tier("short")
    quick = replace(short.targets["first_human_response"], within=type(short.targets["resolution"].within)(600))
    policy = replace(
        env.policy.current,
        tiers={**env.policy.current.tiers, "short": replace(short, targets={**short.targets, quick.metric: quick})},
    )
    facts = desk.bench.count(sla_facts)

    with env.reading() as tx:
        recompute = preview(tx, policy, mode="open_recompute", now=desk.clock.now)
        new_only = preview(tx, policy, mode="new_only", now=desk.clock.now)

    assert [(one.handoff_id, one.metric, one.moved.becomes_missed) for one in recompute.moved] == [
        (handoff_id, "first_human_response", True)
    ]
    assert new_only.moved == ()
    assert next(c for c in recompute.compared if c.metric == quick.metric).after.missed == 1
    assert desk.bench.count(sla_facts) == facts


@pytest.mark.parametrize("flag", [[], ["--json"]])
def test_the_command_explains_a_handoff_of_the_configured_database(desk, flag, monkeypatch):
    from click.testing import CliRunner

    from gateway.cli import cli, sla

    handoff_id = desk.hand_off()
    monkeypatch.setattr(sla, "environment", lambda _: desk.bench.env)

    found = CliRunner().invoke(cli, ["sla", "explain", handoff_id, *flag])
    unknown = CliRunner().invoke(cli, ["sla", "explain", "hof_none"])

    assert found.exit_code == 0, found.output
    assert "first_human_response" in found.output
    assert "explicit-request" in found.output
    assert unknown.exit_code == 1
