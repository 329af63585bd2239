"""
Warm, cold and callback at every vendor, with its recorded handoffs: one that waits puts nobody through before somebody
accepts, and then once; cold does it at once; a callback never. What putting through looks like there stands in its
journey.json: `connects`, a text in the path or body of the call, `connects_in_answer`, one in our answer. Where
neither does, nothing but the words tells.
"""

import re
from pathlib import Path

import pytest

from connectors.registry import vendor
from gateway.settings import STARTER_POLICY
from policies.load import policy_from_files, read_folder

FIXTURES = Path(__file__).resolve().parents[2] / "connectors" / "vendors"
HANDOFFS = sorted(FIXTURES.glob("*/fixtures/handoff_*.http"))
WORDS = "Now you are put through"
MEANWHILE = "asking a colleague"
WARM = "\n    warm: {within: 45s, ladder: live_desk, say: asking_colleague}"


def name_of(path):
    return path.parent.parent.name


def can_wait(path):
    return vendor(name_of(path)).capabilities.connects_later is not None


def each(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda p: f"{name_of(p)}-{p.stem}")


CAN_WAIT = each([path for path in HANDOFFS if can_wait(path)])
ONE_EACH = list({name_of(path): path for path in reversed(HANDOFFS)}.values())
CANNOT_WAIT = each([path for path in ONE_EACH if not can_wait(path)])


@pytest.fixture(scope="module")
def policies():
    """
    The starter with every route waiting, every script but the one for that the same, one mode in every rule, and no
    team that offers calls: those end a wait before it begins.
    """
    texts, _ = read_folder(STARTER_POLICY)
    files = {name: text for name, text in texts.items() if not name.endswith(".test.yml")}
    files["routes.yml"] = re.sub(r"\n    warm: .*", "", files["routes.yml"])
    files["routes.yml"] = re.sub(r"\n  \w+:(?=\n    (label|under))", lambda m: m[0] + WARM, files["routes.yml"])
    files["scripts.yml"] = re.sub(r"\n    (?!en:)\w\w: .*", "", files["scripts.yml"])
    files["scripts.yml"] = re.sub(
        r"\n    en: (?!.*({times}|" + MEANWHILE + ")).*", f"\n    en: {WORDS}.", files["scripts.yml"]
    )
    files["rosters.yml"] = re.sub(r"\n    callbacks: .*", "", files["rosters.yml"])

    def under(mode):
        told = {name: re.sub(r"escalate: \w+", f"escalate: {mode}", text) for name, text in files.items()}
        return policy_from_files(told)

    return {mode: under(mode) for mode in ("warm", "cold", "callback")}


def connected(journey):
    """The calls that put the customer through, or let people in."""
    mark = journey.plan.get("connects", WORDS)
    said = [call for call in journey.double.calls if mark.encode() in call.path.encode() + call.body]
    return said or [call for call in journey.double.calls if mark.replace(" ", "+").encode() in call.body]


def journey_ended(journey):
    with journey.bench.env.reading() as tx:
        return tx.conversations.get(shown(journey).conversation_id).state.course.ended


def shown(journey):
    with journey.bench.env.reading() as tx:
        (view,) = tx.handoffs.page(5)
    return view.handoff


@CAN_WAIT
def test_a_warm_handoff_that_waits_connects_once_somebody_accepts_and_not_before(path, journey_of, policies):
    journey = journey_of(path, policies["warm"])

    answer = journey.post_all()
    journey.bench.work()
    before = [*connected(journey)]
    waiting = shown(journey)
    journey.people_do("assign", "Dana Agent")
    journey.bench.clock.forward(minutes=2)
    journey.bench.work()

    assert waiting.awaits_accept
    assert before == []
    assert journey.plan.get("connects_in_answer", WORDS) not in answer
    assert WORDS not in answer
    assert len(connected(journey)) == 1
    assert shown(journey).mode == "warm"


@each([path for path in ONE_EACH if can_wait(path)])
def test_when_nobody_accepts_it_connects_once_and_cold(path, journey_of, policies):
    journey = journey_of(path, policies["warm"])
    journey.post_all()
    journey.bench.work()

    journey.bench.clock.forward(seconds=45)
    journey.bench.work()
    journey.people_do("assign", "Dana Agent")

    assert len(connected(journey)) == 1
    assert (shown(journey).mode, shown(journey).wait_ended.value) == ("cold", "nobody")


@CANNOT_WAIT
def test_a_vendor_that_cannot_wait_connects_at_once_and_the_handoff_says_so(path, journey_of, policies):
    journey = journey_of(path, policies["warm"])

    answer = journey.post_all()
    journey.bench.work()

    assert MEANWHILE not in answer
    assert journey.plan.get("connects_in_answer", "") in answer
    handoff = shown(journey)
    assert handoff.awaits_accept is False
    had_ended = journey_ended(journey)
    assert (handoff.mode, handoff.wait_ended) == (("warm", None) if had_ended else ("cold", "impossible"))


@each(ONE_EACH)
def test_a_cold_handoff_connects_at_once(path, journey_of, policies):
    journey = journey_of(path, policies["cold"])

    answer = journey.post_all()
    journey.bench.work()

    in_answer = journey.plan.get("connects_in_answer", WORDS) in answer
    tells = bool(vendor(name_of(path)).capabilities.tells)
    assert in_answer or len(connected(journey)) == 1 or not tells


@each(ONE_EACH)
def test_a_callback_puts_nobody_through(path, journey_of, policies):
    journey = journey_of(path, policies["callback"])

    answer = journey.post_all()
    journey.bench.work()

    mark = journey.plan.get("connects_in_answer")
    assert mark is None or mark not in answer
    if name_of(path) in ("canonical", "fin"):  # their own server does the transferring: it is told what not to do
        assert {call.json["data"]["handoff"]["transfer"] for call in journey.double.calls} == {"callback"}
    elif "connects" in journey.plan:
        assert connected(journey) == []
