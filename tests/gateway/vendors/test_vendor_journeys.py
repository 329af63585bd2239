"""
Every vendor's whole way: its recorded handoff comes in, one complete ticket opens, somebody claims it, and the vendor
hears of it at its own interface. A vendor takes part by a fixture `handoff_*.http`; `journey.json` beside it (or
`<name of the fixture>.journey.json` for that one alone) says how its account is called back: {"options",
"credentials", "replace": {text in the fixture: text}, "expects": [path, …]}, with {url} for the address of the
vendor's double. For test_vendor_waits.py: {"wait_options", "connects", "connects_in_answer"}.
"""

from gateway.db.tables import handoffs


def test_a_recorded_handoff_becomes_one_complete_ticket_and_the_vendor_hears_of_it(journey):
    bench = journey.bench

    journey.post_all()
    journey.post_all()  # vendors deliver twice now and then
    bench.work()

    assert bench.count(handoffs) == 1
    (ticket,) = bench.tickets()
    assert ticket["private_notes"]
    with bench.env.reading() as tx:
        (view,) = tx.handoffs.page(5)
        packet = tx.handoffs.packet_of(view.handoff.id)
    assert packet is not None
    assert packet.reason.rules
    assert not any(secret in row for secret in journey.account.secrets for row in journey.stored_headers())
    paths = [call.path.partition("?")[0] for call in journey.double.calls]
    assert [p for p in journey.plan.get("expects", []) if p not in paths] == []


def test_what_people_do_at_the_helpdesk_reaches_the_vendor(journey):
    bench = journey.bench
    journey.post_all()
    bench.work()
    before = len(journey.double.calls)

    journey.people_do("assign", "Dana Agent")
    journey.people_do("status", "solved")

    expected = journey.plan.get("expects_when_done", [])
    paths = [call.path.partition("?")[0] for call in journey.double.calls[before:]]
    assert [p for p in expected if p not in paths] == []
