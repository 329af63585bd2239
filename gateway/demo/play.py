"""
Plays the conversations of this folder into a running installation and waits for what is promised: each escalation one
complete ticket with priority, note and respond-by in its helpdesk, the quiet conversation none, a human reply stops
the clock.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import requests

from connectors.recorded import read_recorded
from gateway.cli.http_file import read_http, said_now, signed
from gateway.settings import Settings

CONVERSATIONS = Path(__file__).parent / "conversations"
PATIENCE = 30.0  # seconds until a ticket must be there


class NotAsPromised(Exception):
    """The demo saw something other than what Baton promises. str() says what."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What one conversation must lead to. rule None: nothing."""

    file: str
    rule: str | None = None
    tier: str | None = None


STORY = (
    Expected("order_not_found.http", "same-task-failed", "standard"),
    Expected("fraud_report.http", "payment-fraud", "immediate"),
    Expected("legal_threat.http", "legal-matter", "short"),
    Expected("quiet.http"),
)


@dataclass(frozen=True, slots=True)
class Played:
    """One conversation as it went: the answers the bot got, and the ticket if people got it."""

    expected: Expected
    source: str
    answers: tuple[Mapping[str, Any], ...]
    handoff_id: str | None
    ticket: Mapping[str, Any] | None = None
    helpdesk: str | None = None


def play(settings: Settings, gateway: str, sandboxes: Mapping[str, str], token: str) -> Iterator[Played]:
    """Play the whole story. Raises NotAsPromised at the first thing that is not as it must be."""
    for expected in STORY:
        played = _talk(settings, gateway, expected)
        if played.handoff_id is None:
            yield played
            continue
        helpdesk = settings.sources[played.source].helpdesk
        finished = partial(_finished, gateway, token, played.handoff_id)
        handoff = _wait_for(f"the ticket of {played.handoff_id} with its SLA", finished)
        tickets = [t for t in _tickets(sandboxes[helpdesk]) if t["key"] == handoff["packet"]["packet_id"]]
        if len(tickets) != 1:
            raise NotAsPromised(f"{expected.file}: {len(tickets)} tickets in {helpdesk}, promised is exactly one")
        _check_ticket(expected, handoff, tickets[0])
        yield Played(expected, played.source, played.answers, played.handoff_id, tickets[0], helpdesk)


def answer_as_agent(gateway: str, sandbox: str, token: str, played: Played) -> Mapping[str, Any]:
    """Reply on the ticket as a human agent; returns the response clock once the helpdesk's webhook has stopped it."""
    assert played.ticket is not None  # noqa: S101 - only called for conversations with a ticket
    requests.post(
        f"{sandbox}/_sandbox/tickets/{played.ticket['id']}/reply",
        json={"text": "Thank you for waiting, I have everything in front of me.", "agent": "Dana Agent"},
        timeout=10,
    ).raise_for_status()

    def stopped() -> Mapping[str, Any] | None:
        clocks = _handoff(gateway, token, str(played.handoff_id))["clocks"]
        return next((c for c in clocks if c["metric"] == "first_human_response" and c["outcome"]), None)

    return _wait_for("the agent's reply to stop the response clock", stopped)


def _talk(settings: Settings, gateway: str, expected: Expected) -> Played:
    run = secrets.token_hex(3)
    requests_in_file = read_http(read_recorded((CONVERSATIONS / expected.file).read_bytes()))
    answers: list[Mapping[str, Any]] = []
    source = requests_in_file[0][0]
    for _, body in said_now(requests_in_file, run):
        raw = json.dumps(body, ensure_ascii=False).encode()
        headers = signed(settings.sources[source].account.secrets[0], f"msg_{secrets.token_hex(12)}", raw)
        for delivery in range(2):  # vendors deliver twice now and then; it must change nothing
            answer = requests.post(f"{gateway}/v1/in/{source}", data=raw, headers=headers, timeout=15)
            if answer.status_code != 200:
                raise NotAsPromised(f"{expected.file}: the gateway answered {answer.status_code}: {answer.text}")
            if delivery and not answer.json()["duplicate"]:
                raise NotAsPromised(f"{expected.file}: the second delivery was not recognised")
        answers.append(answer.json())
    decided = next((a["decision"] for a in answers if a["decision"]["action"] == "escalate"), None)
    got = decided["rules"] if decided else []
    if (expected.rule is None) != (decided is None) or (expected.rule and expected.rule not in got):
        raise NotAsPromised(f"{expected.file}: rules {got}, promised {expected.rule or 'nothing'}")
    return Played(expected, source, tuple(answers), decided["handoff_id"] if decided else None)


def _check_ticket(expected: Expected, handoff: Mapping[str, Any], ticket: Mapping[str, Any]) -> None:
    packet, notes = handoff["packet"], "\n".join(ticket["private_notes"])
    missing = [
        what
        for what, there in {
            "the rule that fired": str(expected.rule) in notes,
            "every turn of the transcript": all(t["text"][:40] in notes for t in packet["transcript"]["turns"]),
            "what to do first": packet["recommended"]["action"][:40] in notes,
            "the respond-by time": bool(ticket["fields"].get("respond_by")),
            "the tier": ticket["fields"].get("tier") == expected.tier == handoff["tier"],
            "a private note, kept from the customer": not any(str(expected.rule) in t for t in ticket["public_texts"]),
        }.items()
        if not there
    ]
    if missing:
        raise NotAsPromised(f"{expected.file}: the ticket lacks {', '.join(missing)}")


def _finished(gateway: str, token: str, handoff_id: str) -> Mapping[str, Any] | None:
    found = _handoff(gateway, token, handoff_id)
    done = found["delivery"]["state"] == "done" and found["sla_assigned_at"] and found["clocks"]
    return found if done else None


def _handoff(gateway: str, token: str, handoff_id: str) -> dict[str, Any]:
    answer = requests.get(
        f"{gateway}/v1/handoffs/{handoff_id}", headers={"Authorization": f"Bearer {token}"}, timeout=10
    )
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def _tickets(sandbox: str) -> list[dict[str, Any]]:
    answer = requests.get(f"{sandbox}/_sandbox/tickets", timeout=10)
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()
    return found


def _wait_for(what: str, look: Callable[[], Mapping[str, Any] | None]) -> Mapping[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.1)
    raise NotAsPromised(f"not there after {PATIENCE:g} s: {what}")
