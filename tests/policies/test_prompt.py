"""What the bot is told about the policy: each line is what the engine decides."""

from policies.prompt import PLAIN_REFUSAL, prompt_of

MAP = """\
default:
  never: {refunds: {intents: [refund]}}
  moderate: {odd_orders: {intents: [order_on_hold]}}
sources:
  phone-bot: {never: {odd_orders: {intents: [order_on_hold]}}}
"""


def names(guards):
    return [guard.name for guard in guards]


def test_a_topic_that_alone_calls_people_is_not_the_bots_and_comes_with_reason_examples_and_words(policy, rule):
    made = policy({"locked/law.yml": rule("law", "{topic: legal}", "{escalate: warm, say: connecting}")})

    (guard,) = prompt_of(made).never

    assert (guard.name, guard.rule, guard.locked, guard.why) == ("legal", "law", True, "Somebody must look.")
    assert guard.examples == ("my lawyer",)
    assert guard.say == {"en": "One moment.", "de": "Einen Moment."}


def test_a_topic_that_only_counts_beside_something_else_stays_with_the_bot(policy, rule):
    made = policy({"r.yml": rule("r", "{all: [{topic: legal}, {unmatched: {times: 2}}]}")})

    assert prompt_of(made).never == ()


def test_a_topic_for_which_a_person_is_offered_is_told_apart(policy, rule):
    made = policy({"r.yml": rule("r", "{topic: fraud}", "{offer: warm}")})

    found = prompt_of(made)

    assert (names(found.never), names(found.offered)) == ([], ["fraud"])


def test_locked_rules_come_first(policy, rule):
    made = policy({
        "a.yml": rule("a", "{topic: fraud}"),
        "locked/z.yml": rule("z", "{topic: legal}"),
    })  # fmt: skip

    assert names(prompt_of(made).never) == ["legal", "fraud"]


def test_what_the_map_says_never_is_not_the_bots_and_a_source_has_its_own_map(policy, rule):
    made = policy({"capabilities.yml": MAP, "r.yml": rule("r", "{capability: never}")})

    everybody, phone = prompt_of(made), prompt_of(made, "phone-bot")

    assert (names(everybody.never), everybody.tried) == (["refunds"], ("odd_orders",))
    assert (sorted(names(phone.never)), phone.tried) == (["odd_orders", "refunds"], ())
    assert "as it stands for phone-bot" in str(phone)


def test_without_a_script_for_it_the_refusal_is_plain_english(policy):
    assert prompt_of(policy()).refusal == {"en": PLAIN_REFUSAL}


def test_each_script_is_told_once_with_all_it_is_said_for(starter):
    text = str(prompt_of(starter))

    for languages in starter.scripts.values():
        assert text.count(f"    de: {languages['de']}\n") <= 1
    assert "- emergency, safety\n" in text


def test_every_sensitive_topic_of_the_starter_is_named_and_no_small_one(starter):
    found = prompt_of(starter)

    locked = {guard.name for guard in found.never if guard.locked}
    told = {*names(found.never), *names(found.offered)}
    assert locked >= {"explicit_request", "no_ai_contact", "legal", "fraud", "safety", "bereavement", "emergency"}
    assert {"refunds", "order_change", "payment_dispute", "legal_complaint"} <= told
    assert "order_status" not in told


def test_as_data_it_says_the_same(starter):
    found = prompt_of(starter)
    data = found.as_data()

    assert [guard["name"] for guard in data["never"]] == names(found.never)
    assert data["policy"] == starter.revision
    assert set(data["not_a_decision"]) >= {"en", "de", "es", "fr"}
