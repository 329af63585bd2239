"""
What goes on with a Zendesk ticket after it was opened: which tickets of ours changed, what late news put on one, and
which new one follows it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from zenpy.lib.api_objects import Comment

from connectors.errors import Refused, stops_the_account
from connectors.helpdesks import text
from connectors.helpdesks.zendesk import answers
from connectors.helpdesks.zendesk.session import ZendeskSession
from connectors.helpdesks.zendesk.wire import SYSTEM
from connectors.ports import FieldMap
from packets.draft import DraftAttachment, TicketRef, TicketState, TicketUpdate

SEARCH = "/api/v2/search.json"
OUR_TAG = "baton"  # stands on every ticket of ours (packets.render.ticket)
SEARCH_LAG = timedelta(minutes=10)  # clients report up to several minutes
PER_PAGE = 100
MOST_CHANGED = 300


def changed_since(session: ZendeskSession, since: datetime) -> tuple[TicketState, ...]:
    """
    From the search, because the incremental export is for admins alone. Its index lags by minutes, so whoever polls
    asks for what changed SEARCH_LAG earlier too, or a change that was not in the index yet would never be seen.
    source: Zendesk API, "Search" (tags, updated), read 2026-11-21.
    """
    begin = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    params = {"query": f"type:ticket tags:{OUR_TAG} updated>={begin}", "sort_by": "updated_at", "sort_order": "asc"}
    rows: list[Any] = []
    for page in range(1, MOST_CHANGED // PER_PAGE + 1):
        answer = session.call("GET", SEARCH, params={**params, "per_page": PER_PAGE, "page": page})
        found = answer.json.get("results") if isinstance(answer.json, dict) else None
        if not isinstance(found, list):
            raise session.unclear("GET", f"GET {SEARCH} answered {answer.status} without results")
        rows.extend(row for row in found if isinstance(row, dict))
        if len(found) < PER_PAGE:
            break
    ours = ((row, answers.ticket_ref(row, session.base_url)) for row in rows if row.get("external_id"))
    return tuple(answers.ticket_state(row, ref, ()) for row, ref in ours if ref is not None)


def changes(
    ticket: Mapping[str, Any],
    update: TicketUpdate,
    field_map: FieldMap,
    note_limit: int,
    upload: Callable[[DraftAttachment], str],
) -> dict[str, Any]:
    """
    Group, status and note of an update as one PUT, the note's marker in the audit's metadata. A closed ticket stays
    closed (422 "closed prevents ticket update"), so opening it again is Refused before it is asked.
    source: Zendesk API, "Update Ticket", read 2026-11-21.
    """
    wanted: dict[str, Any] = {}
    group = field_map.groups.get(update.group or "")
    if group and ticket.get("group_id") != int(group):
        wanted["group_id"] = int(group)
    if update.reopen and ticket.get("status") == "closed":
        raise Refused(SYSTEM, "a closed ticket cannot be opened again; open a new one that follows it")
    if update.reopen and ticket.get("status") == "solved":
        wanted["status"] = "open"
    if update.note is None:
        return wanted
    note, files = text.news(update, note_limit, text.html_of, is_marked=False)
    comment = Comment(html_body=note, public=False)
    if files:
        comment.uploads = [upload(file) for file in files]
    return {**wanted, "comment": comment, "metadata": {answers.MARKER: update.note_key}}


def as_follow_up(session: ZendeskSession, body: bytes, earlier: TicketRef) -> bytes:
    """
    The create request, made a follow-up of a closed ticket. Zendesk ignores it for any other ticket, and then, as for
    one that is gone, the link stands in the note alone.
    source: OpenAPI 2.0.0, `via_followup_source_id`, read 2026-11-21.
    """
    try:
        found = session.call("GET", f"/api/v2/tickets/{int(earlier.ticket_id)}.json").json
    except Refused as error:
        if stops_the_account(error):  # then no ticket could be created either
            raise
        return body
    ticket = found.get("ticket") if isinstance(found, dict) else None
    if not isinstance(ticket, dict) or ticket.get("status") != "closed":
        return body
    sent = json.loads(body)
    sent["ticket"]["via_followup_source_id"] = int(earlier.ticket_id)
    return json.dumps(sent, separators=(",", ":")).encode("ascii")
