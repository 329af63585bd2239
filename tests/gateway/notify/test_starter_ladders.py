"""The shipped tiers, ladders and teams in every helpdesk, in simulated time: from the promise to the manager's task."""

import json
from datetime import UTC, datetime, timedelta

import pytest

FAILED = {"tool_calls": [{"name": "find_order", "task": "order_lookup", "ok": False}]}
# tier: until a first human response is due, from the breach to the manager's task, whose task it is, who is warned
TIERS = {
    "immediate": (
        timedelta(minutes=5),
        timedelta(minutes=3),  # no call was missed: that step is passed over
        "duty-lead",
        "C0DUTY",
    ),
    "short": (timedelta(hours=1), timedelta(minutes=15), "general-lead", "C0DUTY"),
    "standard": (timedelta(hours=24), timedelta(hours=1), "support-lead", None),
}
TUESDAY = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)  # 11:00 in New York, where the starter's teams work


@pytest.fixture(params=["zendesk", "freshdesk", "servicenow"])
def desk_kind(request):
    return request.param


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path / 'baton.sqlite3'}"


@pytest.fixture(scope="session")
def laddered(starter):
    return starter


def hand_off(chats, tier):
    chats.bench.clock.now = TUESDAY
    if tier == "immediate":
        return chats.handoff("I will kill myself")
    if tier == "short":
        return chats.handoff("human please")
    for _ in range(2):
        said = chats.bench.say("Not found.", role="bot", context=FAILED, customer=None)
    chats.bench.work()
    return said["decision"]["handoff_id"]


def until(chats, moment):
    chats.bench.clock.now = moment
    chats.bench.work()


def effects(chats, handoff_id):
    with chats.env.reading() as tx:
        (clock,) = [c for c in tx.clocks.of_handoff(handoff_id) if c.metric == "first_human_response"]
        return [effect.key.effect.value for effect in tx.clocks.effects_of(clock.id)]


@pytest.mark.parametrize("tier", TIERS)
def test_a_handoff_nobody_takes_is_warned_of_twice_then_missed_then_the_managers_task(chats, tier):
    target, climb, manager, warned_in = TIERS[tier]
    handoff_id, second = hand_off(chats, tier), timedelta(seconds=1)
    seen = []

    for moment in (target * 0.5, target * 0.8, target + second, target + second + climb):
        until(chats, TUESDAY + moment - second)
        seen.append((effects(chats, handoff_id), len(chats.to("C0DUTY")), tasks(chats, manager)))
        until(chats, TUESDAY + moment)

    (ticket,) = chats.bench.tickets()
    warnings = 0 if warned_in is None else 1
    assert chats.shown(handoff_id)["tier"] == tier
    assert seen == [
        ([], 0, 0),
        (["warned"], warnings, 0),
        (["warned", "warned"], 2 * warnings, 0),
        (["warned", "warned", "breached"], 2 * warnings + 1, 0),
    ]
    assert tasks(chats, manager) == 1
    assert "High Priority task" in json.dumps(ticket)


def tasks(chats, manager):
    return sum(message.body["text"].startswith("High Priority task") for message in chats.to(manager))
