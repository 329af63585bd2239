"""
The contract tests are themselves tried: a connector that breaks one rule on purpose must fail the test that guards it,
and the same test passes for the connector as it is.
"""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from connectors.errors import ConnectorError, Refused, Throttled, Unauthorized, Unavailable, Unsure
from packets.draft import TicketRef

HERE = Path(__file__).parent


def contract(name: str) -> ModuleType:
    """One of the contract's modules; tests are no package, so it is loaded by its path."""
    spec = importlib.util.spec_from_file_location(f"tried_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DOES = contract("test_contract")
SUFFERS = contract("test_contract_faults")
TRANSCRIPT = contract("test_contract_transcript")


class Broken:
    """The real connector but for what a subclass breaks."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


class SendsAgain(Broken):
    """Sends the create again when nobody knows what became of the first."""

    def open_ticket(self, body, *, key):
        try:
            return self.real.open_ticket(body, key=key)
        except (Unsure, Throttled):
            return self.real.open_ticket(body, key=f"{key}-again")


class MakesASecond(Broken):
    """Opens without looking after an unknown outcome, under a new key."""

    attempts = itertools.count()

    def open_ticket(self, body, *, key):
        return self.real.open_ticket(body, key=f"{key}-{next(self.attempts)}")

    def find_tickets(self, draft, *, key, since):
        return ()


class BelievesItself(Broken):
    """Takes an unknown outcome for done."""

    def open_ticket(self, body, *, key):
        with suppress(Unsure):
            return self.real.open_ticket(body, key=key)
        return TicketRef("1", "https://desk.example/1")


class NeverLooks(Broken):
    """Says that nothing is there."""

    def find_tickets(self, draft, *, key, since):
        return ()


class TakesAnyRow(Broken):
    """Believes that every row of the list is ours."""

    def find_tickets(self, draft, *, key, since):
        return self.real.find_tickets(draft, key="pkt_1", since=since)


class GivesUpOnEverything(Broken):
    """One error for all that can go wrong."""

    def open_ticket(self, body, *, key):
        try:
            return self.real.open_ticket(body, key=key)
        except ConnectorError as error:
            raise Refused(error.system, "it did not work") from None


class TriesEverythingAgain(Broken):
    """Takes a wrong credential for a passing trouble."""

    def open_ticket(self, body, *, key):
        try:
            return self.real.open_ticket(body, key=key)
        except Unauthorized as error:
            raise Unavailable(error.system) from None


class KnowsBetterThanRetryAfter(Broken):
    """Waits as long as it likes."""

    def open_ticket(self, body, *, key):
        try:
            return self.real.open_ticket(body, key=key)
        except Throttled as error:
            raise Throttled(error.system, retry_after=5.0) from None


class QuotesTheCustomer(Broken):
    """Puts what was sent into the error."""

    def open_ticket(self, body, *, key):
        try:
            return self.real.open_ticket(body, key=key)
        except ConnectorError as error:
            raise Unsure(error.system, body.decode("utf-8", "replace")) from None


class LogsWhatItWrites(Broken):
    """Writes drafts into the log."""

    def prepare(self, draft, *, key):
        logging.getLogger("connectors").debug("preparing %s", draft.subject)
        return self.real.prepare(draft, key=key)


class LogsItsCredential(Broken):
    """Writes its arguments into the log, as some clients do."""

    def read_ticket(self, ticket_id):
        logging.getLogger("connectors").debug("asking with %s", SUFFERS.secrets_of(self.real.name))
        return self.real.read_ticket(ticket_id)


class NeverTheSameBytes(Broken):
    """Freezes nothing: the time is in the body."""

    counter = itertools.count()

    def prepare(self, draft, *, key):
        return self.real.prepare(replace(draft, subject=f"{draft.subject} {next(self.counter)}"), key=key)


class TellsTheCustomer(Broken):
    """Puts the note where the customer reads it."""

    def prepare(self, draft, *, key):
        told = replace(draft, public_text=draft.note_text)
        return self.real.prepare(told, key=key).replace(b'"public":false', b'"public":true')


class CutsSilently(Broken):
    """Sends what fits and says nothing of the rest."""

    def _cut(self, draft):
        half = replace(draft, note_text=draft.note_text[:5000], note_html=draft.note_html[:5000])
        return replace(half, note_short_text=half.note_text, note_short_html=half.note_html, transcript_attachment=None)

    def prepare(self, draft, *, key):
        return self.real.prepare(self._cut(draft), key=key)

    def complete_ticket(self, ref, draft, *, key):
        return self.real.complete_ticket(ref, self._cut(draft), key=key)


class CompletesAnew(Broken):
    """Adds the note or the file again each time."""

    counter = itertools.count()

    def complete_ticket(self, ref, draft, *, key):
        number = next(self.counter)
        again = replace(
            draft,
            note_text=f"{number} {draft.note_text}",
            note_html=f"{number} {draft.note_html}",
            note_short_text=f"{number} {draft.note_short_text}",
            note_short_html=f"{number} {draft.note_short_html}",
            transcript_attachment=replace(draft.transcript_attachment, filename=f"transcript-{number}.txt"),
        )
        return self.real.complete_ticket(ref, again, key=f"{key}-{number}")


class WritesNeedlessly(Broken):
    """Updates though there is nothing to update."""

    def update_ticket(self, ref, update):
        tags = update.tags or (f"baton_touched_{ref.ticket_id[:4]}",)
        return self.real.update_ticket(ref, replace(update, tags=tags))


class ForgetsFields(Broken):
    """Drops the fields of an update."""

    def update_ticket(self, ref, update):
        return self.real.update_ticket(ref, replace(update, fields={}))


class CountsNotesAsReplies(Broken):
    """Takes the ticket's last change for a person's answer."""

    def read_ticket(self, ticket_id):
        state = self.real.read_ticket(ticket_id)
        return replace(state, first_human_reply_at=state.updated_at or SUFFERS.SINCE)


@dataclass(frozen=True)
class Catch:
    """broken: what is done wrong; test: which must notice; with_: its parameters; kinds: where it can be done."""

    broken: Callable[[Any], Any]
    test: Callable[..., None]
    with_: dict[str, Any] = field(default_factory=dict)
    kinds: tuple[str, ...] = ("zendesk", "freshdesk", "servicenow")

    def __str__(self) -> str:
        return getattr(self.broken, "__name__", "broken")


CATCHES = [
    Catch(SendsAgain, SUFFERS.test_a_create_is_never_sent_twice_by_itself),
    Catch(
        MakesASecond,
        SUFFERS.test_one_handoff_is_one_ticket_however_ill_the_helpdesk_was,
        {"ill": "cut_after", "times": 1},
    ),
    Catch(BelievesItself, SUFFERS.test_every_illness_of_a_create_has_its_error, {"ill": "cut_before"}),
    Catch(NeverLooks, DOES.test_a_ticket_is_opened_and_found_by_its_key),
    Catch(TakesAnyRow, DOES.test_a_key_nobody_used_is_not_found),
    Catch(GivesUpOnEverything, SUFFERS.test_every_illness_of_a_create_has_its_error, {"ill": "500_after"}),
    Catch(TriesEverythingAgain, SUFFERS.test_every_illness_of_a_create_has_its_error, {"ill": "401"}),
    Catch(
        KnowsBetterThanRetryAfter,
        SUFFERS.test_a_throttled_account_says_how_long_whatever_the_body,
        {"body": "json", "told": 12},
    ),
    Catch(QuotesTheCustomer, SUFFERS.test_neither_a_secret_nor_a_customers_word_is_told, {"ill": "500"}),
    Catch(LogsWhatItWrites, SUFFERS.test_neither_a_secret_nor_a_customers_word_is_told, {"ill": None}),
    Catch(LogsItsCredential, SUFFERS.test_neither_a_secret_nor_a_customers_word_is_told, {"ill": None}),
    Catch(NeverTheSameBytes, DOES.test_preparing_twice_gives_the_same_bytes),
    # ServiceNow's create request has no public part: a public comment is a call of its own.
    Catch(
        TellsTheCustomer, DOES.test_the_whole_note_is_private_and_nothing_of_it_public, kinds=("zendesk", "freshdesk")
    ),
    Catch(CutsSilently, TRANSCRIPT.test_four_hundred_turns_arrive_whole),
    Catch(CompletesAnew, DOES.test_completing_twice_changes_nothing, {"size": "long"}),
    Catch(WritesNeedlessly, DOES.test_an_empty_update_writes_nothing),
    Catch(ForgetsFields, DOES.test_an_update_adds_tags_sets_fields_and_leaves_the_rest),
    Catch(CountsNotesAsReplies, DOES.test_a_private_note_of_a_colleague_is_no_reply),
]
EVERY = [pytest.param(one, kind, id=f"{one}-{kind}") for one in CATCHES for kind in one.kinds]


@pytest.fixture
def kind(request):
    """From the parameter of the test that tries, instead of every kind in turn."""
    return request.getfixturevalue("which")


@pytest.fixture(scope="module")
def draft():
    return TRANSCRIPT.the_draft()


@pytest.fixture
def attempt(request, connect):
    """`attempt(test, wrap, **parameters)`: run one test of the contract with connectors that went through `wrap`."""

    def run(test, wrap, **parameters):
        named = {"connect": lambda **changes: wrap(connect(**changes)), **parameters}
        wanted = inspect.signature(test).parameters
        test(**{name: named[name] if name in named else request.getfixturevalue(name) for name in wanted})

    return run


@pytest.mark.parametrize(("catch", "which"), EVERY)
def test_a_connector_that_breaks_a_rule_is_caught(attempt, catch, which):
    with pytest.raises((AssertionError, ConnectorError, ValueError, pytest.fail.Exception)):
        attempt(catch.test, catch.broken, **catch.with_)


@pytest.mark.parametrize(("catch", "which"), EVERY)
def test_what_catches_it_passes_when_nothing_is_broken(attempt, catch, which):
    attempt(catch.test, lambda real: real, **catch.with_)


@pytest.mark.parametrize("which", ["zendesk", "freshdesk", "servicenow"])
def test_a_connector_that_leaves_hostile_text_as_it_is_is_caught(attempt, monkeypatch, which):
    text = DOES.HOSTILE[2] if which == "servicenow" else DOES.HOSTILE[1]
    monkeypatch.setattr(f"connectors.helpdesks.{which}.wire.harmless", lambda words: words)
    monkeypatch.setattr(f"connectors.helpdesks.{which}.wire.one_line", lambda words: " ".join(words.split()))

    with pytest.raises(AssertionError):
        attempt(DOES.test_hostile_text_gets_there_and_does_nothing, lambda real: real, text=text)


def test_every_class_of_error_is_among_the_broken_rules():
    """Each answer to "shall we try again?" has a connector here that gives the wrong one."""
    guarded = {
        error for catch in CATCHES for ill, error in SUFFERS.AFTER_A_WRITE.items() if catch.with_.get("ill") == ill
    }
    guarded |= {Throttled for catch in CATCHES if catch.broken is KnowsBetterThanRetryAfter}

    assert guarded >= {Throttled, Unsure, Unauthorized}
