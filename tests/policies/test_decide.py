import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from packets.conversation import Conversation, fold_all
from packets.decision import Action, Mode, Seniority
from packets.event import ConversationInfo, Customer, Event, EventKind, Intent, Nlu, Role, Turn
from policies.decide import decide
from policies.signals import signals_of

AT = datetime(2026, 3, 6, 15, 50, tzinfo=UTC)
LAW = "{topic: legal}"
NEVER = "{unmatched: {times: 9}}"


def test_nothing_fired_means_the_bot_goes_on(policy, rule, heard):
    decision = heard(policy({"r.yml": rule()}), "hello")

    assert decision.action is Action.CONTINUE
    assert (decision.because, decision.route, decision.tier, decision.customer_message) == ((), None, None, None)


def test_a_policy_without_rules_lets_the_bot_go_on(policy, heard):
    assert heard(policy(), "my lawyer").action is Action.CONTINUE


def test_a_fired_rule_decides_everything_it_names(policy, rule, heard, now):
    then = "{escalate: callback, route: payments, tier: gold, playbook: look-up, say: connecting, identity_check: true}"
    made = policy({"r.yml": rule(then=then)})

    decision = heard(made, "my lawyer")

    assert (decision.action, decision.mode) == (Action.ESCALATE, Mode.CALLBACK)
    assert (decision.route, decision.tier, decision.playbook) == ("payments", "gold", "look-up")
    assert decision.recommended == "Look it up by e-mail."
    assert (decision.say, decision.customer_message, decision.identity_check) == ("connecting", "One moment.", True)
    assert (decision.because, decision.policy_revision, decision.at) == (("refund-dispute",), made.revision, now)


def test_what_a_rule_leaves_open_falls_to_the_catch_all_and_the_default_tier(policy, rule, heard):
    decision = heard(policy({"r.yml": rule()}), "my lawyer")

    assert (decision.route, decision.tier, decision.identity_check) == ("general", "plain", False)


def test_the_strongest_outcome_wins(policy, rule, heard):
    outcomes = {
        "a": "{continue: true}",
        "b": "{offer: callback, tier: gold}",
        "c": "{review: true, tier: gold}",
        "d": "{escalate: cold}",
    }
    rules = {f"{name}.yml": rule(name, then=then) for name, then in outcomes.items()}

    assert heard(policy(rules), "my lawyer").because == ("d", "c", "b", "a")
    assert heard(policy({"a.yml": rules["a.yml"], "b.yml": rules["b.yml"]}), "my lawyer").action is Action.OFFER


def test_then_the_strictest_tier_then_file_order(policy, rule, heard):
    made = policy({
        "a.yml": rule("a", then="{escalate: warm}"),
        "b.yml": rule("b", then="{escalate: warm, tier: silver}"),
        "c.yml": rule("c", then="{escalate: warm, tier: gold}"),
        "d.yml": rule("d", then="{escalate: warm, tier: silver}"),
    })  # fmt: skip

    assert heard(made, "my lawyer").because == ("c", "b", "d", "a")


def test_a_locked_rule_comes_before_a_stricter_one_and_the_strictest_tier_is_kept(policy, rule, heard):
    made = policy({
        "a.yml": rule("a", then="{escalate: callback, tier: gold, route: payments}"),
        "locked/z.yml": rule("z", then="{escalate: warm, tier: silver, route: sensitive}"),
    })  # fmt: skip

    decision = heard(made, "my lawyer")

    assert decision.because == ("z", "a")
    assert (decision.mode, decision.route, decision.tier) == (Mode.WARM, "sensitive", "gold")


def test_what_the_first_rule_leaves_open_the_next_one_of_the_same_outcome_fills(policy, rule, heard):
    made = policy({
        "locked/ask.yml": rule("ask", "{customer_asked_for: human}", "{escalate: warm, say: connecting}"),
        "theft.yml": rule("theft", "{topic: fraud}", "{escalate: warm, route: sensitive, playbook: look-up}"),
        "watch.yml": rule("watch", "{topic: fraud}", "{review: true, route: payments, identity_check: true}"),
    })  # fmt: skip

    decision = heard(made, "stolen card, an agent please")

    assert decision.because == ("ask", "theft", "watch")
    assert (decision.route, decision.playbook, decision.say) == ("sensitive", "look-up", "connecting")
    assert not decision.identity_check


def test_a_rules_own_recommendation_stands_instead_of_the_playbooks(policy, rule, heard):
    made = policy({"r.yml": rule(then="{escalate: warm, playbook: look-up, recommend: Ring them.}")})

    decision = heard(made, "my lawyer")

    assert (decision.playbook, decision.recommended) == ("look-up", "Ring them.")


def test_the_default_playbook_is_for_handoffs_whose_rules_name_none(policy, rule, heard):
    playbooks = "default: greet\nplaybooks: {greet: Say hello., look-up: Look it up.}\n"
    plain, named = "{escalate: warm}", "{escalate: warm, playbook: look-up}"

    def playbook(**rules):
        made = policy({"playbooks.yml": playbooks, **{f"{n}.yml": rule(n, then=then) for n, then in rules.items()}})
        return heard(made, "my lawyer").playbook

    assert playbook(a=plain) == "greet"
    assert playbook(a=plain, b=named) == "look-up"
    assert playbook(a="{escalate: warm, recommend: Ring them.}") is None


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "Einen Moment."),
        ("de-AT", "Einen Moment."),
        ("DE", "Einen Moment."),
        ("fi", "One moment."),
        (None, "One moment."),
    ],
)
def test_the_customer_is_told_in_their_language_else_in_english(policy, rule, heard, language, said):
    made = policy({"r.yml": rule(then="{escalate: warm, say: connecting}")})

    assert heard(made, "my lawyer", language=language).customer_message == said


def test_the_customers_own_language_setting_is_used_when_the_conversation_names_none(policy, rule, heard):
    made = policy({"r.yml": rule(then="{escalate: warm, say: connecting}")})

    assert heard(made, "my lawyer", customer=Customer(locale="de-DE")).customer_message == "Einen Moment."


def test_every_rule_is_traced_also_those_that_did_not_fire(policy, rule, heard):
    made = policy({"a.yml": rule("a"), "b.yml": rule("b", NEVER), "locked/c.yml": rule("c", NEVER)})

    decision = heard(made, "my lawyer")

    assert [(t.rule, t.fired, t.locked) for t in decision.rules] == [
        ("c", False, True),
        ("a", True, False),
        ("b", False, False),
    ]
    assert decision.fired == (decision.rules[1],)


def test_the_facts_hold_what_was_looked_at_and_none_of_the_customers_words(policy, rule, heard):
    made = policy({"a.yml": rule(when="{any: [{topic: legal}, {unmatched: {times: 2}}]}")})

    facts = heard(made, "my secret lawyer").facts

    assert facts == {"topic": ["legal"], "unmatched": 0}
    assert "secret" not in json.dumps(facts)


def test_the_same_conversation_policy_and_time_give_the_same_decision(policy, rule, conversation, now):
    made = policy({"a.yml": rule()})
    talk = conversation("hello", "my lawyer")

    assert decide(talk, made, now=now) == decide(talk, made, now=now)
    assert decide(talk, made, now=now + timedelta(days=1)).because == decide(talk, made, now=now).because


def test_a_conversation_in_which_nothing_was_said_yet_is_judged(starter, now):
    assert decide(Conversation("shop", "c1"), starter, now=now).action is Action.CONTINUE


# --- no rule anybody adds can stop a locked one ---

LOCKED = {
    "locked/ask.yml": ("ask", "{customer_asked_for: human}", "{escalate: warm, tier: silver, route: general}"),
    "locked/theft.yml": ("theft", "{topic: fraud}", "{escalate: cold, route: sensitive, identity_check: true}"),
}
TEXTS = ["hello", "an agent please", "stolen card", "stolen card! agent", "I do not want an agent", "my lawyer", ""]

conditions = st.recursive(
    st.sampled_from(
        [
            {"topic": "legal"},
            {"topic": "fraud"},
            {"customer_asked_for": "human"},
            {"unmatched": {"times": 1}},
            {"bot_asked_for": "handoff"},
            {"bot_confidence": {"below": 1, "for": "1 turns"}},
        ]
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda c: {"all": c}),
        st.lists(inner, min_size=1, max_size=3).map(lambda c: {"any": c}),
        inner.map(lambda c: {"not": c}),
    ),
    max_leaves=5,
)
outcomes = st.builds(
    lambda outcome, more: {**outcome, **more},
    st.sampled_from([{"continue": True}, {"review": True}]
                    + [{verb: mode} for verb in ("offer", "escalate") for mode in ("warm", "cold", "callback")]),
    st.fixed_dictionaries({}, optional={"route": st.just("payments"), "tier": st.sampled_from(["gold", "plain"]),
                                        "identity_check": st.booleans(), "say": st.just("connecting")}),
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    when=conditions,
    then=outcomes,
    text=st.sampled_from(TEXTS),
    name=st.sampled_from(["a.yml", "lockedish/a.yml", "z/y.yml"]),
)
def test_no_added_rule_takes_anything_from_a_locked_escalation(policy, rule, heard, when, then, text, name):
    locked = {path: rule(*parts) for path, parts in LOCKED.items()}
    before = policy(locked)
    after = policy({**locked, name: rule("added", json.dumps(when), json.dumps(then))})

    was, became = heard(before, text), heard(after, text)

    if was.action is Action.ESCALATE:
        assert became.action is Action.ESCALATE
        assert became.because[: len(was.because)] == was.because
        assert (became.mode, became.route) == (was.mode, was.route)
        assert became.identity_check >= was.identity_check
        assert after.tier(became.tier).strictness <= before.tier(was.tier).strictness


def test_the_highest_seniority_any_agreeing_rule_asks_for_is_asked_for(policy, rule, heard):
    rules = {
        "a.yml": rule("a", then="{escalate: warm, tier: gold, seniority: senior}"),
        "b.yml": rule("b", then="{escalate: cold, seniority: lead}"),
        "c.yml": rule("c", then="{escalate: cold}"),
    }

    assert heard(policy(rules), "my lawyer").seniority is Seniority.LEAD
    assert heard(policy({"c.yml": rules["c.yml"]}), "my lawyer").seniority is None


def test_what_is_to_be_collected_is_what_nobody_has_given_yet(policy, rule, conversation, now):
    rules = {
        "a.yml": rule("a", then="{escalate: callback, collect: [phone, order_id]}"),
        "b.yml": rule("b", then="{escalate: callback, collect: [order_id, email]}"),
        "c.yml": rule("c", then="{review: true, collect: [mood]}"),
    }
    talk = conversation("my lawyer", customer=Customer(phone="+44 20 7946 0000"))

    assert decide(talk, policy(rules), now=now).collect == ("order_id", "email")


def test_nobody_is_questioned_when_a_locked_rule_fired(policy, rule, heard):
    rules = {
        "a.yml": rule("a", then="{escalate: callback, tier: gold, collect: [phone]}"),
        "locked/b.yml": rule("b", then="{escalate: warm}"),
    }

    decision = heard(policy(rules), "my lawyer")

    assert (decision.action, decision.collect) == (Action.ESCALATE, ())


SAID = ["hello", "my lawyer", "stolen card, an agent please", "I do not want an agent", "my layer", ""]


@given(turns=st.lists(st.tuples(st.sampled_from(SAID), st.booleans(), st.none() | st.floats(0, 1)), max_size=4))
def test_a_brief_decision_is_the_whole_one_without_the_reasons_of_turns_on_which_nothing_fires(starter, turns):
    events = [
        Event(
            f"e{i}", EventKind.MESSAGE_CREATED, "shop", ConversationInfo("c"), AT, AT,
            turns=(Turn(Role.CUSTOMER, text, nlu=Nlu(Intent("order_status", confidence=sure), is_fallback=unmatched)),),
        )
        for i, (text, unmatched, sure) in enumerate(turns)
    ]  # fmt: skip
    conversation = fold_all("shop", "c", events)

    whole, brief = (decide(conversation, starter, now=AT, brief=short) for short in (False, True))

    assert brief == (whole if whole.because else replace(whole, rules=(), facts={}))


CONDITIONS_OF_ALL_KINDS = st.recursive(
    st.sampled_from([LAW, NEVER, "{topic: fraud}", "{unmatched: {times: 1}}", "{customer_asked_for: human}"]),
    lambda inner: st.one_of(
        inner.map(lambda part: f"{{not: {part}}}"),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"{{all: [{', '.join(parts)}]}}"),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"{{any: [{', '.join(parts)}]}}"),
    ),
    max_leaves=6,
)


@given(when=CONDITIONS_OF_ALL_KINDS, text=st.sampled_from(SAID))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_quick_answer_of_a_condition_is_the_traced_one(policy, rule, when, text):
    made = policy({"r.yml": rule("r", when)})
    said = (Turn(Role.CUSTOMER, text),)
    event = Event("e", EventKind.MESSAGE_CREATED, "shop", ConversationInfo("c"), AT, AT, turns=said)
    signals = signals_of(fold_all("shop", "c", [event]), made.packs)

    (only,) = made.rules

    assert only.when.holds(signals) is only.judge(signals).held
