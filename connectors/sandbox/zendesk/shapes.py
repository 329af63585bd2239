"""
The JSON objects of Zendesk, with every key of the recorded answers in their order. Ids are integers, except inside
audit events and webhooks, where they are strings.
source: recorded answers of 2023-2024, and the OpenAPI file 2.0.0, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from connectors.sandbox.html import paragraphs

ORGANIZATION_ID: Final = 26_155_621_659_539
BRAND_ID: Final = 26_155_621_587_603
FORM_ID: Final = 26_155_621_471_251
ACCOUNT_ID: Final = 22_129_848
CUSTOM_STATUS_IDS: Final = {
    status: 26_155_621_627_501 + index
    for index, status in enumerate(("new", "open", "pending", "hold", "solved", "closed"))
}


def stamp(at: datetime) -> str:
    """A time as Zendesk writes it: whole seconds, UTC."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def via() -> dict[str, Any]:
    """Where something came from: always the API, with us."""
    return {"channel": "api", "source": {"from": {}, "to": {}, "rel": None}}


def new_ticket(ticket_id: int, requester_id: int, submitter_id: int, at: datetime) -> dict[str, Any]:
    """All keys of a ticket, as they stand when nothing was asked for. `custom_fields` is filled in by `ticket`."""
    return {
        "url": "",
        "id": ticket_id,
        "external_id": None,
        "via": via(),
        "created_at": stamp(at),
        "updated_at": stamp(at),
        "generated_timestamp": 0,
        "type": None,
        "subject": None,
        "raw_subject": None,
        "description": None,
        "priority": None,
        "status": "new",
        "recipient": None,
        "requester_id": requester_id,
        "submitter_id": submitter_id,
        "assignee_id": None,
        "organization_id": None,
        "group_id": None,
        "collaborator_ids": [],
        "follower_ids": [],
        "email_cc_ids": [],
        "forum_topic_id": None,
        "problem_id": None,
        "has_incidents": False,
        "is_public": True,
        "due_at": None,
        "tags": [],
        "custom_fields": [],
        "satisfaction_rating": None,
        "sharing_agreement_ids": [],
        "custom_status_id": CUSTOM_STATUS_IDS["new"],
        "fields": [],
        "followup_ids": [],
        "ticket_form_id": FORM_ID,
        "brand_id": BRAND_ID,
        "allow_channelback": False,
        "allow_attachments": True,
        "from_messaging_channel": False,
    }


def ticket(
    values: Mapping[str, Any], fields: Mapping[int, Any], known: Iterable[int], base: str, generated: int = 0
) -> dict[str, Any]:
    """One ticket as answered: every custom field of the account is listed, unset ones with null, and twice."""
    listed = [{"id": field_id, "value": fields.get(field_id)} for field_id in known]
    url = f"{base}/api/v2/tickets/{values['id']}.json"
    return {**values, "url": url, "generated_timestamp": generated, "custom_fields": listed, "fields": listed}


def comment_html(text: str) -> str:
    """What Zendesk makes of a plain comment."""
    return wrapped(paragraphs(text, ' dir="auto"'))


def wrapped(html: str) -> str:
    """Every html_body in an answer stands in this."""
    return f'<div class="zd-comment" dir="auto">{html}</div>'


def attachment(file_id: int, name: str, content_type: str, size: int, base: str) -> dict[str, Any]:
    """One attachment object."""
    content_url = f"{base}/attachments/token/{file_id}/?name={name}"
    return {
        "url": f"{base}/api/v2/attachments/{file_id}.json",
        "id": file_id,
        "file_name": name,
        "content_url": content_url,
        "mapped_content_url": content_url,
        "content_type": content_type,
        "size": size,
        "width": None,
        "height": None,
        "inline": False,
        "deleted": False,
        "malware_access_override": False,
        "malware_scan_result": "not_scanned",
        "thumbnails": [],
    }


def system_metadata(custom: Mapping[str, Any], client: str) -> dict[str, Any]:
    """What stands under `metadata` of an audit; what the request sent comes back as `custom`."""
    system = {"client": client, "ip_address": "127.0.0.1", "location": "Loopback", "latitude": 0.0, "longitude": 0.0}
    return {"system": system, "custom": dict(custom)}


def user(values: Mapping[str, Any], base: str) -> dict[str, Any]:
    """One user as answered; `values` holds what differs between users."""
    is_agent = values["role"] != "end-user"
    at = values["created_at"]
    return {
        "id": values["id"],
        "url": f"{base}/api/v2/users/{values['id']}.json",
        "name": values["name"],
        "email": values["email"],
        "created_at": at,
        "updated_at": at,
        "time_zone": "UTC",
        "iana_time_zone": "Etc/UTC",
        "phone": values.get("phone"),
        "shared_phone_number": None,
        "photo": None,
        "locale_id": values.get("locale_id") or 1,
        "locale": "en-US",
        "organization_id": ORGANIZATION_ID if is_agent else None,
        "role": values["role"],
        "verified": is_agent,
        "external_id": values.get("external_id"),
        "tags": [],
        "alias": None,
        "active": True,
        "shared": False,
        "shared_agent": False,
        "last_login_at": None,
        "two_factor_auth_enabled": None if is_agent else False,
        "signature": None,
        "details": None,
        "notes": None,
        "role_type": 4 if is_agent else None,
        "custom_role_id": None,
        "moderator": is_agent,
        "ticket_restriction": None if is_agent else "requested",
        "only_private_comments": False,
        "restricted_agent": not is_agent,
        "suspended": values.get("suspended", False),
        "default_group_id": None,
        "report_csv": is_agent,
        "user_fields": {},
    }


def group(group_id: int, name: str, at: str, base: str) -> dict[str, Any]:
    """One group of agents."""
    return {
        "url": f"{base}/api/v2/groups/{group_id}.json",
        "id": group_id,
        "is_public": True,
        "name": name,
        "description": "",
        "default": False,
        "deleted": False,
        "created_at": at,
        "updated_at": at,
    }


def ticket_field(field_id: int, title: str, kind: str, at: str, base: str, options: object = None) -> dict[str, Any]:
    """One custom field of the account; a drop-down also lists its options."""
    shape: dict[str, Any] = {
        "url": f"{base}/api/v2/ticket_fields/{field_id}.json",
        "id": field_id,
        "type": kind,
        "title": title,
        "raw_title": title,
        "description": title,
        "raw_description": title,
        "position": 9999,
        "active": True,
        "required": False,
        "collapsed_for_agents": False,
        "regexp_for_validation": None,
        "title_in_portal": title,
        "raw_title_in_portal": title,
        "visible_in_portal": False,
        "editable_in_portal": False,
        "required_in_portal": False,
        "tag": None,
        "created_at": at,
        "updated_at": at,
        "removable": True,
        "key": None,
        "agent_description": None,
    }
    if options is not None:
        shape["custom_field_options"] = options
    return shape
