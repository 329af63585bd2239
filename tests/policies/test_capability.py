import pytest

from packets.event import Intent, Nlu, Role
from policies.capability import Level
from policies.decide import decide
from policies.problems import PolicyErrors
from policies.signals import signals_of

MAP = """\
default:
  high:
    status: {intents: [order_status]}
  moderate:
    lost: {intents: [order_lost, parcel_missing]}
  never:
    refunds: {intents: [Request Refund]}
    law: {topics: [legal]}
sources:
  shop-two:
    high:
      refunds: {intents: [request_refund]}
    never:
      other: {intents: [order_status]}
"""
NEVER = "{capability: never}"


def wants(intent, text="hm"):
    return (Role.CUSTOMER, text, Nlu(Intent(intent)))


def answers(text):
    return (Role.BOT, text, None)


@pytest.fixture
def judged(policy, rule, conversation, now):
    def judge(when, *turns):
        made = policy({"capabilities.yml": MAP, "r.yml": rule(when=when)})
        return decide(conversation(*turns), made, now=now).rules[0].trace

    return judge


def refused(policy, capabilities, **files):
    with pytest.raises(PolicyErrors) as errors:
        policy({"capabilities.yml": capabilities, **files})
    return str(errors.value)


def test_what_the_bot_must_never_do_is_known_by_the_vendors_intent_in_any_spelling(judged):
    node = judged(NEVER, wants("request-refund"))

    assert node.held
    assert node.evidence[0].said == "refunds: never"


def test_or_by_a_topic_in_the_customers_words(judged):
    assert judged(NEVER, "my lawyer").held


def test_what_the_bot_does_well_or_nobody_named_is_not_never(judged):
    assert not judged(NEVER, wants("order_status")).held
    assert judged(NEVER, wants("weather")).evidence[0].said == "not in the map"


def test_only_the_newest_words_are_held_against_the_map(judged):
    assert not judged(NEVER, wants("request_refund"), answers("Sure.")).held


def test_attempts_are_the_customer_turns_before_with_the_intents_of_the_scenario(judged):
    twice = (wants("order_lost"), answers("Look again."), wants("parcel_missing"))
    third = (*twice, answers("Ask around."), wants("order_lost"))

    assert not judged("{capability: {level: moderate, attempts: 2}}", *twice).held
    node = judged("{capability: {level: moderate, attempts: 2}}", *third)
    assert (node.held, node.evidence[0].said) == (True, "lost: moderate, tried 2× before")


def test_a_source_of_its_own_word_differs_only_in_what_it_says(policy, conversation):
    made = policy({"capabilities.yml": MAP})

    levels = {s.name: (s.level, s.intents) for s in made.capabilities.of("shop-two")}

    assert levels["refunds"] == (Level.HIGH, {"request_refund"})
    assert levels["other"] == (Level.NEVER, {"order_status"})
    assert levels["status"] == (Level.HIGH, frozenset())
    assert levels["lost"][0] is Level.MODERATE
    assert made.capabilities.of("any other") == made.capabilities.default


def test_a_policy_without_a_map_knows_nothing_of_the_bot(policy, conversation):
    made = policy()

    assert signals_of(conversation(wants("request_refund")), made.packs, made.capabilities).capabilities == ()


def test_a_rule_about_capabilities_needs_a_map(policy, rule):
    with pytest.raises(PolicyErrors, match=r"there is no capabilities\.yml"):
        policy({"r.yml": rule(when=NEVER)})


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("sometimes", "expected high or moderate or never, not 'sometimes'"),
        ("{level: moderate, attempts: 0}", "expected a whole number, 1 or more, not '0'"),
        ("{attempts: 2}", "expected a level and perhaps attempts"),
        ("{level: never, tries: 1}", "expected a level and perhaps attempts"),
    ],
)
def test_a_level_that_is_none_is_refused(policy, rule, value, said):
    assert said in refused(policy, MAP, **{"r.yml": rule(when=f"{{capability: {value}}}")})


def test_one_thing_in_two_places_is_refused_with_both(policy):
    said = refused(policy, "default:\n  high:\n    a: {intents: [x]}\n  never:\n    b: {intents: [X]}\n")

    assert "capabilities.yml:5: intent 'x' stands twice\n    it is in high.a already" in said


def test_unknown_topics_levels_and_empty_scenarios_are_refused(policy):
    said = refused(policy, "default:\n  never:\n    a: {topics: [leagl]}\n    b: {}\n")

    assert "unknown topic 'leagl'\n    did you mean 'legal'?" in said
    assert "scenario 'b' can never be recognised" in said
    assert "unknown key 'sometimes'" in refused(policy, "default:\n  sometimes: {}\n")


def test_the_map_is_part_of_the_revision(policy):
    assert policy({"capabilities.yml": MAP}).revision != policy().revision


def test_the_shipped_map_names_what_the_bot_must_not_do(starter):
    levels = {s.name: s.level for s in starter.capabilities.default}

    assert [name for name, level in levels.items() if level is Level.NEVER] == [
        "refunds",
        "order_change",
        "legal_complaint",
        "payment_dispute",
    ]
    assert levels["order_status"] is levels["return_policy"] is Level.HIGH
    assert levels["product_specs"] is levels["account_history"] is Level.MODERATE
