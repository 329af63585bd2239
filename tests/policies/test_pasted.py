"""Reading a conversation as somebody pastes it."""

import json

import pytest

from policies.corpus import CorpusError
from policies.pasted import read_pasted


def said(text):
    return [(e.turns[0].role.value, e.turns[0].text) for e in read_pasted(text, "<stdin>").events]


def test_lines_name_who_says_what():
    assert said("customer: hi\nbot: yes?\nagent: me now\n") == [
        ("customer", "hi"),
        ("bot", "yes?"),
        ("agent", "me now"),
    ]


def test_the_names_other_transcripts_use_are_known():
    assert said("User: hi\nAssistant: yes?") == [("customer", "hi"), ("bot", "yes?")]


def test_a_line_without_a_name_goes_on_from_the_one_before_and_a_colon_within_is_a_colon():
    assert said("customer: my order\nnote: 12:30\n\nand more") == [("customer", "my order\nnote: 12:30\nand more")]


def test_one_dialogue_as_json_is_read_with_or_without_an_id():
    dialogue = {"turns": [{"role": "customer", "text": "hi", "intent": "hello"}]}

    recorded = read_pasted(json.dumps(dialogue, indent=2), "<stdin>")

    assert recorded.id == "pasted"
    assert recorded.events[0].turns[0].nlu.intent.name == "hello"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hi there", "<stdin>:1: who says this?"),
        ("\n \n", "<stdin>: no conversation"),
        ('{"id": "a", "turns": []}\n{"id": "b", "turns": []}', "baton policy replay"),
        ('{"turns": [{"role": "robot"}]}', "turn 1: 'role'"),
    ],
)
def test_what_is_no_conversation_is_said_with_its_line(text, expected):
    with pytest.raises(CorpusError) as caught:
        read_pasted(text, "<stdin>")

    assert expected in str(caught.value)
