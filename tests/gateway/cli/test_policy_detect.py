"""`baton policy detect` as a pipe uses it: one JSON line in, one JSON line out."""

import json

import pytest
from click.testing import CliRunner

from gateway.cli import cli


@pytest.fixture
def detect(tmp_path, monkeypatch):
    """Answers and the whole result, in an empty folder, so with the starter policy."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BATON_CONFIG", raising=False)

    def ask(*lines):
        raw = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
        result = CliRunner().invoke(cli, ["policy", "detect"], input=raw + b"\n")
        return [json.loads(line) for line in result.stdout.splitlines()], result

    return ask


def labels(answer):
    return {found["label"] for found in answer["evidence"]}


def test_a_text_is_answered_with_label_rule_span_words_and_score(detect):
    text = "ok. please put me through to a supervisor"

    (answer,), result = detect({"text": text})

    (found,) = answer["evidence"]
    assert found.keys() == {"label", "rule", "span", "text", "score"}
    assert found["label"] == "explicit_request"
    assert text[slice(*found["span"])] == found["text"]
    assert 0 < found["score"] <= 1
    assert answer["unscanned"] is False
    assert result.exit_code == 0


def test_answers_come_in_the_order_of_the_questions(detect):
    answers, _ = detect(
        {"text": "my card was stolen"},
        {"text": "where is my order"},
        {"text": "Ich möchte mit einem Menschen sprechen", "lang": "de"},
        {"text": "I will sue you"},
    )

    assert [labels(answer) for answer in answers] == [{"fraud"}, set(), {"explicit_request"}, {"legal"}]


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (b"{not json", "line 2 is not JSON: "),
        (b'{"text": 7}', 'line 2: expected {"text"'),
        (b'["text"]', 'line 2: expected {"text"'),
        (b'{"txt": "agent"}', 'line 2: expected {"text"'),
        (b'{"text": "agent", "lang": 3}', 'line 2: expected {"text"'),
        (b'{"text": "caf\xe9"}', "line 2 is not UTF-8 (byte 14)"),
    ],
)
def test_a_bad_line_says_so_and_loses_no_other(detect, bad, told):
    answers, result = detect({"text": "agent please"}, bad, {"text": "my father died"})

    assert [labels(answer) for answer in answers] == [{"explicit_request"}, set(), {"bereavement"}]
    assert answers[1]["error"].startswith(told)
    assert answers[1]["error"] in result.stderr
    assert result.exit_code == 1


def test_an_error_does_not_repeat_what_a_customer_wrote(detect):
    (answer,), result = detect(b'{"text": "my pin is 4711')

    assert "4711" not in answer["error"]
    assert "4711" not in result.stderr


def test_empty_lines_are_no_questions(detect):
    answers, result = detect(b"", {"text": "agent"}, b"  ")

    assert len(answers) == 1
    assert result.exit_code == 0


@pytest.mark.parametrize(
    "text",
    [
        "👩‍👩‍👧‍👦 thanks… but I want a HUMAN 🙏🏽 please",
        "J'aimerais parler à un conseiller, s'il vous plaît",  # accents as combining marks
        "‏שלום‏ can I talk to a human ‏תודה‏",
        "I wa\u00adnt to spe\u200bak to a ma\u200dnager",
        "ｔａｌｋ to a ｈｕｍａｎ",
        "İstanbul ﬁrst, then please get me a h u m a n",
    ],
)
def test_the_words_are_the_customers_own_in_any_script(detect, text):
    (answer,), _ = detect({"text": text})

    asked = [found for found in answer["evidence"] if found["label"] == "explicit_request"]
    assert asked
    assert all(text[slice(*found["span"])] == found["text"] for found in answer["evidence"])


def test_half_an_emoji_does_not_stop_the_pipe(detect):
    answers, result = detect(b'{"text": "\\ud83d agent \\ud83d please"}', {"text": "agent"})

    assert [labels(answer) for answer in answers] == [{"explicit_request"}] * 2
    assert result.exit_code == 0
