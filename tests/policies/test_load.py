import pytest

from policies.load import load_policy, policy_from_files
from policies.problems import PolicyErrors


def problems_of(files):
    with pytest.raises(PolicyErrors) as wrong:
        policy_from_files(files)
    return [str(problem) for problem in wrong.value.problems]


def test_a_rule_file_becomes_a_rule(policy, rule):
    (made,) = policy(
        {"triggers/refund.yml": "# why\n" + rule(then="{escalate: warm, route: payments, tier: gold}")}
    ).rules

    assert (made.id, made.owner, made.why) == ("refund-dispute", "payments-support", "Somebody must look.")
    assert made.where == "triggers/refund.yml:2"
    assert (made.then.route, made.then.tier) == ("payments", "gold")
    assert not made.locked


def test_rules_in_locked_come_first_then_file_order(policy, rule):
    made = policy({"a.yml": rule("a"), "b/c.yml": rule("c"), "locked/z.yml": rule("z")}).rules

    assert [(r.id, r.locked) for r in made] == [("z", True), ("a", False), ("c", False)]


def test_every_problem_of_every_file_is_told_at_once(files, rule):
    told = problems_of(
        files({
            "a.yml": rule("a", when="{topik: legal}", then="{escalate: hot, rout: general}"),
            "b.yml": rule("b", when="{all: [{topic: lagal}, {unmatched: {times: 0}}]}"),
            "tiers.yml": "tiers:\n  gold: {priority: urgent, default: true, targets: {pickup: {within: 1d}}}",
        })
    )  # fmt: skip

    assert [line.split(":")[0] for line in told] == ["a.yml", "a.yml", "b.yml", "b.yml", "tiers.yml", "tiers.yml"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{topik: legal}", "r.yml:4: unknown condition 'topik'\n    did you mean 'topic'?"),
        ("{topic: lagal}", "r.yml:4: unknown topic 'lagal': no phrase pack recognises it\n    did you mean 'legal'?"),
        ("{customer_asked_for: robot}", "r.yml:4: expected human or callback, not 'robot'"),
        ("{topic: legal, unmatched: {times: 2}}", "join them with all: or any:"),
        ("{all: []}", "r.yml:4: 'all' needs a list of conditions"),
        ("{not: [{topic: legal}]}", "expected a condition here"),
        ("legal", "expected a condition here"),
        ("{unmatched: 2}", "'unmatched' needs arguments\n    write unmatched: {times: a whole number, 1 or more}"),
        ("{unmatched: {times: 2 turns}}", "expected a whole number, 1 or more, not '2 turns'"),
        ("{unmatched: {}}", "'times' is missing"),
        ("{unmatched: {times: 2, fast: true}}", "unknown argument 'fast'"),
        ("{bot_confidence: {below: 55, for: 2 turns}}", "a number from 0 to 1, not '55'\n    did you mean 0.55?"),
        ("{bot_confidence: {below: 0.55, for: 2}}", "expected a number of turns, not '2'\n    write '2 turns'"),
        ("{bot_confidence: {below: 0.55, for: 2 minutes}}", "expected a number of turns, not '2 minutes'"),
        ("{task_failed: {times: 2, same_task: perhaps}}", "expected true or false, not 'perhaps'"),
    ],
)
def test_a_condition_that_does_not_fit_is_told_with_its_line(files, rule, text, expected):
    (told,) = problems_of(files({"r.yml": rule(when=text)}))

    assert told.startswith("r.yml:4: ")
    assert expected in told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{escalate: warm, route: paymants}", "unknown route 'paymants'\n    did you mean 'payments'?"),
        ("{escalate: warm, tier: glod}", "unknown tier 'glod'\n    did you mean 'gold'?"),
        ("{escalate: warm, say: conecting}", "unknown script 'conecting'\n    did you mean 'connecting'?"),
        ("{escalate: warm, playbook: lookup}", "unknown playbook 'lookup'\n    did you mean 'look-up'?"),
        ("{escalate: warm, rout: payments}", "unknown key 'rout'\n    did you mean 'route'?"),
        ("{escalate: hot}", "expected warm, cold or callback, not 'hot'"),
        (
            "{escalate: warm, offer: warm}",
            "expected one of escalate, review, offer, continue, found escalate and offer",
        ),
        ("{route: payments}", "expected one of escalate, review, offer, continue, found none"),
        ("{review: false}", "'review' can only be true"),
        ("warm", "'then' must be keys and values"),
    ],
)
def test_an_outcome_that_does_not_fit_is_told_with_its_line(files, rule, text, expected):
    (told,) = problems_of(files({"r.yml": rule(then=text)}))

    assert told.startswith("r.yml:5: ")
    assert expected in told


def test_a_missing_key_is_told(files):
    told = problems_of(files({"r.yml": "id: a\nwhy: Because.\nwhen: {topic: legal}\nthen: {escalate: warm}\n"}))

    assert told == ["r.yml:1: 'owner' is missing"]


def test_a_key_written_twice_is_told_wherever_it_is(files, rule):
    told = problems_of(files({"r.yml": rule(then="{escalate: warm, tier: gold, tier: plain}") + "owner: me\n"}))

    assert [line.splitlines()[0] for line in told] == [
        "r.yml:5: 'tier' is written twice",
        "r.yml:6: 'owner' is written twice",
    ]


def test_an_id_taken_twice_is_told_at_both_places(files, rule):
    (told,) = problems_of(files({"locked/a.yml": rule("same"), "b.yml": rule("same")}))

    assert told == "b.yml:1: id 'same' is taken\n    by locked/a.yml:1"


def test_damaged_yaml_is_told_and_the_other_files_are_still_read(files, rule):
    told = problems_of(files({"a.yml": "id: [\n", "b.yml": rule(when="{topik: legal}")}))

    assert len(told) == 2
    assert told[0].startswith("a.yml:")
    assert "not YAML" in told[0]


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words\n", "null\n"])
def test_a_file_that_is_no_mapping_is_told(files, text):
    assert problems_of(files({"a.yml": text})) == ["a.yml:1: expected keys and values here"]


def test_anchors_are_refused(files):
    told = problems_of(files({"routes.yml": "default: general\nroutes:\n  general: &g {}\n  other: *g\n"}))

    assert all("anchors (&) and aliases (*)" in line for line in told)


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        (None, "routes.yml: is missing"),
        ("routes: {general: {}}\n", "'default' is missing"),
        ("default: generel\nroutes: {general: {}}\n", "did you mean 'general'?"),
        ("default: general\nroutes: {}\n", "'routes' is empty"),
        ("default: a\nroutes: {a: {under: b}, b: {under: a}}\n", "stands under itself"),
        ("default: a\nroutes: {a: {under: bb}}\n", "unknown route 'bb'"),
        ("default: a\nroutes: {a: {wants: name}}\n", "'wants' must be a list"),
        ("default: a\nroutes: {a: {lable: x}}\n", "unknown key 'lable'\n    did you mean 'label'?"),
    ],
)
def test_routing_without_a_sound_catch_all_is_refused(files, routes, expected):
    assert any(expected in told for told in problems_of(files({"routes.yml": routes})))


def test_a_name_longer_than_its_column_is_refused(files, rule):
    long = "x" * 81

    told = problems_of(files({"a.yml": rule(long), "routes.yml": f"default: {long}\nroutes:\n  {long}: {{}}\n"}))

    assert sorted(line.split(":")[0] for line in told if "at most 80" in line) == ["a.yml", "routes.yml"]


def test_a_route_takes_from_the_one_it_stands_under_what_it_does_not_say(policy):
    made = policy({
        "routes.yml": "default: support\nroutes:\n  support: {destination: desk, wants: [name, email]}\n"
        "  orders: {under: support, label: Orders, wants: [order_id, email]}\n"
    })  # fmt: skip

    orders = made.route("orders")

    assert (orders.label, orders.destination, orders.under) == ("Orders", "desk", "support")
    assert orders.wants == ("order_id", "email", "name")
    assert orders.else_groups == ("support", "desk")


def test_a_route_is_looked_for_under_its_destination_before_the_routes_above_it(policy):
    made = policy({
        "routes.yml": "default: all\nroutes:\n  all: {destination: desk}\n  money: {under: all, destination: bank}\n"
        "  refunds: {under: money, destination: tills}\n  loose: {}\n"
    })  # fmt: skip

    assert made.route("refunds").else_groups == ("tills", "money", "bank", "all", "desk")
    assert (made.route("loose").else_groups, made.route("loose").destination) == ((), None)


def test_a_route_that_is_gone_falls_to_the_catch_all(policy):
    made = policy()

    assert made.route("no_longer_there").name == "general"
    assert made.route(None).name == "general"
    assert made.tier("no_longer_there").name == "plain"


@pytest.mark.parametrize(
    ("tiers", "expected"),
    [
        (None, "tiers.yml: is missing"),
        ("tiers: {a: {priority: high, targets: {first_human_response: {within: 5m}}}}", "exactly one tier needs"),
        ("tiers: {a: {priority: high, default: true, targets: {}}}", "needs a target for first_human_response"),
        ("tiers: {a: {priority: high, default: true, targets: {first_human_response: {within: 1d}}}}", "three things"),
        (
            "tiers: {a: {priority: high, default: true, targets: {first_human_response: {within: 5}}}}",
            "is not a duration",
        ),
        ("tiers: {a: {priority: high, default: true, targets: {first_human_response: {within: 1s}}}}", "out of range"),
        ("tiers: {a: {priority: urgent, default: true, targets: {first_human_response: {within: 5m}}}}", "critical"),
        ("tiers: {a: {priority: high, default: true, targets: {frist: {within: 5m}}}}", "not 'frist'"),
        (
            "tiers: {a: {priority: high, default: true, targets: {first_human_response: {within: 5m, warn: [80]}}}}",
            "between 0 and 1",
        ),
    ],
)
def test_tiers_that_promise_nothing_clear_are_refused(files, tiers, expected):
    assert any(expected in told for told in problems_of(files({"tiers.yml": tiers})))


def test_a_script_needs_english_because_everybody_else_gets_it(files):
    told = problems_of(files({"scripts.yml": "scripts:\n  hello:\n    de: Hallo.\n"}))

    assert told == ["scripts.yml:2: 'hello' needs an 'en' text, the one for every other language"]


def test_a_script_about_calls_says_when(files):
    scripts = "scripts:\n  callback_booked:\n    en: At {times}.\n    de: Bald.\n"

    told = problems_of(files({"scripts.yml": scripts}))

    wrong = "'callback_booked' says no times: write {times} where they shall stand, {zone} for their zone"
    assert told == [f"scripts.yml:4: {wrong}"]


def test_a_default_playbook_must_exist(files):
    told = problems_of(files({"playbooks.yml": "default: lookup\nplaybooks: {look-up: Look.}\n"}))

    assert told == [
        "playbooks.yml:1: 'lookup' is the default, and there is none of that name\n    did you mean 'look-up'?"
    ]


def test_a_broken_reserved_file_does_not_blame_the_rules_that_name_its_entries(files, rule):
    told = problems_of(
        files({
            "r.yml": rule(then="{escalate: warm, tier: gold, say: connecting, playbook: look-up}"),
            "tiers.yml": "tiers:\n  gold: {priority: nope, default: true, targets: {}}",
            "scripts.yml": "scripts:\n  connecting: {de: x}\n",
            "playbooks.yml": "playbooks:\n  look-up: 3\n",
        })
    )  # fmt: skip

    assert [line.split(":")[0] for line in told] == ["playbooks.yml", "scripts.yml", "tiers.yml"]


def test_the_revision_changes_with_every_file_a_decision_depends_on(policy, files, rule):
    one = policy({"r.yml": rule()})
    changed = [
        policy({"r.yml": rule(why="Another.")}),
        policy({"q.yml": rule()}),
        policy({"r.yml": rule(), "playbooks.yml": "playbooks: {look-up: Else.}\n"}),
    ]

    assert policy({"r.yml": rule()}).revision == one.revision
    assert len({one.revision, *(other.revision for other in changed)}) == 4


def test_a_folder_is_read_with_its_tests_and_field_maps_left_aside(folder, policy, rule):
    where = folder({
        "r.yml": rule(),
        "r.test.yml": "cases: [",
        "fields/zendesk.yml": "anything: [",
        "README.md": "# words",
    })  # fmt: skip

    made = load_policy(where)

    assert made.revision == policy({"r.yml": rule()}).revision
    assert sorted(made.files) == ["phrases/en.yml", "playbooks.yml", "r.yml", "routes.yml", "scripts.yml", "tiers.yml"]


def test_stored_texts_make_the_same_policy_again(folder, rule):
    first = load_policy(folder({"r.yml": rule()}))

    again = policy_from_files(first.files)

    assert again.revision == first.revision
    assert [r.where for r in again.rules] == [r.where for r in first.rules]


def test_windows_line_ends_and_a_byte_order_mark_are_no_new_revision(folder, policy, rule):
    where = folder({"r.yml": rule()})
    (where / "r.yml").write_bytes(b"\xef\xbb\xbf" + rule().replace("\n", "\r\n").encode())

    assert load_policy(where).revision == policy({"r.yml": rule()}).revision


def test_problems_of_a_folder_name_files_as_the_folder_was_named(folder, rule):
    where = folder({"triggers/r.yml": rule(when="{topik: legal}")})

    with pytest.raises(PolicyErrors) as wrong:
        load_policy(where)

    assert str(wrong.value).startswith(f"{where}/triggers/r.yml:4: unknown condition 'topik'")


def test_files_that_would_be_overlooked_are_told(folder, rule):
    where = folder({"r.yaml": rule()})
    (where / "latin.yml").write_bytes("id: caf\xe9\n".encode("latin-1"))

    with pytest.raises(PolicyErrors) as wrong:
        load_policy(where)

    assert [problem.text for problem in wrong.value.problems] == ["is not UTF-8 text", "would not be read"]


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(PolicyErrors, match="there is no such folder"):
        load_policy(tmp_path / "nowhere")
