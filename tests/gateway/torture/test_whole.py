"""The check that all of torture rests on must see each thing that can be wrong with a ticket."""

import pytest

from gateway.torture.tally import Tally
from gateway.torture.whole import Promise, Verdict, judge_promise, strangers

PROMISE = Promise("hof_1", "pkt_1", "short", "high", ("hello there", "a human please"))


def a_ticket(**changed):
    return {
        "key": "pkt_1",
        "number": "#1",
        "priority": "High",
        "fields": {"tier": "short", "respond_by": "2026-03-06T10:00:00Z"},
        "private_notes": ["Customer: hello\n  there\nCustomer: a human please\nReference: pkt_1, handoff hof_1"],
        "attachments": [],
    } | changed


def test_one_whole_ticket_among_others_is_as_promised():
    verdict = judge_promise(PROMISE, [a_ticket(key="pkt_2", private_notes=["hof_2"]), a_ticket()])

    assert not verdict


def test_no_ticket_is_lost():
    assert judge_promise(PROMISE, [a_ticket(key="pkt_2", private_notes=[])]).lost == ("no ticket",)


def test_two_tickets_are_doubled_also_when_one_has_lost_its_key():
    note = a_ticket()["private_notes"]

    assert judge_promise(PROMISE, [a_ticket(), a_ticket(number="#2")]).doubled == ("2 tickets",)
    assert judge_promise(PROMISE, [a_ticket(), a_ticket(key=None, private_notes=note)]).doubled == ("2 tickets",)


def test_a_note_or_a_file_that_stands_there_twice_is_doubled():
    file = {"name": "handoff.txt", "content": ""}
    twice = a_ticket(private_notes=a_ticket()["private_notes"] * 2, attachments=[file, file])

    assert judge_promise(PROMISE, [twice]).doubled == ("the packet's note 2 times", "attachment handoff.txt 2 times")


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        ({"private_notes": []}, "no private note with the packet"),
        ({"private_notes": ["a human please, handoff hof_1"]}, "what the customer said in turn 1"),
        ({"priority": "Medium"}, "priority high (it shows Medium)"),
        ({"priority": None}, "priority high (it shows None)"),
        ({"fields": {"tier": "long", "respond_by": "x"}}, "tier short (it shows long)"),
        ({"fields": {"tier": "short"}}, "respond-by"),
        ({"key": None}, "our key"),
    ],
)
def test_whatever_the_ticket_lacks_makes_it_incomplete(changed, missing):
    assert missing in judge_promise(PROMISE, [a_ticket(**changed)]).incomplete


def test_what_the_note_could_not_hold_may_stand_in_the_attachment():
    words = [{"name": "handoff.txt", "content": "hello there\na human please"}]

    assert not judge_promise(PROMISE, [a_ticket(private_notes=["see the file, hof_1"], attachments=words)])


def test_a_ticket_that_nobody_was_promised_is_a_stranger():
    other = a_ticket(key="pkt_9", number="#9", private_notes=["handoff hof_9"])

    assert strangers([PROMISE], [a_ticket(), other]) == ["#9"]


def test_a_tally_is_clean_only_if_something_was_accepted_and_nothing_is_wrong():
    nothing, fine, wrong = Tally("points", 1), Tally("points", 1, accepted=2), Tally("points", 1, accepted=2)
    wrong.take("zendesk, 07", Verdict(lost=("no ticket",), doubled=("a", "b")))

    assert [nothing.is_clean, fine.is_clean, wrong.is_clean] == [False, True, False]
    assert (wrong.lost, wrong.doubled, wrong.incomplete) == (1, 1, 0)
    assert [f"{f.kind}: {f.what}" for f in wrong.findings] == ["lost: no ticket", "doubled: a", "doubled: b"]
