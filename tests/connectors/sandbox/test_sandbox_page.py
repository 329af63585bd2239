"""The pages: what an agent sees, and that nothing in a ticket can run in the agent's browser."""

import re

import pytest
import requests

from connectors.sandbox.html import clean, clean_and_text

EVIL = '<p>Hi</p><script>alert(1)</script><img src=x onerror=alert(2)><a href="javascript:alert(3)">x</a>'


def opened_with(client, text):
    """A ticket whose public text and private note are both `text`; its id."""
    client.open_ticket("pkt_1")
    ticket_id = client.tickets[0]["id"]
    if client.kind == "zendesk":
        for public in (True, False):
            body = {"ticket": {"comment": {"html_body": text, "public": public}}}
            client.put(f"/api/v2/tickets/{ticket_id}.json", body)
    elif client.kind == "freshdesk":
        client.post(f"/api/v2/tickets/{ticket_id}/notes", {"body": text})
        client.post(f"/api/v2/tickets/{ticket_id}/reply", {"body": text})
    else:
        client.patch(f"/api/now/table/incident/{ticket_id}", {"work_notes": text, "comments": text})
    return ticket_id


def page(client, path, **options):
    return requests.get(client.running.url + path, timeout=5, **options)


def test_the_list_shows_every_ticket_and_needs_no_credential(helpdesk):
    helpdesk.open_ticket("pkt_1")

    answer = page(helpdesk, "/")

    assert answer.status_code == 200
    assert helpdesk.tickets[0]["number"] in answer.text
    assert f'href="/tickets/{helpdesk.tickets[0]["id"]}"' in answer.text


def test_an_empty_list_says_so(helpdesk):
    assert "No tickets yet" in page(helpdesk, "/").text


def test_a_ticket_marks_its_private_notes(helpdesk):
    ticket_id = opened_with(helpdesk, "between us")

    text = page(helpdesk, f"/tickets/{ticket_id}").text

    private = re.findall(r'<article class="entry private.*?</article>', text, re.DOTALL)
    assert len(private) == 1
    assert "between us" in private[0]
    assert "only agents see this" in private[0]


def test_a_ticket_shows_fields_by_label(freshdesk):
    freshdesk.open_ticket("pkt_77")

    text = page(freshdesk, "/tickets/1").text

    assert re.search(r"<dt>Baton packet id</dt>\s*<dd>pkt_77</dd>", text)


def test_nothing_in_a_ticket_can_run_or_load(helpdesk):
    ticket_id = opened_with(helpdesk, EVIL)

    answer = page(helpdesk, f"/tickets/{ticket_id}")

    assert "<script" not in answer.text
    assert "<img" not in answer.text
    assert '<a href="javascript' not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_the_page_loads_only_its_own_stylesheet(helpdesk):
    ticket_id = opened_with(helpdesk, "x")

    text = page(helpdesk, f"/tickets/{ticket_id}").text

    assert re.findall(r"<link[^>]*>", text) == ['<link rel="stylesheet" href="/style.css">']
    assert page(helpdesk, "/style.css").headers["Content-Type"].startswith("text/css")
    assert "url(" not in page(helpdesk, "/style.css").text


def test_the_buttons_do_what_they_say_and_lead_back(helpdesk):
    helpdesk.open_ticket()
    ticket_id = helpdesk.tickets[0]["id"]
    base = helpdesk.running.url

    for kind, form in (("assign", {}), ("reply", {"text": "Hello"}), ("status", {"status": "solved"})):
        answer = requests.post(
            f"{base}/_sandbox/tickets/{ticket_id}/{kind}", data=form or {"x": ""}, allow_redirects=False, timeout=5
        )
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/tickets/{ticket_id}")

    ticket = helpdesk.tickets[0]
    assert ticket["assignee"] == "Dana Agent"
    assert "Hello" in ticket["public_texts"]
    assert ticket["status"].lower() in ("solved", "resolved")


def test_an_attachment_is_linked_and_served_as_text(freshdesk):
    freshdesk.open_ticket()
    files = {"attachments[]": ("<b>.txt", b"<script>x</script>", "text/plain")}
    freshdesk.call("POST", "/api/v2/tickets/1/notes", data={"body": "n"}, files=files)
    link = re.search(r'href="(/tickets/1/files/\d+)"', page(freshdesk, "/tickets/1").text)

    answer = page(freshdesk, link.group(1))

    assert answer.content == b"<script>x</script>"
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_an_attachment_that_claims_to_be_a_page_is_a_download(freshdesk):
    freshdesk.open_ticket()
    files = {"attachments[]": ("x.html", b"<script>x</script>", "text/html")}
    freshdesk.call("POST", "/api/v2/tickets/1/notes", data={"body": "n"}, files=files)
    link = re.search(r'href="(/tickets/1/files/\d+)"', page(freshdesk, "/tickets/1").text)

    assert page(freshdesk, link.group(1)).headers["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize("path", ["/tickets/999", "/tickets/1/files/5", "/tickets/<script>"])
def test_a_page_of_nothing_is_a_404_that_leads_home(helpdesk, path):
    answer = page(helpdesk, path)

    assert answer.status_code == 404
    assert 'href="/"' in answer.text
    assert "<script" not in answer.text


def test_the_helpdesks_own_address_of_a_ticket_leads_to_the_page(helpdesk):
    helpdesk.open_ticket()
    ticket_id = helpdesk.tickets[0]["id"]
    own = {
        "zendesk": f"/agent/tickets/{ticket_id}",
        "freshdesk": f"/a/tickets/{ticket_id}",
        "servicenow": f"/nav_to.do?uri=incident.do%3Fsys_id%3D{ticket_id}",
    }

    answer = page(helpdesk, own[helpdesk.kind])

    assert (answer.status_code, answer.history[0].headers["Location"]) == (200, f"/tickets/{ticket_id}")


# The cleaning behind it


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("<p>a<br>b</p>", "<p>a<br>b</p>"),
        ("<p onclick=x style='y' data-k=z>a</p>", "<p>a</p>"),
        ("<!-- mark --><b>a</b>", "<b>a</b>"),
        ("<script>x</script>a<style>y</style>", "a"),
        ("<script><p>x</p>", ""),
        ("<iframe src=x>a</iframe>", "a"),
        ("<b>a", "<b>a</b>"),
        ("a</b></div>", "a"),
        ("<b><i>a</b>c</i>", "<b><i>a</i></b>c"),
        ("&lt;b&gt; & <", "&lt;b&gt; &amp; &lt;"),
        (
            '<a href="https://x.example/?a=1&amp;b=2">l</a>',
            '<a href="https://x.example/?a=1&amp;b=2" rel="noreferrer">l</a>',
        ),
        ('<a href=" javascript:x">l</a>', "<a>l</a>"),
        ("<scr<script>ipt>alert(1)</script>", "ipt&gt;alert(1)"),
    ],
)
def test_html_is_reduced_to_harmless_tags(html, left):
    assert clean(html) == left


def test_cleaning_twice_changes_nothing_more():
    assert clean(clean(EVIL)) == clean(EVIL)


def test_the_words_of_html_stand_one_block_to_a_line():
    _, text = clean_and_text("<p>one <b>two</b></p><ul><li>three</li><li>four</li></ul>")

    assert text == "one two\n\nthree\n\nfour"
