from packets.event import Role
from policies.decide import decide
from policies.explain import explain


def test_a_decision_is_explained_as_a_tree(policy, rule, conversation, nlu, now):
    when = (
        "{all: [{topic: legal}, {any: [{bot_confidence: {below: 0.55, for: 2 turns}}, {customer_asked_for: human}]}]}"
    )
    made = policy({"triggers/refund.yml": rule(when=when, then="{escalate: warm, route: payments, tier: gold}")})
    talk = conversation((Role.CUSTOMER, "hm", nlu("x", 0.52)), (Role.CUSTOMER, "my lawyer", nlu("x", 0.41)))

    told = explain(decide(talk, made, now=now))

    assert told.splitlines() == [
        f"escalate, warm → payments, gold         policy {made.revision} · 2026-03-06 15:50Z",
        "└ refund-dispute                        triggers/refund.yml:1",
        "  └ yes  all of",
        "    ├ yes  topic is legal                         “lawyer” (turn 2)",
        "    └ yes  any of",
        "      ├ yes  bot_confidence below 0.55 for 2 turns  0.52, 0.41",
        "      └ no   customer asked for a human           not seen",
    ]


def test_a_decision_to_go_on_says_how_many_rules_were_judged(policy, rule, heard):
    told = explain(heard(policy({"a.yml": rule("a"), "b.yml": rule("b")}), "hello"))

    assert told.splitlines()[1] == "└ no rule fired, 2 judged"


def test_rules_that_did_not_fire_are_shown_when_asked(policy, rule, heard):
    made = policy({"a.yml": rule("a"), "locked/b.yml": rule("b", "{topic: fraud}")})

    told = explain(heard(made, "my lawyer"), all_rules=True)

    assert "├ a " in told
    assert "└ b (locked), did not fire" in told
    assert "no   topic is fraud" in told
