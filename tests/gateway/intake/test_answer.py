from datetime import UTC, datetime
from types import SimpleNamespace

from gateway.intake.answer import decision_answer
from packets.decision import Action, Decision, Mode

NOW = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
HANDOFF = SimpleNamespace(id="hof_1", mode="callback", route="support", tier="short", respond_by=NOW)
CALL_BACK = Decision(Action.ESCALATE, NOW, "rev", Mode.CALLBACK, ("transfer-failed",), collect=("phone",))


def test_what_to_ask_meanwhile_stands_in_the_answer_that_opens_the_handoff():
    answer = decision_answer(CALL_BACK, HANDOFF, is_new=True)

    assert (answer["collect"], answer["transfer"], answer["handoff_id"]) == (["phone"], "callback", "hof_1")


def test_it_is_asked_once():
    assert "collect" not in decision_answer(CALL_BACK, HANDOFF, is_new=False)


def test_nothing_to_ask_is_not_mentioned():
    plain = Decision(Action.ESCALATE, NOW, "rev", Mode.WARM, ("explicit-request",))

    assert "collect" not in decision_answer(plain, HANDOFF, is_new=True)
