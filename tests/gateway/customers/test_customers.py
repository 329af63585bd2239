"""A customer is the same one across conversations: coming back about the same thing, and wanting no bot any more."""

import pytest

from gateway.customers.keys import keys_like, keys_of
from gateway.db.tables import contacts, lifted, remembered, remembered_keys
from packets.event import Customer

NO_BOT = "do not have your bot write to me again"


def intent(name):
    return {"nlu": {"intent": {"name": name, "confidence": 0.9}}}


def come(bench, conversation, name="order_status", **more):
    return bench.say("hello there", conversation, **intent(name), **more)["decision"]


def test_the_third_contact_about_the_same_thing_goes_to_people(bench):
    come(bench, "c-1")
    bench.clock.forward(hours=20)
    come(bench, "c-2")
    bench.clock.forward(hours=20)

    decision = come(bench, "c-3")

    assert (decision["action"], decision["rules"]) == ("escalate", ["repeat-contact"])


def test_contacts_about_other_things_are_no_repeat(bench):
    come(bench, "c-1", "order_status")
    come(bench, "c-2", "invoice")
    bench.clock.forward(hours=1)

    assert come(bench, "c-3", "opening_hours")["action"] == "continue"


def test_a_contact_longer_ago_than_the_window_counts_no_more(bench):
    come(bench, "c-1")
    bench.clock.forward(hours=60)
    come(bench, "c-2")
    bench.clock.forward(hours=20)

    assert come(bench, "c-3")["action"] == "continue"


def test_other_customers_contacts_are_not_theirs(bench):
    for number in range(3):
        bench.clock.forward(hours=1)
        customer = {"vendor_user_id": f"u-{number}", "email": f"{number}@example.com"}
        decision = come(bench, f"c-{number}", customer=customer)

    assert decision["action"] == "continue"


def test_the_same_order_number_is_the_same_issue_whatever_the_bot_understood(bench):
    for number, name in enumerate(("order_status", "delivery_date", "parcel_lost")):
        bench.clock.forward(hours=1)
        decision = come(bench, f"c-{number}", name, context={"slots": {"order_id": "A-1001"}})

    assert decision["rules"] == ["repeat-contact"]


def test_one_thread_that_goes_on_after_a_day_is_a_new_contact(bench):
    for _ in range(3):
        decision = come(bench, "c-1")
        bench.clock.forward(hours=25)

    assert decision["rules"] == ["repeat-contact"]


def test_many_turns_of_one_conversation_are_one_contact(bench):
    for _ in range(4):
        bench.clock.forward(minutes=1)
        bench.say("where is my order?", "c-1", **intent("order_status"))
        bench.say("Let me see.", "c-1", role="bot")

    assert bench.count(contacts) == 2  # one for each identifier: the user id of the source, and the e-mail


def test_who_wants_no_bot_gets_people_in_every_later_conversation(bench):
    first = bench.say(NO_BOT, "c-1")["decision"]

    later = bench.say("where is my order?", "c-2")["decision"]

    assert "no-ai-contact" in first["rules"]
    assert later["action"] == "escalate"
    assert later["rules"] == ["no-ai-contact-remembered"]


def test_the_e_mail_address_is_enough_to_be_recognised_elsewhere(bench):
    bench.say(NO_BOT, "c-1")

    there = {"vendor_user_id": "somebody-else", "email": " ANA@example.com "}

    assert bench.say("hello", "c-2", customer=there)["decision"]["action"] == "escalate"


def test_what_is_learnt_of_the_customer_later_recognises_them_too(bench):
    bench.say(NO_BOT, "c-1")
    bench.say("hello", "c-2", customer={"email": "ana@example.com", "phone": "+49 170 1234567"})

    by_phone = {"vendor_user_id": "caller", "phone": "0049-170-1234567"}

    assert bench.say("hello", "c-3", customer=by_phone)["decision"]["action"] == "escalate"


def test_an_address_nobody_has_checked_recognises_nobody(bench):
    bench.say(NO_BOT, "c-1")

    typed = {"vendor_user_id": "a-stranger", "email": "ana@example.com", "authenticated": False}

    assert bench.say("hello", "c-2", customer=typed)["decision"]["action"] == "continue"


def test_somebody_unknown_is_remembered_for_that_conversation_alone(bench):
    nobody = {"vendor_user_id": "anonymous"}
    bench.say(NO_BOT, "c-1", customer=nobody)

    assert bench.say("hello", "c-2", customer=nobody)["decision"]["action"] == "continue"


def test_saying_it_twice_is_remembered_once(bench):
    bench.say(NO_BOT, "c-1")
    bench.say(NO_BOT, "c-2")

    assert bench.count(remembered) == 1


def test_lifted_it_no_longer_holds_and_the_record_stays(bench):
    bench.say(NO_BOT, "c-1")
    with bench.env.transaction() as tx:
        (one,) = tx.customers.page(10, keys=keys_like("ana@example.com"))
        assert tx.customers.lift(one.id, bench.clock.now, by="sam", reason="asked for the bot again")

    decision = bench.say("hello", "c-2")["decision"]

    assert decision["action"] == "continue"
    assert [bench.count(t) for t in (remembered, lifted)] == [1, 1]
    with bench.env.transaction() as tx:
        assert not tx.customers.lift(one.id, bench.clock.now, by="kim", reason="me, too")
        assert tx.customers.get(one.id).lifted_by == "sam"


def test_said_again_after_it_was_lifted_it_holds_again(bench):
    bench.say(NO_BOT, "c-1")
    with bench.env.transaction() as tx:
        tx.customers.lift(tx.customers.page(1)[0].id, bench.clock.now, by="sam", reason="a mistake")
    bench.say(NO_BOT, "c-2")

    assert bench.say("hello", "c-3")["decision"]["rules"] == ["no-ai-contact-remembered"]


def test_no_identifier_stands_in_these_tables_as_it_is(bench):
    bench.say(NO_BOT, "c-1", **intent("order_status"))

    with bench.env.reading() as tx:
        rows = [str(row) for t in (contacts, remembered, remembered_keys) for row in tx.connection.execute(t.select())]

    assert rows
    assert not [row for row in rows if "ana@" in row or "u-1" in row]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Customer(email="Ana@Example.com"), Customer(email="ana@example.com"), True),
        (Customer(phone="+49 (0)170 1"), Customer(phone="+491701"), False),
        (Customer(phone="+49 170 123456"), Customer(phone="0049170123456"), True),
        (Customer(external_id="7"), Customer(external_id="7"), True),
        (Customer(external_id="7"), Customer(vendor_user_id="7"), False),
    ],
)
def test_identifiers_are_compared_in_one_spelling(one, other, same):
    assert bool(set(keys_of(one, "shop")) & set(keys_of(other, "shop"))) is same


def test_a_vendors_user_id_holds_only_within_its_source():
    customer = Customer(vendor_user_id="7")

    assert not set(keys_of(customer, "shop")) & set(keys_of(customer, "bank"))
    assert set(keys_of(customer, "shop")) <= set(keys_like("shop:7"))
