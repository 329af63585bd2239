"""
The calls beside tickets: uploads, users, groups, custom fields, webhooks.
source: Zendesk API reference, "Ticket attachments", "Users", "Groups", "Ticket fields", recorded answers, read
2026-11-21.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from werkzeug.routing import Rule
from werkzeug.wrappers import Response

from connectors.sandbox.answers import Request, json_answer, rule
from connectors.sandbox.desk import Setup
from connectors.sandbox.zendesk import finding, refusals, shapes
from connectors.sandbox.zendesk.access import Access
from connectors.sandbox.zendesk.account import FIRST_GROUP, Account, Upload, Writer
from connectors.sandbox.zendesk.bodies import envelope
from connectors.sandbox.zendesk.subscriptions import Subscriptions
from connectors.sandbox.zendesk.triggers import Triggers


class AccountCalls:
    """Everything a gateway asks an account for that is no ticket."""

    def __init__(
        self, setup: Setup, account: Account, subscriptions: Subscriptions, triggers: Triggers, access: Access
    ) -> None:
        self._clock = setup.clock
        self._account = account
        self._subscriptions = subscriptions
        self._triggers = triggers
        self._access = access

    def rules(self) -> list[Rule]:
        """Which call is done by which method; paths without `.json`."""
        webhook = "/api/v2/webhooks/<webhook_id>"
        return [
            rule("POST", "/api/v2/uploads", self._upload),
            rule("GET", "/api/v2/users/me", self._me),
            rule("GET", "/api/v2/users/search", self._search_users),
            rule("GET", "/api/v2/users/<int:user_id>", self._show_user),
            rule("POST", "/api/v2/users/create_or_update", self._upsert_user),
            rule("GET", "/api/v2/groups", self._list_groups),
            rule("GET", "/api/v2/ticket_fields", self._list_fields),
            rule("POST", "/api/v2/ticket_fields", self._create_field),
            rule("POST", "/api/v2/webhooks", self._create_webhook),
            rule("GET", "/api/v2/webhooks", self._list_webhooks),
            rule("GET", webhook, self._show_webhook),
            rule("PATCH", webhook, self._change_webhook),
            rule("PUT", webhook, self._change_webhook),
            rule("DELETE", webhook, self._delete_webhook),
            rule("GET", webhook + "/invocations", self._list_invocations),
            rule("GET", webhook + "/signing_secret", self._show_secret),
            rule("POST", webhook + "/signing_secret", self._renew_secret),
            rule("GET", "/api/v2/triggers", self._triggers.list_all),
            rule("POST", "/api/v2/triggers", self._triggers.create),
            rule("PUT", "/api/v2/triggers/<int:trigger_id>", self._triggers.update),
            rule("DELETE", "/api/v2/triggers/<int:trigger_id>", self._triggers.delete),
            rule("GET", "/api/v2/oauth/tokens/current", self._access.show_current),
        ]

    def _upload(self, request: Request, by: Writer) -> Response:
        """Raw bytes in, JSON out, under a text/plain header (recorded)."""
        content = request.get_data()
        name = request.args.get("filename")
        if not name or not content:
            body = {"error": "AttachmentUnprocessable", "description": "Attachment file could not be processed."}
            return json_answer(body, 422)
        file_id = self._account.next_id()
        content_type = request.headers.get("Content-Type", "application/octet-stream")
        shape = shapes.attachment(file_id, name, content_type, len(content), by.base)
        token = secrets.token_urlsafe(16)
        self._account.uploads[token] = Upload(file_id, name, content_type, content, shape)
        expires_at = shapes.stamp(self._clock.now() + timedelta(days=3))
        upload = {"token": token, "expires_at": expires_at, "attachments": [shape], "attachment": shape}
        return json_answer({"upload": upload}, 201, {"Location": shape["url"]}, "text/plain; charset=utf-8")

    def _me(self, request: Request, by: Writer) -> Response:
        return json_answer({"user": shapes.user(self._account.users[by.user_id], by.base)})

    def _show_user(self, request: Request, by: Writer, user_id: int) -> Response:
        if user_id not in self._account.users:
            return refusals.not_found()
        return json_answer({"user": shapes.user(self._account.users[user_id], by.base)})

    def _search_users(self, request: Request, by: Writer) -> Response:
        """By `email:…` only; what else the real search takes is left out."""
        key, _, value = request.args.get("query", "").partition(":")
        users = self._account.users_by_email(value.strip().strip('"')) if key == "email" else []
        page = finding.page_of([shapes.user(user, by.base) for user in users], request)
        return json_answer({"users": page.rows, **page.rest})

    def _upsert_user(self, request: Request, by: Writer) -> Response:
        user, was_made = self._account.upsert_user(envelope(request, "user"), where="user")
        shape = shapes.user(user, by.base)
        return json_answer({"user": shape}, 201 if was_made else 200, {"Location": shape["url"]})

    def _list_groups(self, request: Request, by: Writer) -> Response:
        at = shapes.stamp(self._clock.now())
        rows = [
            {**shapes.group(group_id, name, at, by.base), "default": group_id == FIRST_GROUP}
            for group_id, name in self._account.groups.items()
        ]
        page = finding.page_of(rows, request)
        return json_answer({"groups": page.rows, **page.rest})

    def _list_fields(self, request: Request, by: Writer) -> Response:
        at = shapes.stamp(self._clock.now())
        rows = [
            self._account.field_shapes.get(field_id) or shapes.ticket_field(field_id, title, "text", at, by.base)
            for field_id, title in self._account.field_titles.items()
        ]
        page = finding.page_of(rows, request)
        return json_answer({"ticket_fields": page.rows, **page.rest})

    def _create_field(self, request: Request, by: Writer) -> Response:
        wanted = envelope(request, "ticket_field")
        if not wanted.get("title") or not wanted.get("type"):
            raise refusals.invalid_field("title", "Title: cannot be blank", "BlankValue")
        field_id = self._account.next_id()
        at = shapes.stamp(self._clock.now())
        options = wanted.get("custom_field_options")
        shape = shapes.ticket_field(field_id, str(wanted["title"]), str(wanted["type"]), at, by.base, options)
        self._account.add_field(shape)
        return json_answer({"ticket_field": shape}, 201, {"Location": shape["url"]})

    def _create_webhook(self, request: Request, by: Writer) -> Response:
        return self._subscriptions.create(envelope(request, "webhook"), by.user_id, self._clock.now())

    def _list_webhooks(self, request: Request, by: Writer) -> Response:
        return self._subscriptions.listed()

    def _show_webhook(self, request: Request, by: Writer, webhook_id: str) -> Response:
        return self._subscriptions.show(webhook_id)

    def _change_webhook(self, request: Request, by: Writer, webhook_id: str) -> Response:
        return self._subscriptions.change(webhook_id, envelope(request, "webhook"))

    def _list_invocations(self, request: Request, by: Writer, webhook_id: str) -> Response:
        return self._subscriptions.invocations(webhook_id, request)

    def _delete_webhook(self, request: Request, by: Writer, webhook_id: str) -> Response:
        return self._subscriptions.delete(webhook_id)

    def _show_secret(self, request: Request, by: Writer, webhook_id: str) -> Response:
        return self._subscriptions.secret(webhook_id)

    def _renew_secret(self, request: Request, by: Writer, webhook_id: str) -> Response:
        self._subscriptions.renew_secret(webhook_id)
        return self._subscriptions.secret(webhook_id)
