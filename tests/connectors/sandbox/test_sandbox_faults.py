"""Every fault kind does what its name says, at each helpdesk: what the caller sees, and whether a ticket was made."""

import contextlib

import pytest
import requests

from connectors.sandbox.faults import FAULT_KINDS, BadFault, Faults

NOT_MADE = [kind for kind, done in FAULT_KINDS.items() if not done]
MADE = [kind for kind, done in FAULT_KINDS.items() if done]
ANSWERED = {"429": 429, "500": 500, "503": 503, "401": 401, "403": 403, "html_200": 200, "cut_before": None}
OWN = {("zendesk", "409"): 409, ("servicenow", "cancelled_before"): 200}  # elsewhere such a fault is a plain 500


@pytest.mark.parametrize("kind", NOT_MADE)
def test_a_fault_before_the_work_leaves_no_ticket(helpdesk, kind):
    helpdesk.faults.add(kind, method="POST")

    try:
        status = helpdesk.open_ticket().status_code
    except requests.ConnectionError:
        status = None

    assert status == ANSWERED.get(kind, OWN.get((helpdesk.kind, kind), 500))
    assert helpdesk.tickets == []


@pytest.mark.parametrize("kind", MADE)
def test_a_fault_after_the_work_leaves_exactly_one_ticket(helpdesk, kind):
    helpdesk.faults.add(kind, method="POST", seconds=0.05)

    with contextlib.suppress(requests.ConnectionError):
        helpdesk.open_ticket("pkt_7")

    assert [ticket["key"] for ticket in helpdesk.tickets] == ["pkt_7"]


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
def test_a_cut_is_a_reset_of_the_connection(helpdesk, kind):
    helpdesk.faults.add(kind)

    with pytest.raises(requests.ConnectionError) as caught:
        helpdesk.open_ticket()

    assert "reset" in str(caught.value).lower()


def test_a_hanging_call_has_done_its_work_before_the_caller_gives_up(helpdesk):
    helpdesk.faults.add("hang_after", method="POST", seconds=30)

    with pytest.raises(requests.ReadTimeout):
        helpdesk.open_ticket("pkt_1", timeout=0.2)

    assert [ticket["key"] for ticket in helpdesk.tickets] == ["pkt_1"]


def test_a_slow_call_is_answered_in_the_end(helpdesk):
    helpdesk.faults.add("slow", seconds=0.1)

    answer = helpdesk.open_ticket()

    assert answer.status_code == 201
    assert answer.elapsed.total_seconds() >= 0.1


def test_a_slow_call_does_not_hold_up_the_others(helpdesk, eventually):
    helpdesk.faults.add("slow", method="POST", seconds=30)
    with pytest.raises(requests.ReadTimeout):
        helpdesk.open_ticket(timeout=0.05)

    answer = helpdesk.get(helpdesk.opening_path, timeout=2)

    assert answer.status_code == 200


def test_a_429_says_how_long_to_wait_unless_it_is_told_not_to(helpdesk):
    helpdesk.faults.add("429", retry_after=17)
    helpdesk.faults.add("429", retry_after=None)

    told, untold = helpdesk.open_ticket(), helpdesk.open_ticket()

    assert told.headers["Retry-After"] == "17"
    assert (untold.status_code, untold.headers.get("Retry-After")) == (429, None)


def test_a_429_comes_as_json_or_as_text(helpdesk):
    helpdesk.faults.add("429", body="json")
    helpdesk.faults.add("429", body="text")

    as_json, as_text = helpdesk.open_ticket(), helpdesk.open_ticket()

    assert isinstance(as_json.json(), dict)
    assert as_text.headers["Content-Type"].startswith("text/plain")


def test_a_503_comes_as_json_or_as_a_page(helpdesk):
    helpdesk.faults.add("503", body="json")
    helpdesk.faults.add("503", body="html")

    as_json, as_page = helpdesk.open_ticket(), helpdesk.open_ticket()

    assert isinstance(as_json.json(), dict)
    assert as_page.headers["Content-Type"].startswith("text/html")


def test_html_200_looks_like_success_and_is_a_page(helpdesk):
    helpdesk.faults.add("html_200")

    answer = helpdesk.open_ticket()

    assert (answer.status_code, answer.text[:15]) == (200, "<!DOCTYPE html>")


def test_a_cancelled_transaction_is_a_200_with_an_error_glued_to_good_json(servicenow):
    servicenow.faults.add("cancelled_after", method="POST")

    answer = servicenow.open_ticket("pkt_1")

    assert answer.status_code == 200
    assert answer.text.startswith('{"result":{')
    assert "Transaction cancelled" in answer.text
    with pytest.raises(ValueError, match="Extra data"):
        answer.json()


def test_a_transaction_cancelled_before_the_work_is_a_200_with_nothing_but_an_error(servicenow):
    servicenow.faults.add("cancelled_before", method="POST")

    answer = servicenow.open_ticket()

    assert (answer.status_code, answer.json()["status"]) == (200, "failure")


def test_a_collision_of_zendesks_database_may_come_with_and_without_the_ticket(zendesk):
    zendesk.faults.add("409", method="POST")
    zendesk.faults.add("409_after", method="POST")

    answers = [zendesk.open_ticket(key) for key in ("pkt_1", "pkt_2")]

    assert {(answer.status_code, answer.json()["error"]) for answer in answers} == {(409, "DatabaseConflict")}
    assert [ticket["key"] for ticket in zendesk.tickets] == ["pkt_2"]


def test_a_fault_hits_only_the_calls_it_names(helpdesk):
    helpdesk.faults.add("500", method="POST", path="/somewhere/else*")

    assert helpdesk.open_ticket().status_code == 201


def test_a_fault_begins_with_the_nth_call_and_lasts_so_many_times(helpdesk):
    helpdesk.faults.add("500", method="POST", nth=2, times=2)

    statuses = [helpdesk.open_ticket(f"pkt_{number}").status_code for number in range(4)]

    assert statuses == [201, 500, 500, 201]


def test_a_fault_without_an_end_stays_until_it_is_cleared(helpdesk):
    helpdesk.faults.add("503", times=None)
    before = [helpdesk.open_ticket().status_code for _ in range(3)]

    helpdesk.control("/faults", method="DELETE")

    assert before == [503, 503, 503]
    assert helpdesk.open_ticket().status_code == 201


def test_faults_asked_for_over_http_happen_one_after_another(helpdesk):
    helpdesk.control("/faults", [{"kind": "500", "method": "POST"}, {"kind": "429", "method": "POST"}])

    statuses = [helpdesk.open_ticket().status_code for _ in range(3)]

    assert statuses == [500, 429, 201]


def test_the_control_calls_and_the_page_suffer_no_fault(helpdesk):
    helpdesk.faults.add("500", times=None)

    assert helpdesk.control("/tickets", method="GET").status_code == 200
    assert helpdesk.get("/").status_code == 200


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"kind": "explode"}, "unknown fault kind 'explode'"),
        ({"kind": "500", "when": "now"}, "unknown fault option 'when'"),
        ({"kind": "500", "nth": 0}, "count from 1"),
        ({"kind": "429", "body": "xml"}, "json, text or html"),
        ({"kind": "500", "nth": "soon"}, "wrong type"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_with_a_reason(helpdesk, wanted, said):
    answer = helpdesk.control("/faults", [{"kind": "500"}, wanted])

    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert helpdesk.faults.as_json() == []


def test_faults_count_what_they_saw_and_what_they_hit():
    faults = Faults()
    faults.add("500", path="/api/*", nth=2)

    taken = [faults.take("POST", "/api/x"), faults.take("POST", "/other"), faults.take("GET", "/api/y")]

    assert [fault and fault.kind for fault in taken] == [None, None, "500"]
    assert (faults.as_json()[0]["seen"], faults.as_json()[0]["hit"]) == (2, 1)


def test_an_unknown_kind_is_refused_in_python_too():
    with pytest.raises(BadFault, match="cut_after"):
        Faults().add("cut")
