from datetime import UTC, datetime
from types import SimpleNamespace

from gateway.intake.answer import decision_answer
from packets.decision import Action, Decision, Mode

NOW = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
HANDOFF = SimpleNamespace(
    id="hof_1", mode="callback", route="support", tier="short", respond_by=NOW, announcement="Ana, about an order",
    accept_by=None, awaits_accept=False,
)  # fmt: skip
WAITING = SimpleNamespace(**{**vars(HANDOFF), "mode": "warm", "accept_by": NOW, "awaits_accept": True})
CALL_BACK = Decision(Action.ESCALATE, NOW, "rev", Mode.CALLBACK, ("transfer-failed",), collect=("phone",))


def test_what_to_ask_meanwhile_stands_in_the_answer_that_opens_the_handoff():
    answer = decision_answer(CALL_BACK, HANDOFF, is_new=True)

    assert (answer["collect"], answer["transfer"], answer["handoff_id"]) == (["phone"], "callback", "hof_1")


def test_it_is_asked_once():
    assert "collect" not in decision_answer(CALL_BACK, HANDOFF, is_new=False)


def test_nothing_to_ask_is_not_mentioned():
    plain = Decision(Action.ESCALATE, NOW, "rev", Mode.WARM, ("explicit-request",))

    assert "collect" not in decision_answer(plain, HANDOFF, is_new=True)


def test_a_bot_that_is_to_wait_hears_until_when_on_every_turn():
    opening, later = (decision_answer(CALL_BACK, WAITING, is_new=new) for new in (True, False))
    quiet = decision_answer(Decision(Action.CONTINUE, NOW, "rev"), WAITING, is_new=False)

    assert {told["wait_until"] for told in (opening, later, quiet)} == {"2026-03-06T09:00:00Z"}
    assert quiet["transfer"] == "warm"


def test_what_to_say_to_whoever_comes_is_told_once():
    told = [decision_answer(CALL_BACK, HANDOFF, is_new=new).get("announcement") for new in (True, False)]

    assert told == ["Ana, about an order", None]
