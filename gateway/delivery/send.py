"""
Carrying one delivery forward, step by step. No transaction is open while a helpdesk is asked; every record of an
outcome is written under the claim's fence, so a worker that was overtaken writes nothing.
"""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from connectors.errors import ConnectorError, Refused, stops_the_account
from connectors.ports import Helpdesk
from gateway.clock import took_ms
from gateway.db.work import Claim, Work
from gateway.delivery.attempt import Step, after_failure, next_step, reopening, sent_more_than_once
from gateway.delivery.doubles import raise_doubles
from gateway.delivery.store import Delivery, DeliveryState
from gateway.handoffs.news import tell_what_came_meanwhile
from gateway.sla.facts import created
from packets.draft import TicketRef, TicketStatus

if TYPE_CHECKING:
    from gateway.traffic.visit import Visit
    from gateway.wiring import Env, Transaction

log = logging.getLogger(__name__)
MOST_STEPS = 8  # prepare, open, complete is three; the rest is room for one round of looking


def carry(env: Env, visit: Visit) -> None:
    """Take the claimed delivery as far as it goes now: to its ticket, to a later try, or to the dead letters."""
    for _ in range(MOST_STEPS):
        with env.reading() as tx:
            delivery = tx.deliveries.get(visit.claim.subject_id)
            welcome = visit.may_go_on(tx, env.now())
        if delivery is None:
            raise LookupError(f"work {visit.claim.work_id} names delivery {visit.claim.subject_id}, which is not there")
        if not welcome:
            break  # another worker has met a 429 or a breakdown meanwhile
        if not _Carrier(env, visit, delivery).one_step():
            return
    _later(env, visit.claim)


def _later(env: Env, claim: Claim) -> None:
    with env.transaction() as tx:
        tx.work.again(claim, env.now())


@dataclass
class _Carrier:
    """One delivery in one worker's hands."""

    env: Env
    visit: Visit
    delivery: Delivery

    @property
    def claim(self) -> Claim:
        return self.visit.claim

    def one_step(self) -> bool:
        """True: go on with the next step now."""
        env, delivery, now = self.env, self.delivery, self.env.now()
        if delivery.helpdesk not in env.settings.helpdesks:
            return self._nowhere_to_go()
        helpdesk = env.helpdesk(delivery.helpdesk)
        todo = next_step(delivery, helpdesk.capabilities, now)
        if todo.step is Step.NOTHING:
            with env.transaction() as tx:
                tx.work.finish(self.claim, now)
            return False
        if todo.step is Step.WAIT:
            with env.transaction() as tx:
                tx.work.again(self.claim, todo.at or now, delivery.last_error)
            return False
        timeout = env.settings.helpdesks[delivery.helpdesk].account.timeout
        if now + timeout + timedelta(seconds=5) > self.claim.until:
            _later(env, self.claim)  # no longer enough lease to be sure of being alone
            return False
        if todo.step is Step.OPEN:
            self._about_to_send()
        began = time.monotonic()
        try:
            found = self._ask(helpdesk, todo.step)
        except Exception as error:
            if not isinstance(error, ConnectorError):
                log.exception("delivery_step_crashed", extra={"packet": delivery.id, "step": todo.step.value})
            self.visit.failed(error)
            if todo.step is Step.REOPEN and isinstance(error, Refused) and not stops_the_account(error):
                self._not_opened_again(error, began)
                return True
            self._failed(error, todo.step, began)
            return False
        self.visit.answered()
        self._succeeded(todo.step, found, began)
        return True

    def _nowhere_to_go(self) -> bool:
        """Its helpdesk was taken out of baton.yml: a dead letter, to be retried once the helpdesk is back."""
        now, delivery = self.env.now(), self.delivery
        error = f"there is no helpdesk {delivery.helpdesk!r} in baton.yml any more"
        with self.env.transaction() as tx:
            tx.work.hold(self.claim)
            if delivery.state not in (DeliveryState.DONE, DeliveryState.DEAD):
                tx.deliveries.change(delivery.id, now, state=DeliveryState.DEAD.value, last_error=error)
            tx.work.finish(self.claim, now)
        log.error("delivery_dead", extra={"packet": delivery.id, "helpdesk": delivery.helpdesk, "detail": error})
        return False

    def _about_to_send(self) -> None:
        """Write down that the outcome is unknown, before the request leaves."""
        now = self.env.now()
        with self.env.transaction() as tx:
            self._renew(tx)
            tx.deliveries.change(
                self.delivery.id, now, unsure=True, tries=self.delivery.tries + 1, last_sent_at=now,
                first_sent_at=(self.delivery.first_sent_at if self.delivery.unsure else None) or now,
            )  # fmt: skip

    def _renew(self, tx: Transaction) -> None:
        """Each step has a whole lease to itself. Raises LostClaim if somebody has taken over."""
        self.visit.claim = tx.work.renew(self.claim, self.env.now() + self.env.helpdesk_lease)

    def _ask(self, helpdesk: Helpdesk, step: Step) -> Any:
        """The network call of one step. No transaction is open here."""
        delivery = self.delivery
        if step is Step.PREPARE:
            return helpdesk.prepare(delivery.draft, key=delivery.key)
        if step is Step.OPEN:
            assert delivery.body is not None  # noqa: S101 - next_step prepares first
            return helpdesk.open_ticket(delivery.body, key=delivery.idempotency_key)
        if step is Step.FIND:
            return helpdesk.find_tickets(delivery.draft, key=delivery.key, since=delivery.created_at)
        if step is Step.REOPEN and delivery.ticket is not None:
            return helpdesk.update_ticket(delivery.ticket, reopening(delivery))
        assert delivery.ticket is not None  # noqa: S101 - an opened delivery has its ticket
        return helpdesk.complete_ticket(delivery.ticket, delivery.draft, key=delivery.key)

    def _succeeded(self, step: Step, found: Any, began: float) -> None:
        now, delivery = self.env.now(), self.delivery
        with self.env.transaction() as tx:
            self._renew(tx)
            tx.deliveries.add_attempt(delivery.id, now, step.value, "done", None, took_ms(began))
            if step is Step.PREPARE:
                tx.deliveries.change(delivery.id, now, body=found)
            elif step is Step.OPEN:
                tx.deliveries.opened(delivery.id, found, now)
            elif step is Step.FIND:
                self._looked(tx, found)
            elif step in (Step.COMPLETE, Step.REOPEN):
                self._done(tx)

    def _looked(self, tx: Transaction, tickets: tuple[TicketRef, ...]) -> None:
        """A look-up that can be believed: adopt what is there, or make the way free for one more request."""
        now, delivery = self.env.now(), self.delivery
        if not tickets:
            tx.deliveries.change(delivery.id, now, unsure=False, generation=delivery.generation + 1, first_sent_at=None)
            return
        raise_doubles(tx, delivery, tickets, now)
        tx.deliveries.opened(delivery.id, tickets[0], now)

    def _not_opened_again(self, error: Refused, began: float) -> None:
        """The earlier ticket cannot be opened any more (closed for good): the packet gets one of its own, linked."""
        now, delivery = self.env.now(), self.delivery
        with self.env.transaction() as tx:
            self._renew(tx)
            tx.deliveries.add_attempt(
                delivery.id, now, Step.REOPEN.value, type(error).__name__, str(error), took_ms(began)
            )
            tx.deliveries.on_its_own(delivery.id, now)

    def _done(self, tx: Transaction) -> None:
        now, delivery = self.env.now(), self.delivery
        tx.deliveries.change(delivery.id, now, state=DeliveryState.DONE.value, last_error=None)
        sent_at = delivery.last_sent_at or now  # before anybody could do anything on the ticket
        status = TicketStatus.OPEN if delivery.reopens else TicketStatus.NEW
        tx.facts.add(delivery.handoff_id, created(delivery.id, sent_at, status, now))
        if delivery.ticket and tx.status.has_unmatched(delivery.helpdesk, delivery.ticket.ticket_id):
            tx.later(
                Work("read_ticket", delivery.handoff_id, now, lane=delivery.helpdesk)
            )  # people were quicker than our own answer
        tx.later(Work("assign_sla", delivery.handoff_id, now, lane=delivery.helpdesk))
        if sent_more_than_once(delivery):
            due_at = now + self.env.helpdesk(delivery.helpdesk).capabilities.lookup_after
            tx.later(Work("look_again", delivery.id, due_at, lane=delivery.helpdesk))
        handoff = tx.handoffs.get(delivery.handoff_id)
        if handoff is not None:
            tell_what_came_meanwhile(tx, handoff, now)
        log.info("ticket_opened", extra={"packet": delivery.id, "helpdesk": delivery.helpdesk, "tries": delivery.tries})

    def _failed(self, error: Exception, step: Step, began: float) -> None:
        now, delivery = self.env.now(), self.delivery
        helpdesk = self.env.helpdesk(delivery.helpdesk)
        setback = after_failure(
            error, step, delivery, helpdesk.capabilities, now, random.random(),  # noqa: S311
            tries=self.claim.tries, probing=self.visit.probing,
        )  # fmt: skip
        values: dict[str, Any] = {"last_error": setback.error, "unsure": setback.unsure}
        if setback.look_next:
            values["first_sent_at"] = None
        if setback.dead:
            values["state"] = DeliveryState.DEAD.value
        if step is not Step.OPEN:
            values["tries"] = delivery.tries + 1
        with self.env.transaction() as tx:
            tx.work.hold(self.claim)
            tx.deliveries.add_attempt(delivery.id, now, step.value, type(error).__name__, setback.error, took_ms(began))
            tx.deliveries.change(delivery.id, now, **values)
            if setback.dead:
                tx.work.finish(self.claim, now)
                if delivery.reached:
                    tx.later(Work("assign_sla", delivery.handoff_id, now, lane=delivery.helpdesk))
            else:
                tx.work.again(self.claim, setback.due_at, setback.error)
        log.log(
            logging.ERROR if setback.dead else logging.WARNING,
            "delivery_dead" if setback.dead else "delivery_put_off",
            extra={"packet": delivery.id, "helpdesk": delivery.helpdesk, "step": step.value,
                   "tries": delivery.tries + 1, "error": type(error).__name__, "due_at": setback.due_at.isoformat()},
        )  # fmt: skip
