"""A mapping file that is wrong says where and what to do."""

import pytest

from connectors.vendors.mapped.mapping import MappingErrors, load_mapping
from connectors.vendors.mapped.origin import origin_of

GOOD = """\
signature: {style: bearer}
kind: /type
kinds: {said: message.created}
data:
  conversation: {id: /c}
"""


def problems(tmp_path, text):
    path = tmp_path / "bot.yml"
    path.write_text(text, "utf-8")
    with pytest.raises(MappingErrors) as failed:
        load_mapping(path)
    return [problem.removeprefix(f"{path}:") for problem in failed.value.problems]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "{style: bearer}",
            "{style: magic}",
            "1: signature needs a style: standard_webhooks, static_header, bearer, basic, hmac",
        ),
        ("{style: bearer}", "{style: bearer, header: x}", "1: unknown key 'signature.header': bearer has no others"),
        ("{style: bearer}", "{style: static_header}", "1: signature.header is missing"),
        (
            "{style: bearer}",
            "{style: hmac, header: x, message: '{timestamp}.{body}'}",
            "1: signature.message signs {timestamp}: say where",
        ),
        (
            "{style: bearer}",
            "{style: hmac, header: x, message: '{nonce}{body}'}",
            "1: signature.message knows only {body} and {timestamp}",
        ),
        (
            "{style: bearer}",
            "{style: hmac, header: x, encoding: base32}",
            "1: signature.encoding is one of: hex, base64",
        ),
        ("/type", "type", "2: kind: a JSON pointer begins with a slash: write /type"),
        ("/type", "{always: }", "2: kind: a fixed value is written {always: value}"),
        ("/type", "/a~2b", "2: kind: in a JSON pointer ~ is written ~0"),
        ("message.created", "message.creatd", "3: kinds has no 'message.creatd': did you mean 'message.created'?"),
        (
            "conversation: {id: /c}",
            "conversation: {id: /c, langage: /l}",
            "5: unknown key 'data.conversation.langage': did you mean 'language'?",
        ),
        (
            "conversation: {id: /c}",
            "conversation: {id: /c, channel: {always: fax}}",
            "5: data.conversation.channel has no 'fax'",
        ),
        ("conversation: {id: /c}", "conversation: {language: /c}", "4: data.conversation.id is missing"),
        (
            "conversation: {id: /c}",
            "conversation: {id: /c}\n  messages: /all",
            "6: data.messages is a list: write {each:",
        ),
        (
            "conversation: {id: /c}",
            "conversation: {id: /c}\n  customer: /user",
            "6: data.customer is an object: with some of:",
        ),
        (
            "conversation: {id: /c}",
            "conversation: {id: /c}\n  sequence: {always: often}",
            "6: data.sequence: expected a whole number",
        ),
        ("kinds: {said: message.created}", "kinds: [said]", "3: kinds is a table"),
        ("kinds:", "kind: /again\nkinds:", "3: not YAML:"),
        ("data:", "daten:", "1: 'data' is missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_the_remedy(tmp_path, old, new, told):
    found = problems(tmp_path, GOOD.replace(old, new))

    assert [problem for problem in found if problem.startswith(told)]


def test_every_problem_is_told_at_once_in_the_order_of_the_file(tmp_path):
    found = problems(tmp_path, "signature: {}\nkind: type\nroles: {a: king}\ndata: {conversation: {id: c}, more: /x}\n")

    assert [line.split(":")[0] for line in found] == ["1", "2", "3", "4", "4"]


@pytest.mark.parametrize("text", ["", "- a", "just words"])
def test_what_is_no_mapping_at_all_is_said_so(tmp_path, text):
    assert problems(tmp_path, text)[0].startswith("1: a mapping is an object: with the keys name, signature")


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", {"a": [1, {"b/c": 2}], "m~n": 3}),
        ("/a/0", 1),
        ("/a/1/b~1c", 2),
        ("/m~0n", 3),
        ("/a/-1", None),
        ("/a/01", None),
        ("/x/y", None),
    ],
)
def test_pointers_are_those_of_rfc_6901(pointer, value):
    assert origin_of(pointer).look({"a": [1, {"b/c": 2}], "m~n": 3}, {}) == value
