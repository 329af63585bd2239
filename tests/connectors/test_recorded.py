"""Recorded webhooks: the form of .http files."""

import pytest

from connectors.recorded import read_recorded

TWO = b"""# a comment
POST /v1/in/shop?x=1 HTTP/1.1
Content-Type: application/json
X-Time: 10:30

{"a": 1}
###
POST /v1/in/phone

a=1&b=2
"""


def test_calls_are_read_with_source_headers_and_body():
    first, second = read_recorded(TWO)

    assert (first.source, first.headers["x-time"], first.body) == ("shop", "10:30", b'{"a": 1}')
    assert (second.source, second.target, second.body) == ("phone", "/v1/in/phone", b"a=1&b=2")


def test_a_body_is_kept_byte_for_byte():
    body = b'{"text":  "caf\xc3\xa9"\n\n}\t'

    (call,) = read_recorded(b"POST /v1/in/shop\nA: b\n\n" + body + b"\n")

    assert call.body == body


@pytest.mark.parametrize(
    "damaged", [b"\n", b"GET /v1/in/shop\n\n", b"POST shop\n\n", b"POST /v1/in/shop\nno colon\n\n{}"]
)
def test_what_is_no_recorded_call_is_named_by_its_number(damaged):
    with pytest.raises(ValueError, match="request 2: expected POST"):
        read_recorded(b"POST /v1/in/shop\n\n{}\n###\n" + damaged)
