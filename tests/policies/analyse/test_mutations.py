"""
The analyser finds every fault seeded into a sound policy: the starter, changed in one place, and what must come of it.

Each example it gives is judged again here: it must be decided as the finding says.
"""

import json
from pathlib import Path

import pytest

from policies.analyse.run import analyse
from policies.casebook import run_cases
from policies.load import policy_from_files, read_folder
from policies.problems import PolicyErrors

STARTER = Path(__file__).resolve().parents[3] / "policies" / "starter"
TEXTS, _ = read_folder(STARTER)
WHOLE = {name: text for name, text in TEXTS.items() if not name.endswith(".test.yml")}
WORDS = {"explicit_request": "agent", "legal": "lawyer", "fraud": "stolen card", "safety": "burning heater"}
PACK = "pack: en\nfunction_words: [a, my]\nrules:\n" + "".join(
    f"  - {{id: {label}, label: {label}, any: [{words}], tests: {{fire: [my {words}], quiet: [hello]}}}}\n"
    for label, words in WORDS.items()
)

LEGAL, FRAUD, REQUEST = "locked/legal.yml", "locked/fraud.yml", "locked/explicit_request.yml"
CONFIDENCE, TASK = "triggers/low_confidence.yml", "triggers/same_task_failed.yml"
UNMATCHED, BOT = "triggers/not_understood_twice.yml", "triggers/bot_asked_for_handoff.yml"

CONDITIONS = {
    LEGAL: ("topic: legal", "legal-matter"),
    FRAUD: ("topic: fraud", "payment-fraud"),
    "locked/safety.yml": ("topic: safety", "health-and-safety"),
    REQUEST: ("customer_asked_for: human", "explicit-request"),
    CONFIDENCE: ("bot_confidence: {below: {conservative: 0.55, balanced: 0.4}, for: 2 turns}", "low-confidence"),
    TASK: ("task_failed: {times: 2, same_task: true}", "same-task-failed"),
    UNMATCHED: ("unmatched: {times: 2}", "not-understood-twice"),
    BOT: ("bot_asked_for: hard_handoff", "bot-asked-for-handoff"),
}

# The starter's core. Its own words take a while to read, and its other rules are mutated alike.
SHARED = (
    "routes.yml",
    "tiers.yml",
    "calendars.yml",
    "ladders.yml",
    "rosters.yml",
    "scripts.yml",
    "playbooks.yml",
    "posture.yml",
)
FILES = {**{name: WHOLE[name] for name in (*SHARED, *CONDITIONS)}, "phrases/en.yml": PACK}
BEFORE = {str(f) for f in analyse(policy_from_files(FILES))}  # scripts of the rules left out


def changed(file, old, new):
    assert old in FILES[file], "the mutation does not fit the starter any more"
    return {**FILES, file: FILES[file].replace(old, new)}


def added(name, when, then):
    rule = f"id: {Path(name).stem}\nowner: somebody\nwhy: Seeded.\nwhen: {when}\nthen: {then}\n"
    return {**FILES, name: rule}


def findings(policy):
    return [f for f in analyse(policy) if str(f) not in BEFORE]


def kinds(files):
    return [(f.kind, str(f.severity), f.rules[:1]) for f in findings(policy_from_files(files))]


def test_the_starter_is_clean():
    tests = {name: text for name, text in TEXTS.items() if name not in WHOLE}

    assert analyse(policy_from_files(WHOLE), tests) == []


@pytest.mark.parametrize("file", CONDITIONS)
def test_a_not_around_a_condition_fires_on_nothing(file):
    condition, rule = CONDITIONS[file]

    found = kinds(changed(file, condition, f"not: {{{condition}}}"))

    assert ("fires-on-nothing", "error", (rule,)) in found


@pytest.mark.parametrize("file", CONDITIONS)
def test_a_condition_that_contradicts_itself_never_fires(file):
    condition, rule = CONDITIONS[file]

    found = kinds(changed(file, condition, f"all: [{{{condition}}}, {{not: {{{condition}}}}}]"))

    assert ("never-fires", "error", (rule,)) in found


@pytest.mark.parametrize("file", CONDITIONS)
def test_a_condition_or_its_contrary_fires_on_every_event(file):
    condition, rule = CONDITIONS[file]
    files = changed(file, condition, f"any: [{{{condition}}}, {{not: {{{condition}}}}}]")

    found = [f for f in analyse(policy_from_files(files)) if f.kind == "fires-on-nothing"]

    assert [(f.rules, "on every event" in f.text) for f in found] == [((rule,), True)]


@pytest.mark.parametrize("file", CONDITIONS)
def test_a_copy_under_another_name_adds_nothing(file):
    _, rule = CONDITIONS[file]
    files = {**FILES, file.replace(".yml", "_copy.yml"): FILES[file].replace(f"id: {rule}", f"id: {rule}-copy")}

    found = kinds(files)

    assert found == [("never-decides", "warning", (f"{rule}-copy",))]


TIERS = {rule.id: rule.then.tier for rule in policy_from_files(FILES).rules}
OTHER_TIERS = [
    (f, t) for f, (_, rule) in CONDITIONS.items() for t in ("immediate", "short", "standard") if t != TIERS[rule]
]


@pytest.mark.parametrize(("file", "tier"), OTHER_TIERS)
def test_of_a_copy_with_another_tier_one_tier_never_applies(file, tier):
    _, rule = CONDITIONS[file]
    text = FILES[file].replace(f"id: {rule}", f"id: {rule}-copy").replace(f"tier: {TIERS[rule]}", f"tier: {tier}")

    found = kinds({**FILES, file.replace(".yml", "_copy.yml"): text})

    assert {kind for kind, _, _ in found} & {"idle-tier", "never-decides"}
    assert all(rules[0] in (rule, f"{rule}-copy") for _, _, rules in found)


def when(file, new):
    return changed(file, CONDITIONS[file][0], new)


ROUTED = "{escalate: warm, tier: standard, route: billing}"
OFTEN = "{unmatched: {times: 5}}"
BADLY = "{any: [{all: [{topic: legal}, {unmatched: {times: 1}}]}, " + OFTEN + "]}"
BADLY_TOO = "{any: [{all: [{task_failed: {times: 2}}, {unmatched: {times: 1}}]}, " + OFTEN + "]}"
LOWEST = "{bot_confidence: {below: 0, for: 1 turn}}"
UNSURE_TWICE, UNSURE = "{bot_confidence: {below: 0.55, for: 2 turns}}", "{bot_confidence: {below: 0.6, for: 1 turn}}"

SOON = "{escalate: warm, tier: short, route: billing}"
SPARE_TIER = "  spare:\n    priority: low\n    targets:\n      first_human_response: {within: 8h}\n"
LOW_TWICE, ROUND_2 = "{sentiment: {below: -0.3, for: 2 turns}}", "{loop: {same: intent, times: 2}}"
PROBLEMS_3, LOUD = "{distinct_problems: {more_than: 3}}", "{voice: {loudness_above: 0.8}}"

# What was done → the changed policy, what must be found, and of which rule.
MUTATIONS = {
    "a confidence nothing is below": (
        changed(CONFIDENCE, "conservative: 0.55", "conservative: 0"),
        "never-fires",
        "low-confidence",
    ),
    "a threshold another one covers": (
        when(UNMATCHED, "any: [{unmatched: {times: 2}}, {unmatched: {times: 3}}]"),
        "idle-part",
        "not-understood-twice",
    ),
    "a part that is always so": (
        when(CONFIDENCE, f"all: [{UNSURE_TWICE}, {UNSURE}]"),
        "idle-part",
        "low-confidence",
    ),
    "a dead part beside a living one": (
        when(UNMATCHED, f"any: [{{unmatched: {{times: 2}}}}, {LOWEST}]"),
        "never-holds",
        "not-understood-twice",
    ),
    "two names for one wish, one of them denied": (
        when(REQUEST, "all: [{topic: explicit_request}, {not: {customer_asked_for: human}}]"),
        "never-fires",
        "explicit-request",
    ),
    "a threshold out of order": (
        when(UNMATCHED, "all: [{unmatched: {times: 2}}, {not: {unmatched: {times: 1}}}]"),
        "never-fires",
        "not-understood-twice",
    ),
    "a sum of failures less than the worst": (
        when(TASK, "all: [{task_failed: {times: 2}}, {not: {task_failed: {times: 2, same_task: false}}}]"),
        "never-fires",
        "same-task-failed",
    ),
    "an offer beneath an escalation": (
        added("triggers/offer.yml", "{unmatched: {times: 3}}", "{offer: callback}"),
        "never-decides",
        "offer",
    ),
    "a review beneath two escalations": (
        added("triggers/look.yml", "{any: [{topic: legal}, {topic: fraud}]}", "{review: true}"),
        "never-decides",
        "look",
    ),
    "a soft copy of a locked rule": (
        added("triggers/soft.yml", "{topic: legal}", "{escalate: warm, route: sensitive, tier: standard}"),
        "never-decides",
        "soft",
    ),
    "a soft rule that wants a locked one's customers elsewhere": (
        added("triggers/soft.yml", "{topic: legal}", "{escalate: warm, route: billing, identity_check: true}"),
        "idle-route",
        "soft",
    ),
    "a slacker tier for a narrower case": (
        added("triggers/slack.yml", "{all: [{topic: fraud}, {unmatched: {times: 1}}]}", ROUTED),
        "never-decides",
        "slack",
    ),
    "overlapping rules of another tier": (
        added("triggers/mixed.yml", BADLY, "{escalate: warm, tier: immediate}"),
        "overlap",
        "mixed",
    ),
    "overlapping rules of another route": (
        added("triggers/mixed.yml", BADLY_TOO, ROUTED),
        "overlap",
        "same-task-failed",
    ),
    "a locked rule with an exception": (
        when(LEGAL, "all: [{topic: legal}, {not: {customer_asked_for: human}}]"),
        "locked-weakened",
        "legal-matter",
    ),
    "a locked exception deep inside": (
        when(LEGAL, "any: [{topic: legal}, {all: [{unmatched: {times: 4}}, {not: {topic: fraud}}]}]"),
        "locked-weakened",
        "legal-matter",
    ),
    "a locked rule that only offers": (changed(LEGAL, "escalate", "offer"), "locked-weakened", "legal-matter"),
    "a locked rule that is only noted": (
        changed(FRAUD, "escalate: warm", "continue: true"),
        "locked-weakened",
        "payment-fraud",
    ),
    "a request that is only offered": (changed(REQUEST, "escalate", "offer"), "nobody-comes", None),
    "no rule for requests": ({n: t for n, t in FILES.items() if n != REQUEST}, "nobody-comes", None),
    "no rule for the bot's own request": ({n: t for n, t in FILES.items() if n != BOT}, "nobody-comes", None),
    "a script nobody says": (changed(FRAUD, "protecting_account", "connecting"), "unused-script", None),
    "a playbook nobody follows": (changed(TASK, "order-lookup", "rephrase"), "unused-playbook", None),
    "a tier no rule asks for": (
        {**FILES, "tiers.yml": FILES["tiers.yml"] + SPARE_TIER},
        "unused-tier",
        None,
    ),
    "a route no rule leads to": (changed("routes.yml", "    by_hand: true\n", ""), "unused-route", None),
    "a route nobody is behind": (
        changed("routes.yml", "    destination: billing\n", ""),
        "route-without-destination",
        None,
    ),
    "a promise nobody watches": (
        changed("tiers.yml", "within: 1h, warn: [0.5, 0.8], ladder: short", "within: 1h, warn: [0.5, 0.8]"),
        "target-without-ladder",
        None,
    ),
    "a route whose people no roster names": (
        changed("rosters.yml", "  billing:\n", "  accounts:\n"),
        "route-without-roster",
        None,
    ),
    "a day that begins while the clocks are changed": (
        changed("calendars.yml", '"09:00-17:00"', '"02:30-17:00"'),
        "uncertain-edge",
        None,
    ),
    "a rule that says nothing of time": (changed(LEGAL, " tier: short,", ""), "trigger-without-sla", "legal-matter"),
    "what the bot must never do, left to it": (
        {**FILES, "capabilities.yml": "default: {never: {refunds: {intents: [refund]}}}\n"},
        "nobody-comes",
        None,
    ),
    "a mood no turn can have": (added("triggers/mood.yml", "{sentiment: {below: -1}}", SOON), "never-fires", "mood"),
    "a mood another one covers": (
        added("triggers/mood.yml", f"{{any: [{LOW_TWICE}, {{sentiment: {{below: -0.3, for: 3 turns}}}}]}}", SOON),
        "idle-part",
        "mood",
    ),
    "an anger below a weaker one": (
        added("triggers/angry.yml", "{all: [{anger: {at_least: 0.9}}, {anger: {at_least: 0.5}}]}", SOON),
        "idle-part",
        "angry",
    ),
    "two channels at once": (
        added("triggers/both.yml", "{all: [{channel: voice}, {channel: email}]}", SOON),
        "never-fires",
        "both",
    ),
    "a language within another": (
        added("triggers/speaks.yml", "{all: [{language: de-AT}, {not: {language: de}}]}", SOON),
        "never-fires",
        "speaks",
    ),
    "a source no pattern leaves": (
        added("triggers/from.yml", '{all: [{source: "shop-*"}, {not: {source: "*-*"}}]}', SOON),
        "never-fires",
        "from",
    ),
    "an amount above and at a lower value": (
        added(
            "triggers/dear.yml", "{all: [{field: {name: amount, above: 500}}, {field: {name: amount, is: 200}}]}", SOON
        ),
        "never-fires",
        "dear",
    ),
    "a fact both known and missing": (
        added("triggers/dear.yml", "{all: [{field: {name: a, is: b}}, {field: {name: a, missing: true}}]}", SOON),
        "never-fires",
        "dear",
    ),
    "an attribute with two values": (
        added(
            "triggers/who.yml", "{all: [{customer: {attribute: t, is: x}}, {customer: {attribute: t, is: y}}]}", SOON
        ),
        "never-fires",
        "who",
    ),
    "a longer time that is in a shorter one": (
        added("triggers/long.yml", "{any: [{duration: {longer_than: 15m}}, {duration: {longer_than: 20m}}]}", SOON),
        "idle-part",
        "long",
    ),
    "fewer turns denied beside more": (
        added("triggers/many.yml", "{all: [{turns: {more_than: 20}}, {not: {turns: {more_than: 10}}}]}", SOON),
        "never-fires",
        "many",
    ),
    "a loop of three that is one of two": (
        added("triggers/round.yml", f"{{any: [{ROUND_2}, {{loop: {{same: intent, times: 3}}}}]}}", SOON),
        "idle-part",
        "round",
    ),
    "more problems denied by fewer": (
        added("triggers/many.yml", f"{{all: [{PROBLEMS_3}, {{not: {{distinct_problems: {{more_than: 2}}}}}}]}}", SOON),
        "never-fires",
        "many",
    ),
    "a loud voice denied by a louder one": (
        added("triggers/loud.yml", f"{{any: [{LOUD}, {{voice: {{loudness_above: 0.9, raised_voice: true}}}}]}}", SOON),
        "idle-part",
        "loud",
    ),
    "two last steps": (
        added("triggers/left.yml", "{all: [{ended_after: {step: pay}}, {ended_after: {step: ship}}]}", SOON),
        "never-fires",
        "left",
    ),
    "no answer, less often than asked": (
        added("triggers/mute.yml", "{all: [{unanswered: {times: 3}}, {not: {unanswered: {times: 2}}}]}", SOON),
        "never-fires",
        "mute",
    ),
    "a break that nobody denies": (
        added("triggers/broke.yml", "{any: [{bot_error: true}, {not: {bot_error: true}}]}", SOON),
        "fires-on-nothing",
        "broke",
    ),
    "experience that a rule for the same already asks for": (
        {
            **added("triggers/copy.yml", "{topic: legal}", "{escalate: warm, tier: short, seniority: regular}"),
            LEGAL: FILES[LEGAL].replace("tier: short", "tier: short, seniority: senior"),
        },
        "never-decides",
        "copy",
    ),
    "questions a locked rule always forbids": (
        added("triggers/copy.yml", "{topic: legal}", "{escalate: warm, tier: short, collect: [phone]}"),
        "never-decides",
        "copy",
    ),
    "a route without wishes": (changed("routes.yml", "[name, email, product]", "[]"), "route-without-wants", None),
    "a route without a label": (changed("routes.yml", "    label: Sales\n", ""), "route-without-label", None),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_seeded_fault_is_found(name):
    files, kind, rule = MUTATIONS[name]

    found = kinds(files)

    assert (kind, (rule,) if rule else ()) in [(k, rules) for k, _, rules in found]


@pytest.mark.parametrize("name", MUTATIONS)
def test_the_example_of_a_finding_is_decided_as_it_says(name):
    policy = policy_from_files(MUTATIONS[name][0])

    for finding in findings(policy):
        if finding.kind.startswith(("unused", "route-without", "trigger-without", "target-without", "uncertain")):
            assert finding.example is None
            continue
        results, wrong = run_cases("e", as_test(finding.example), policy)
        decision = results[0].decision
        assert wrong == []
        assert shown(finding, decision), f"{finding}"
        assert (decision.action.value == "continue") == finding.example.decides.startswith("nothing")


def as_test(example):
    return json.dumps({"cases": [{"name": "e", **example.as_case(), "expect": "nothing"}]})


def shown(finding, decision):
    fired = {r.rule for r in decision.rules if r.fired}
    told = set(finding.rules)
    if finding.kind in ("never-fires", "locked-weakened") and finding.rules[0] not in fired:
        return True
    if finding.kind == "nobody-comes":
        return decision.action.value != "escalate"
    if finding.kind in ("never-holds", "idle-part"):
        return True
    return told <= fired


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("routes.yml", "default: general", ""),
        ("tiers.yml", "    default: true\n", ""),
        (UNMATCHED, "times: 2", "times: 0"),
        (CONFIDENCE, "for: 2 turns", "for: 0 turns"),
        (CONFIDENCE, "balanced: 0.4", "balanced: 40"),
        (LEGAL, "topic: legal", "topic: leagl"),
        (TASK, "route: orders", "route: oders"),
    ],
)
def test_what_does_not_load_needs_no_analysis(file, old, new):
    with pytest.raises(PolicyErrors):
        policy_from_files(changed(file, old, new))
