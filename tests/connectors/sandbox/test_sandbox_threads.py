"""Many callers at once: nothing is lost, nothing doubled, no two tickets share an id."""

from concurrent.futures import ThreadPoolExecutor


def test_tickets_opened_at_once_are_all_there_with_ids_of_their_own(helpdesk):
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda n: helpdesk.open_ticket(f"pkt_{n}").status_code, range(120)))

    assert set(statuses) == {201}
    assert len({ticket["id"] for ticket in helpdesk.tickets}) == 120
    assert {ticket["key"] for ticket in helpdesk.tickets} == {f"pkt_{n}" for n in range(120)}


def test_one_idempotency_key_used_by_many_at_once_makes_one_ticket(zendesk):
    headers = {"Idempotency-Key": "pkt_1"}

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: zendesk.open_ticket("pkt_1", headers=headers), range(40)))

    assert len(zendesk.tickets) == 1
    assert sorted(answer.headers["x-idempotency-lookup"] for answer in answers) == ["hit"] * 39 + ["miss"]
    assert len({answer.content for answer in answers}) == 1


def test_a_fault_meant_for_three_calls_hits_exactly_three_of_many(helpdesk):
    helpdesk.faults.add("cut_after", method="POST", times=3)

    def opened(number):
        try:
            return helpdesk.open_ticket(f"pkt_{number}").status_code
        except OSError:
            return None

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(opened, range(60)))

    assert statuses.count(None) == 3
    assert len(helpdesk.tickets) == 60


def test_notes_added_at_once_are_all_kept(freshdesk):
    freshdesk.open_ticket()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: freshdesk.post("/api/v2/tickets/1/notes", {"body": f"note {n}"}), range(60)))

    assert sorted(freshdesk.tickets[0]["private_notes"]) == sorted(f"note {n}" for n in range(60))


def test_the_page_can_be_read_while_tickets_come_in(helpdesk):
    with ThreadPoolExecutor(8) as pool:
        opening = pool.map(lambda n: helpdesk.open_ticket(f"pkt_{n}").status_code, range(40))
        reading = pool.map(lambda _: helpdesk.get("/").status_code, range(20))

        assert set(reading) == {200}
        assert set(opening) == {201}
