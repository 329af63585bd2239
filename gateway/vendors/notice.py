"""
What to tell a vendor next about one handoff. Pure: told from where the handoff stands and what was told before, so
that notices go out in order, each once, however often and late the job runs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from connectors.ports import NoticeKind
from gateway.handoffs.store import HandoffStatus

STEP = "tell_"  # and the kind of notice: how attempts name it
SENDING, DONE = "sending", "done"


def told_so_far(attempts: Iterable[tuple[str, str]]) -> tuple[NoticeKind, ...]:
    """
    What the vendor has heard, in order, from (step, outcome) of the attempts, oldest first. A notice that must not
    be said twice is written down as `sending` before it leaves: without an outcome it counts as told.
    """
    told: list[NoticeKind] = []
    sending = False
    for step, outcome in attempts:
        if not step.startswith(STEP):
            continue
        if sending:  # this attempt is the outcome of that one
            told.pop()
        sending = outcome == SENDING
        if outcome in (SENDING, DONE):
            told.append(NoticeKind(step.removeprefix(STEP)))
    return tuple(told)


_WANTED = {
    HandoffStatus.WAITING: NoticeKind.HANDED_OFF,
    HandoffStatus.CLAIMED: NoticeKind.HUMAN_JOINED,
    HandoffStatus.ANSWERED: NoticeKind.HUMAN_JOINED,
    HandoffStatus.SOLVED: NoticeKind.CONTROL_RETURNED,
}


def what_people_did(status: str | None, *, answered: bool) -> str:
    """For the bot that gets the conversation back; ids and words of ours only. status: the ticket's, as last heard."""
    ended = f"the ticket is {status}" if status else "the ticket is done"
    return f"A person answered; {ended}." if answered else f"Nobody answered on the ticket; {ended}."


def next_notice(
    status: HandoffStatus,
    told: Sequence[NoticeKind],
    tells: Collection[NoticeKind],
    *,
    is_newest: bool,
    awaits_accept: bool = False,
) -> NoticeKind | None:
    """
    told: in the order told. tells: what this vendor can be told. is_newest: no later handoff holds the conversation.
    awaits_accept: the bot keeps the customer until somebody accepts, or the time for that is over.
    returns: None when the vendor knows all it can know.
    """
    wanted = NoticeKind.WAITING if awaits_accept else _WANTED[status]
    if wanted is NoticeKind.CONTROL_RETURNED and not is_newest:
        return None  # other people have it by now: the bot must not speak
    if wanted is NoticeKind.HUMAN_JOINED and not set(told) - {NoticeKind.WAITING} and NoticeKind.HANDED_OFF in tells:
        return NoticeKind.HANDED_OFF  # the bot must step aside before it hears who has come
    if wanted not in tells or (told and told[-1] is wanted):
        return None
    return wanted
