"""`warm` of a route: read, inherited, and refused where customers would be told a lie or nobody asked."""

from datetime import timedelta

import pytest

from packets.decision import Mode
from policies.load import PolicyErrors, policy_from_files
from policies.warm import WarmWait

TIERS = "tiers:\n  plain: {priority: normal, default: true, targets: {first_human_response: {within: 1h}}}\n"
SCRIPTS = "scripts:\n  asking: {en: I am asking.}\n  later: {en: Somebody calls.}\n"
LADDERS = """\
ladders:
  live: {steps: [{notify: [chat], only_when_open: false}], fallback: chat}
  slow: {steps: [{after: 5m, notify: [chat]}], fallback: chat}
  office: {steps: [{notify: [chat], only_when_open: true}], fallback: chat}
"""


def routes(warm, more=""):
    return f"default: general\nroutes:\n  general: {{}}\n  sales:\n    destination: sales\n    warm: {warm}\n{more}"


def policy(warm, more=""):
    return policy_from_files(
        {"routes.yml": routes(warm, more), "tiers.yml": TIERS, "scripts.yml": SCRIPTS, "ladders.yml": LADDERS}
    )


def problems(warm):
    with pytest.raises(PolicyErrors) as caught:
        policy(warm)
    return [f"{p.file}:{p.line} {p.text}" for p in caught.value.problems]


def test_what_is_not_said_is_cold_with_the_rules_own_words():
    found = policy("{within: 45s, ladder: live, say: asking}").route("sales").warm

    assert found == WarmWait(timedelta(seconds=45), "live", "asking", Mode.COLD, None)


def test_a_route_under_another_waits_as_that_does_and_the_others_do_not():
    found = policy("{within: 45s, ladder: live, say: asking}", "  vips: {under: sales}\n")

    assert found.route("vips").warm == found.route("sales").warm
    assert found.route("general").warm is None


@pytest.mark.parametrize(
    ("warm", "wrong"),
    [
        ("{within: 4s, ladder: live, say: asking}", "'4s' is out of range: from 5s to 10m"),
        ("{within: 1h, ladder: live, say: asking}", "'1h' is out of range: from 5s to 10m"),
        ("{within: soon, ladder: live, say: asking}", "'soon' is not a duration"),
        ("{within: 45s, ladder: lives, say: asking}", "unknown ladder 'lives'"),
        ("{within: 45s, ladder: slow, say: asking}", "ladder 'slow' asks nobody in its first moment"),
        ("{within: 45s, ladder: office, say: asking}", "ladder 'office' asks nobody in its first moment"),
        ("{within: 45s, ladder: live, say: askin}", "unknown script 'askin'"),
        ("{within: 45s, ladder: live, say: asking, else: callback}", "else: callback needs else_say"),
        ("{within: 45s, ladder: live, say: asking, else: warm}", "expected cold or callback, not 'warm'"),
    ],
)
def test_a_wait_that_would_reach_nobody_or_promise_too_much_is_refused_where_it_stands(warm, wrong):
    (found,) = problems(warm)

    assert found.startswith("routes.yml:6 ")
    assert wrong in found


def test_a_broken_ladder_file_is_blamed_alone():
    files = {
        "routes.yml": routes("{within: 45s, ladder: live, say: asking}"),
        "tiers.yml": TIERS, "scripts.yml": SCRIPTS, "ladders.yml": LADDERS.replace("fallback", "fall-back"),
    }  # fmt: skip

    with pytest.raises(PolicyErrors) as caught:
        policy_from_files(files)

    assert {problem.file for problem in caught.value.problems} == {"ladders.yml"}
