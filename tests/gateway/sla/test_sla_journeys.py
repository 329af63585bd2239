"""Every tier in every helpdesk, in simulated time: warned, breached, answered at the last second, answered late."""

import pytest

TIERS = {
    "immediate": (lambda desk, who: desk.hand_off("I will kill myself", who), 300),
    "short": (lambda desk, who: desk.hand_off("human please", who), 3600),
    "standard": (lambda desk, who: desk.hand_off_for_failing(who), 24 * 3600),
}


@pytest.fixture(params=["zendesk", "freshdesk", "servicenow"])
def desk_kind(request):
    return request.param


@pytest.mark.parametrize("tier", TIERS)
def test_warned_of_twice_then_breached_or_answered_at_the_last_second_or_found_to_have_been(desk, tier, caplog):
    hand_off, seconds = TIERS[tier]
    nobody, late_news, last_second = (hand_off(desk, who) for who in ("c-1", "c-2", "c-3"))
    seen = []
    for passed in (0.5 * seconds - 1, 1, 0.3 * seconds - 1, 1):
        desk.pass_by(passed)
        seen.append([effect for effect, _ in desk.effects(nobody)])
    held = desk.act("reply", "Here I am.", ticket=1)
    desk.pass_by(0.2 * seconds)
    seen.append([effect for effect, _ in desk.effects(nobody)])
    desk.does("reply", "Here I am.", ticket=2)
    desk.pass_by(1)
    seen.append([effect for effect, _ in desk.effects(nobody)])
    missed = [effect for effect, _ in desk.effects(late_news)]
    desk.told(held)
    desk.told(held)
    desk.pass_by(3600)

    assert desk.handoff(nobody).tier == tier
    # The last second still counts: nothing is missed at the due time itself.
    once, twice = ["warned"], ["warned", "warned"]
    assert seen == [[], once, once, twice, twice, [*twice, "breached"]]
    assert desk.clock_of(nobody).state == "breached"
    assert desk.clock_of(last_second).outcome == "met"
    assert desk.clock_of(last_second).stopped_at == desk.clock_of(last_second).due_at
    assert [effect for effect, _ in desk.effects(last_second)] == [*twice, "met"]
    assert missed == [*twice, "breached"]
    assert desk.clock_of(late_news).outcome == "met"
    assert sorted(effect for effect, _ in desk.effects(late_news)) == ["breached", "met", "retracted", *twice]
    assert [record.message for record in caplog.records].count("clock_retracted") == 1


def test_the_resolution_clock_stands_still_while_the_ticket_waits_for_the_customer(desk):
    handoff_id = desk.hand_off()
    due = desk.clock_of(handoff_id, "resolution").due_at
    desk.pass_by(60)
    desk.does("status", "pending")
    waiting = desk.clock_of(handoff_id, "resolution")
    desk.pass_by(3600)
    desk.does("status", "open")

    running = desk.clock_of(handoff_id, "resolution")

    assert (waiting.state, waiting.due_at) == ("paused", None)
    assert (running.state, (running.due_at - due).total_seconds()) == ("running", 3600)
