"""What a vendor is told next: pure, from where the handoff stands and what was told before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ports import NoticeKind
from gateway.handoffs.store import HandoffStatus
from gateway.vendors.notice import DONE, SENDING, STEP, next_notice, told_so_far, what_people_did

OFF, JOINED, RETURNED = NoticeKind.HANDED_OFF, NoticeKind.HUMAN_JOINED, NoticeKind.CONTROL_RETURNED
ALL = frozenset(NoticeKind)


@pytest.mark.parametrize(
    ("status", "told", "expected"),
    [
        (HandoffStatus.WAITING, [], OFF),
        (HandoffStatus.WAITING, [OFF], None),
        (HandoffStatus.CLAIMED, [], OFF),
        (HandoffStatus.CLAIMED, [OFF], JOINED),
        (HandoffStatus.ANSWERED, [OFF, JOINED], None),
        (HandoffStatus.SOLVED, [OFF, JOINED], RETURNED),
        (HandoffStatus.SOLVED, [], RETURNED),
        (HandoffStatus.CLAIMED, [OFF, JOINED, RETURNED], JOINED),
    ],
)
def test_the_vendor_hears_where_the_handoff_stands_in_order(status, told, expected):
    assert next_notice(status, told, ALL, is_newest=True) is expected


def test_a_bot_does_not_get_control_back_while_a_later_handoff_holds_the_conversation():
    assert next_notice(HandoffStatus.SOLVED, [OFF], ALL, is_newest=False) is None


def test_what_a_vendor_cannot_be_told_is_skipped():
    assert next_notice(HandoffStatus.CLAIMED, [], {JOINED}, is_newest=True) is JOINED
    assert next_notice(HandoffStatus.WAITING, [], {RETURNED}, is_newest=True) is None


@given(st.sampled_from(HandoffStatus), st.lists(st.sampled_from(NoticeKind)), st.sets(st.sampled_from(NoticeKind)))
def test_telling_always_comes_to_an_end(status, told, tells):
    for _ in range(3):
        due = next_notice(status, told, tells, is_newest=True)
        if due is None:
            return
        told = [*told, due]

    raise AssertionError("still something to tell")


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        ([("open", DONE)], ()),
        ([(STEP + "handed_off", DONE), (STEP + "human_joined", "Unavailable")], (OFF,)),
        ([(STEP + "handed_off", SENDING)], (OFF,)),
        ([(STEP + "handed_off", SENDING), (STEP + "handed_off", DONE)], (OFF,)),
        ([(STEP + "handed_off", SENDING), (STEP + "handed_off", "Throttled")], ()),
        ([(STEP + "handed_off", SENDING), (STEP + "handed_off", "Throttled"), (STEP + "handed_off", SENDING)], (OFF,)),
    ],
)
def test_what_may_have_been_said_counts_as_said(attempts, expected):
    assert told_so_far(attempts) == expected


def test_a_bot_that_gets_the_conversation_back_hears_what_people_did():
    assert what_people_did("solved", answered=True) == "A person answered; the ticket is solved."
    assert what_people_did("closed", answered=False) == "Nobody answered on the ticket; the ticket is closed."
    assert what_people_did(None, answered=False) == "Nobody answered on the ticket; the ticket is done."
