"""A customer is to be called soon: whoever has the handoff is reminded, once; nobody called: the ladder knows."""

import shutil
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from connectors.sandbox.chat.server import ChatFault
from gateway.db.tables import work
from gateway.settings import STARTER_POLICY
from policies.load import load_policy

# The bench begins on Friday 2026-03-06 at 09:00 UTC: four in the morning in New York, where the starter's teams work.
SLOT = datetime(2026, 3, 6, 14, 0, tzinfo=UTC)
GENERAL = "  general:\n    calendar: business_hours\n    manager: general_lead\n    members:\n"
ALEX = '      alex: {reach: "team-chat:U02"}\n'


@pytest.fixture(scope="session")
def laddered(tmp_path_factory):
    """The starter, with one more person in its general team and steps for missed calls in its ladders."""
    policy = tmp_path_factory.mktemp("reminded") / "policy"
    shutil.copytree(STARTER_POLICY, policy)
    rosters = (policy / "rosters.yml").read_text("utf-8")
    assert GENERAL in rosters
    (policy / "rosters.yml").write_text(rosters.replace(GENERAL, GENERAL + ALEX), "utf-8")
    ladders = (policy / "ladders.yml").read_text("utf-8")
    short = "- {after: 15m, tag_manager: true, notify: [team-chat]}"
    assert short in ladders
    missed = '- {after: 2m, in: calendar, notify: ["team-chat:missed"], when: call_missed, only_when_open: false}'
    (policy / "ladders.yml").write_text(ladders.replace(short, f"{missed}\n      {short}"), "utf-8")
    return load_policy(policy)


def book(chats, at=SLOT):
    """A handoff whose customer has agreed on a time."""
    handoff_id = chats.handoff()
    asked = {"conversation": {"id": "c-1"}, "callback": {"starts_at": at.isoformat()}}
    answer = chats.bench.post(
        {"type": "callback.confirmed", "timestamp": chats.bench.clock.now.isoformat(), "data": asked}
    )
    assert "appointment" in answer.json["decision"]["callback"]
    chats.bench.work()
    return handoff_id


def until(chats, moment):
    chats.bench.clock.forward(seconds=(moment - chats.bench.clock.now).total_seconds())
    chats.bench.work()


def reminders(chats):
    return [card for card in chats.cards() if "call the customer back soon" in str(card.body)]


def test_a_quarter_of_an_hour_before_the_call_the_teams_channel_is_told_and_never_twice(chats):
    book(chats)
    until(chats, SLOT - timedelta(minutes=16))
    early = len(reminders(chats))
    until(chats, SLOT - timedelta(minutes=15))
    with chats.env.transaction() as tx:  # whoever did it died before it could say so
        tx.connection.execute(update(work).where(work.c.kind == "callback_timer").values(due_at=chats.bench.clock.now))
    chats.bench.work()

    (card,) = reminders(chats)
    assert (early, card.channel) == (0, "C0DUTY")
    assert "2026-03-06T14:00:00Z" in str(card.body)


def test_a_call_that_is_near_is_reminded_of_at_once(chats):
    until(chats, SLOT - timedelta(minutes=5))
    book(chats)

    assert len(reminders(chats)) == 1


def test_whoever_took_it_in_a_chat_is_reminded_alone(chats):
    handoff_id = book(chats)
    with chats.env.transaction() as tx:
        assert tx.notify.claim(handoff_id, "alex", chats.bench.clock.now)
    until(chats, SLOT - timedelta(minutes=15))

    assert [card.channel for card in reminders(chats)] == ["U02"]


def test_a_call_that_was_moved_reminds_only_of_its_new_time(chats):
    book(chats)
    later = SLOT + timedelta(hours=1)
    book_again = {"conversation": {"id": "c-1"}, "callback": {"starts_at": later.isoformat()}}
    chats.bench.post({"type": "callback.confirmed", "timestamp": chats.bench.clock.now.isoformat(), "data": book_again})
    until(chats, SLOT)
    before = len(reminders(chats))
    until(chats, later - timedelta(minutes=15))

    assert (before, len(reminders(chats))) == (0, 1)


def test_a_reminder_that_waits_for_the_chat_is_dropped_when_the_call_was_made_meanwhile(chats):
    handoff_id = book(chats)
    chats.chat.faults.append(ChatFault("throttle", times=1, retry_after=60))
    until(chats, SLOT - timedelta(minutes=15))
    chats.bench.client.post(
        f"/v1/handoffs/{handoff_id}/callback", json={"outcome": "kept"}, headers={"Authorization": "Bearer token-1"}
    )
    until(chats, SLOT - timedelta(minutes=10))

    assert reminders(chats) == []


def test_when_nobody_has_called_the_ladders_step_for_that_comes(chats):
    handoff_id = book(chats)
    end = SLOT + timedelta(minutes=30)
    until(chats, SLOT)
    until(chats, end)
    in_time = chats.shown(handoff_id)["ladders"]
    until(chats, end + timedelta(seconds=2))
    until(chats, end + timedelta(minutes=3))

    assert in_time == []
    assert "call_missed" in chats.rungs(handoff_id)
    assert len(chats.to("missed")) == 1


def test_when_the_call_was_made_no_ladder_begins(chats):
    handoff_id = book(chats)
    until(chats, SLOT)
    chats.bench.client.post(
        f"/v1/handoffs/{handoff_id}/callback", json={"outcome": "kept"}, headers={"Authorization": "Bearer token-1"}
    )
    until(chats, SLOT + timedelta(minutes=40))

    assert chats.shown(handoff_id)["ladders"] == []
    assert chats.to("missed") == []


def test_a_miss_that_was_reported_counts_when_the_ladder_begins(chats):
    handoff_id = book(chats)
    until(chats, SLOT + timedelta(minutes=5))
    chats.bench.client.post(
        f"/v1/handoffs/{handoff_id}/callback", json={"outcome": "missed"}, headers={"Authorization": "Bearer token-1"}
    )
    until(chats, SLOT + timedelta(minutes=30, seconds=1))
    until(chats, SLOT + timedelta(minutes=34))

    assert "call_missed" in chats.rungs(handoff_id)
    assert len(chats.to("missed")) == 1
