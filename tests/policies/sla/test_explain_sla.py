"""Why a clock shows its value, and what a change would do."""

from dataclasses import replace

import pytest

from policies.sla.explain import CLOSED, PAUSED, RUNNING, explain, explanation_text
from policies.sla.facts import Kind
from policies.sla.preview import Attainment, Recorded, attainment, preview_open, preview_past

CUSTOMER = "waiting_on_customer"
FIRST = "first_human_response"


@pytest.fixture
def weekend(story):
    s = story().add("handoff_promised", "Fri 16:00")
    return s.add("status", "Mon 10:00", status=CUSTOMER).add("status", "Mon 11:30", status="open")


def test_the_stretches_have_no_gaps_and_sum_to_what_has_elapsed(weekend):
    told = explain(weekend.cycle(weekend.terms("4h"), "Mon 12:00"), now=weekend.at("Mon 12:00"))

    assert [(s.kind, s.counted) for s in told.stretches] == [
        (RUNNING, 3600), (CLOSED, 0), (RUNNING, 3600), (PAUSED, 0), (RUNNING, 1800)
    ]  # fmt: skip
    assert all(a.ends_at == b.starts_at for a, b in zip(told.stretches, told.stretches[1:], strict=False))
    assert sum(s.counted for s in told.stretches) == told.elapsed_seconds
    assert sum(s.seconds for s in told.stretches) == (weekend.at("Mon 12:00") - weekend.at("Fri 16:00")).total_seconds()


def test_the_text_names_policy_calendar_cause_sum_and_due(weekend):
    terms = weekend.terms("4h", policy="7b0924b63acd")

    text = explanation_text(explain(weekend.cycle(terms, "Mon 12:00"), now=weekend.at("Mon 12:00")))

    for part in ("policy 7b0924b63acd", terms.hours.version, "waiting on customer", "outside hours", "+ 1h",
                 "Fri 4 Jun 2027 16:00:00 EDT", "sum 2h30m of 4h, due Mon 7 Jun 2027 13:30:00 EDT"):  # fmt: skip
        assert part in text


def test_while_paused_the_text_says_what_resuming_would_mean(story):
    s = story().add("handoff_promised", "Mon 10:00").add("status", "Mon 11:00", status=CUSTOMER)

    text = explanation_text(explain(s.cycle(s.terms("4h"), "Mon 15:00"), now=s.at("Mon 15:00")))

    assert text.endswith("paused; resumed now it would be due Tue 8 Jun 2027 10:00:00 EDT")


def test_each_stretch_names_the_calendar_it_was_counted_by(story):
    s = story().add("handoff_promised", "Mon 16:00").add("queue", "Mon 16:30", terms="berlin")
    s.book["berlin"] = s.terms("2h", "BER")

    told = explain(s.cycle(s.terms("2h"), "Tue 03:00"), now=s.at("Tue 03:00"))

    counted = [stretch.calendar for stretch in told.stretches if stretch.counted]
    assert counted == [s.hours["NY"].version, s.hours["BER"].version]


# Preview


@pytest.fixture
def recorded(story):
    def make(clock_id, start, *facts, within="4h"):
        s = story("UTC").add("handoff_promised", start)
        for kind, at in facts:
            s.add(kind, at)
        return Recorded(clock_id, s.terms(within, "UTC24", metric=FIRST), tuple(s.facts))

    return make


@pytest.mark.parametrize(
    ("mode", "moved"),
    [
        ("new_only", {}),
        ("open_from_now", {"early": True, "late": False}),
        ("open_recompute", {"early": True, "late": False}),
    ],
)
def test_a_shorter_target_moves_open_clocks_as_the_mode_says(story, recorded, mode, moved):
    s = story("UTC")
    clocks = [recorded("early", "Mon 09:00"), recorded("late", "Mon 11:30"),
              recorded("done", "Mon 08:00", ("human_message", "Mon 09:00"))]  # fmt: skip

    found = preview_open(clocks, s.terms("2h", "UTC24", metric=FIRST), mode=mode, now=s.at("Mon 12:00"))

    assert {change.clock_id: change.becomes_missed for change in found} == moved


def test_a_forgotten_holiday_shows_what_is_no_longer_missed(story):
    s = story().add("handoff_promised", "Fri 16:00")
    clock = Recorded("c", s.terms("2h"), tuple(s.facts))

    (moved,) = preview_open(
        [clock], s.terms("2h", "NY holiday on 7 June"), mode="open_recompute", now=s.at("Mon 11:00"),
        kind=Kind.CALENDAR_EDITED,
    )  # fmt: skip

    assert moved.no_longer_missed
    assert (moved.due_before, moved.due_after) == (s.at("Mon 10:00"), s.at("Tue 10:00"))


def test_past_attainment_before_and_after(story, recorded):
    s = story("UTC")
    clocks = [recorded(f"c{i}", "Mon 09:00", ("human_message", f"Mon {at}")) for i, at in enumerate(("10:00", "12:00"))]
    month = {"since": s.at("Mon 00:00"), "until": s.at("Tue 00:00"), "now": s.at("Wed 00:00")}

    before, after = preview_past(clocks, s.terms("2h", "UTC24", metric=FIRST), **month)

    assert (before, after) == (Attainment(2, 0), Attainment(1, 1))
    assert after.share == 0.5


def test_attainment_counts_open_misses_and_leaves_unfinished_work_out(story, recorded):
    s = story("UTC")
    now = s.at("Mon 12:00")
    clocks = [recorded("open miss", "Mon 06:00"), recorded("running", "Mon 11:00"),
              recorded("met", "Mon 08:00", ("human_message", "Mon 09:00")),
              recorded("merged", "Mon 08:00", ("merged", "Mon 09:00"))]  # fmt: skip

    found = attainment([c.fold(now) for c in clocks], since=s.at("Mon 00:00"), until=s.at("Tue 00:00"), now=now)

    assert found == Attainment(met=1, missed=1, beside=2)
    assert replace(found, met=0, missed=0).share is None
