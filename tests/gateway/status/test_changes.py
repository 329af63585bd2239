"""Every kind of change at a helpdesk, in any order and more than once; what a person decided is left alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.db.tables import status_changes
from gateway.db.work import Work
from gateway.status.apply import apply_state, receive_change
from packets.draft import ChangeKind, Priority, Rating, StatusChange, TicketRef, TicketState, TicketStatus, TicketUpdate


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path / 'baton.sqlite3'}"


@pytest.fixture
def desk(bench):
    bench.handoff_id = bench.say("human please")["decision"]["handoff_id"]
    bench.work()
    with bench.env.reading() as tx:
        bench.ticket = tx.deliveries.of_handoff(bench.handoff_id).ticket
    return bench


def handoff(desk):
    with desk.env.reading() as tx:
        return tx.handoffs.get(desk.handoff_id)


def change(desk, kind, minutes, number=1, **more):
    """One change that happened so many minutes after the start."""
    at = desk.clock.now + timedelta(minutes=minutes)
    return StatusChange(f"chg-{kind.value}-{minutes}-{number}", desk.ticket.ticket_id, kind, at, **more)


def receive(desk, *changes):
    with desk.env.transaction() as tx:
        return [receive_change(tx, "desk", one, desk.clock.now) for one in changes]


def status(desk, minutes, value):
    return change(desk, ChangeKind.STATUS_CHANGED, minutes, status=value)


def test_pending_and_on_hold_are_kept_and_close_nothing(desk):
    receive(desk, change(desk, ChangeKind.HUMAN_REPLIED, 1), status(desk, 2, TicketStatus.WAITING_ON_CUSTOMER))
    pending = handoff(desk)

    receive(desk, status(desk, 3, TicketStatus.WAITING_ON_THIRD_PARTY))

    assert (pending.ticket_status, pending.status) == ("waiting_on_customer", "answered")
    assert handoff(desk).ticket_status == "waiting_on_third_party"


def test_a_solved_that_arrives_after_the_reopening_does_not_close_it_again(desk):
    solved, reopened = status(desk, 5, TicketStatus.SOLVED), status(desk, 9, TicketStatus.OPEN)

    receive(desk, reopened, solved, solved)

    assert handoff(desk).status == "waiting"
    assert handoff(desk).ticket_status == "open"


def test_whatever_the_order_and_however_often_the_end_is_the_same(desk):
    changes = [
        change(desk, ChangeKind.ASSIGNED, 1, assignee="7"),
        change(desk, ChangeKind.HUMAN_REPLIED, 2),
        status(desk, 3, TicketStatus.SOLVED),
        status(desk, 4, TicketStatus.OPEN),
        change(desk, ChangeKind.ASSIGNED, 5, assignee="8"),
        status(desk, 6, TicketStatus.SOLVED),
        change(desk, ChangeKind.RATED, 7, rating=Rating.GOOD),
    ]

    receive(desk, *reversed(changes), *changes)

    found = handoff(desk)
    assert (found.status, found.assignee, found.rating) == ("solved", "8", "good")
    assert found.closed_at == changes[5].occurred_at
    assert desk.count(status_changes) == 7


def test_a_ticket_closed_days_after_it_was_solved_was_over_when_it_was_solved(desk):
    done = status(desk, 3, TicketStatus.SOLVED)

    receive(desk, done, status(desk, 4 * 24 * 60, TicketStatus.CLOSED))

    assert (handoff(desk).ticket_status, handoff(desk).closed_at) == ("closed", done.occurred_at)


def test_somebody_else_has_it_and_then_nobody(desk):
    receive(
        desk, change(desk, ChangeKind.ASSIGNED, 1, assignee="7"), change(desk, ChangeKind.ASSIGNED, 2, assignee="8")
    )
    claimed = handoff(desk)

    receive(desk, change(desk, ChangeKind.ASSIGNED, 3))

    assert (claimed.status, claimed.assignee) == ("claimed", "8")
    assert (handoff(desk).status, handoff(desk).assignee) == ("waiting", None)


def test_a_later_rating_replaces_an_earlier_one_and_never_the_other_way_round(desk):
    later, earlier = (change(desk, ChangeKind.RATED, m, rating=r) for m, r in ((9, Rating.GOOD), (5, Rating.BAD)))

    receive(desk, later, earlier)

    assert handoff(desk).rating == "good"


def test_a_priority_of_ours_that_comes_back_is_our_own_echo(desk):
    receive(desk, change(desk, ChangeKind.PRIORITY_CHANGED, 1, priority=Priority.HIGH))

    assert handoff(desk).our_priorities == "high"
    assert handoff(desk).priority_is_ours


def test_a_priority_that_a_person_set_is_left_alone_from_then_on(desk):
    before = handoff(desk)
    receive(desk, change(desk, ChangeKind.PRIORITY_CHANGED, 1, priority=Priority.LOW))
    desk.env.helpdesk("desk").update_ticket(desk.ticket, TicketUpdate(priority=Priority.LOW))
    with desk.env.transaction() as tx:
        tx.handoffs.change(desk.handoff_id, sla_assigned_at=None)
        tx.later(Work("assign_sla", desk.handoff_id, desk.clock.now, lane="desk"))

    desk.work()

    assert before.priority_is_ours
    assert handoff(desk).priority_by_person_at is not None
    assert handoff(desk).sla_assigned_at is not None
    assert desk.env.helpdesk("desk").read_ticket(desk.ticket.ticket_id).priority is Priority.LOW


def test_a_ticket_as_it_was_read_tells_the_same_as_its_webhooks(desk):
    state = TicketState(
        desk.ticket,
        TicketStatus.SOLVED,
        Priority.LOW,
        first_human_reply_at=desk.clock.now + timedelta(minutes=1),
        solved_at=desk.clock.now + timedelta(minutes=2),
        assignee="7",
        updated_at=desk.clock.now + timedelta(minutes=3),
        rating=Rating.BAD,
    )

    with desk.env.transaction() as tx:
        apply_state(tx, tx.handoffs.lock(desk.handoff_id), state, desk.clock.now)

    found = handoff(desk)
    assert (found.status, found.assignee, found.rating) == ("solved", "7", "bad")
    assert found.closed_at == state.solved_at
    assert not found.priority_is_ours


class Desk:
    """A helpdesk that only tells what changed."""

    def __init__(self, really, states):
        self._really = really
        self.states = states
        self.asked = []
        self.most = 1000

    def __getattr__(self, name):
        return getattr(self._really, name)

    def changed_since(self, since, *, late=True):
        self.asked.append(since)
        changed = sorted((s for s in self.states if s.updated_at >= since), key=lambda s: s.updated_at)
        return tuple(changed[: self.most])

    def read_ticket(self, ticket_id):
        self.asked.append(ticket_id)
        return replace(self.states[-1], first_human_reply_at=self.states[-1].updated_at)


def polled(desk, *states):
    """The bench with a helpdesk that tells these states; each poll is due at once."""
    told = Desk(desk.env.helpdesk("desk"), list(states))
    desk.env._helpdesks["desk"] = told
    with desk.env.transaction() as tx:
        tx.later(Work("poll", "desk", desk.clock.now, lane="desk"))
    return told


def state(desk, minutes, what=TicketStatus.NEW, **more):
    ref = TicketRef(desk.ticket.ticket_id, desk.ticket.url)
    return TicketState(ref, what, Priority.HIGH, updated_at=desk.clock.now + timedelta(minutes=minutes), **more)


def test_the_poll_finds_what_no_webhook_told_and_asks_the_ticket_what_a_list_leaves_out(desk):
    told = polled(desk, state(desk, 1, TicketStatus.OPEN, assignee="7"))
    desk.clock.forward(minutes=2)

    desk.work()

    with desk.env.reading() as tx:
        clock = next(c for c in tx.clocks.of_handoff(desk.handoff_id) if c.metric == "first_human_response")
    assert handoff(desk).status == "answered"
    assert clock.outcome == "met"
    assert told.asked[1:] == [desk.ticket.ticket_id]


def test_the_poll_overlaps_and_looks_at_each_change_once(desk):
    told = polled(desk, state(desk, 1, TicketStatus.OPEN))
    desk.clock.forward(minutes=2)
    desk.work()
    first_round = len(told.asked)
    desk.clock.forward(minutes=1)

    desk.work()

    assert first_round == 2  # the list, then the ticket
    assert told.asked[2:] == [told.asked[0] + (told.asked[2] - told.asked[0])]  # the list alone
    assert told.asked[2] == desk.clock.now - timedelta(minutes=1 + 5)


def test_a_poll_that_fails_comes_back_and_loses_nothing(desk, monkeypatch):
    desk.sandbox.faults.add("503", method="GET", path="*", times=None)
    with desk.env.transaction() as tx:
        tx.later(Work("poll", "desk", desk.clock.now, lane="desk"))
    desk.work()
    with desk.env.reading() as tx:
        cursor = tx.traffic.polled_up_to("desk")
    desk.sandbox.faults.clear()
    desk.clock.forward(minutes=5)

    done = desk.work()

    assert cursor is None
    assert done == ["poll"]
    with desk.env.reading() as tx:
        assert tx.traffic.polled_up_to("desk") == desk.clock.now


# Another ticket that carries the packet's id: opened twice, or copied from the first by its helpdesk


def test_what_people_do_on_a_ticket_that_is_one_too_many_is_not_about_the_handoff(desk):
    with desk.env.reading() as tx:
        packet_id = tx.deliveries.of_handoff(desk.handoff_id).id
    extra = replace(status(desk, 5, TicketStatus.SOLVED), ticket_id="999", packet_id=packet_id)

    receive(desk, extra)

    assert (handoff(desk).status, handoff(desk).ticket_status) == ("waiting", None)


def test_a_change_that_comes_before_the_tickets_number_is_known_is_the_handoffs(desk):
    with desk.env.transaction() as tx:
        packet_id = tx.deliveries.of_handoff(desk.handoff_id).id
        tx.deliveries.change(packet_id, desk.clock.now, ticket_id=None, state="pending")
    early = replace(change(desk, ChangeKind.ASSIGNED, 1, assignee="7"), packet_id=packet_id)

    receive(desk, early)

    assert handoff(desk).status == "claimed"


@pytest.mark.parametrize("packet_id", ["", "order-17", "pkt_unknown"])
def test_a_ticket_that_is_nobodys_of_ours_is_not_kept(desk, packet_id):
    foreign = replace(status(desk, 1, TicketStatus.SOLVED), ticket_id="70001", packet_id=packet_id)

    receive(desk, foreign)

    assert desk.count(status_changes) == 0


def test_a_ticket_of_which_only_the_number_was_told_is_kept_until_it_is_known(desk):
    receive(desk, replace(status(desk, 1, TicketStatus.SOLVED), ticket_id="70001"))

    assert desk.count(status_changes) == 1


# Over already


def test_a_ticket_that_is_closed_for_good_later_was_over_when_it_was_solved(desk):
    receive(desk, status(desk, 5, TicketStatus.SOLVED))
    solved_at = handoff(desk).closed_at

    receive(desk, status(desk, 4 * 24 * 60, TicketStatus.CLOSED))

    assert handoff(desk).ticket_status == "closed"
    assert handoff(desk).closed_at == solved_at


def test_a_ticket_read_after_it_was_solved_tells_when_that_really_was(desk):
    receive(desk, status(desk, 5, TicketStatus.SOLVED))
    really = desk.clock.now + timedelta(minutes=4)
    read = replace(state(desk, 60, TicketStatus.SOLVED), solved_at=really)

    with desk.env.transaction() as tx:
        apply_state(tx, tx.handoffs.lock(desk.handoff_id), read, desk.clock.now)

    assert handoff(desk).closed_at == really


def test_a_ticket_that_a_list_shows_as_solved_is_read_before_anybody_hears_that_nobody_answered(desk):
    told = polled(desk, state(desk, 1, TicketStatus.SOLVED))
    desk.clock.forward(minutes=2)

    desk.work()

    with desk.env.reading() as tx:
        clock = next(c for c in tx.clocks.of_handoff(desk.handoff_id) if c.metric == "first_human_response")
    assert told.asked[1:] == [desk.ticket.ticket_id]
    assert handoff(desk).status == "solved"
    assert clock.outcome == "met"


def test_more_changes_at_once_than_one_answer_holds_do_not_stop_the_poll(desk):
    crowd = [replace(state(desk, 1 + n / 60), ref=TicketRef(str(70_000 + n), "http://x/")) for n in range(250)]
    told = polled(desk, *crowd, state(desk, 5.5, TicketStatus.OPEN, assignee="7"))
    told.most = 100
    desk.clock.forward(minutes=6)

    desk.work()

    assert handoff(desk).assignee == "7"
    assert len(set(told.asked)) == len(told.asked)


def test_more_changes_of_one_second_than_one_answer_holds_do_not_stop_the_poll(desk):
    crowd = [replace(state(desk, 1), ref=TicketRef(str(70_000 + n), "http://x/")) for n in range(250)]
    told = polled(desk, *crowd, state(desk, 2, TicketStatus.OPEN, assignee="7"))
    told.most = 100
    desk.clock.forward(minutes=6)

    desk.work()

    assert handoff(desk).assignee == "7"
