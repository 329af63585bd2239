"""The results of policy tests for a build server."""

from xml.etree import ElementTree

import pytest

from policies.casebook import run_casebook
from policies.junit import junit

CASES = """\
cases:
  - name: {name}
    given: {{topic: legal}}
    expect: {{escalate: warm, because: law}}
  - name: "wrong: <&> \\x07"
    given: {{topic: legal}}
    expect: nothing
"""


def read(text):
    return ElementTree.fromstring(text)  # noqa: S314 - of our own making


@pytest.fixture
def written(folder, rule):
    def made(name="a lawyer"):
        cases = CASES.format(name=name)
        files = {"law.yml": rule("law"), "law.test.yml": cases, "sub/ask.yml": rule("ask", "{topic: fraud}")}
        asked = "cases: [{name: hi, given: {topic: fraud}, expect: {because: ask}}]\n"
        return junit(run_casebook(folder({**files, "sub/ask.test.yml": asked})))

    return made


def test_each_test_file_is_a_suite_and_each_case_a_test(written):
    top = read(written())

    assert (top.tag, top.get("tests"), top.get("failures")) == ("testsuites", "3", "1")
    assert [suite.get("name") for suite in top] == ["law.test.yml", "sub/ask.test.yml"]
    assert [(case.get("classname"), case.get("name")) for case in top.iter("testcase")][2] == ("sub.ask", "hi")


def test_a_failure_says_what_was_expected_and_shows_the_trace(written):
    (failure,) = read(written()).iter("failure")

    assert failure.get("message") == "expected nothing, got escalate because of law"
    assert "topic is legal" in failure.text


def test_words_that_no_xml_may_hold_do_not_break_the_report(written):
    text = written(name=r'"\U0001F600 <b> \x00 \uFFFE & ü"')

    names = [case.get("name") for case in read(text).iter("testcase")]
    assert names[:2] == ["\U0001f600 <b> \ufffd \ufffd & ü", "wrong: <&> \ufffd"]


def test_the_same_results_give_the_same_bytes(written):
    assert written() == written()
