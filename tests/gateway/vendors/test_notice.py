"""What a vendor is told next: pure, from where the handoff stands and what was told before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ports import NoticeKind
from gateway.handoffs.store import HandoffStatus
from gateway.vendors.notice import DONE, SENDING, STEP, next_notice, told_so_far, what_people_did

WAITS = NoticeKind.WAITING
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


@pytest.mark.parametrize(
    ("status", "told", "awaits", "expected"),
    [
        (HandoffStatus.WAITING, [], True, WAITS),
        (HandoffStatus.WAITING, [WAITS], True, None),
        (HandoffStatus.WAITING, [WAITS], False, OFF),  # nobody accepted in time
        (HandoffStatus.WAITING, [WAITS, OFF], False, None),
        (HandoffStatus.CLAIMED, [WAITS], False, OFF),
        (HandoffStatus.CLAIMED, [], False, OFF),  # accepted before the vendor could hear that it is to wait
        (HandoffStatus.CLAIMED, [WAITS, OFF], False, JOINED),
        (HandoffStatus.ANSWERED, [WAITS, OFF, JOINED], False, None),
        (HandoffStatus.SOLVED, [WAITS], False, RETURNED),
    ],
)
def test_a_handoff_that_waits_is_connected_once_and_not_before_somebody_accepts(status, told, awaits, expected):
    assert next_notice(status, told, ALL, is_newest=True, awaits_accept=awaits) is expected


@pytest.mark.parametrize(("awaits", "expected"), [(True, None), (False, OFF)])
def test_a_vendor_that_cannot_be_told_to_wait_is_told_when_it_is_over(awaits, expected):
    found = next_notice(HandoffStatus.CLAIMED, [], ALL - {WAITS}, is_newest=True, awaits_accept=awaits)

    assert found is expected


def test_a_bot_does_not_get_control_back_while_a_later_handoff_holds_the_conversation():
    assert next_notice(HandoffStatus.SOLVED, [OFF], ALL, is_newest=False) is None


def test_what_a_vendor_cannot_be_told_is_skipped():
    assert next_notice(HandoffStatus.CLAIMED, [], {JOINED}, is_newest=True) is JOINED
    assert next_notice(HandoffStatus.WAITING, [], {RETURNED}, is_newest=True) is None


@given(
    st.sampled_from(HandoffStatus),
    st.lists(st.sampled_from(NoticeKind)),
    st.sets(st.sampled_from(NoticeKind)),
    st.booleans(),
)
def test_telling_always_comes_to_an_end(status, told, tells, awaits):
    for _ in range(3):
        due = next_notice(status, told, tells, is_newest=True, awaits_accept=awaits)
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
