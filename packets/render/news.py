"""
What happened in a conversation after its packet went out, as a private note for the same ticket: only what is new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from packets.conversation import Fact, fold_all
from packets.event import Event, Turn
from packets.redact.packet import redact_turns
from packets.redact.profile import Profile
from packets.redact.redactor import Redactor
from packets.render.note import spelt
from packets.render.outline import Block, Bullets, Heading, Headline, Lines, said
from packets.render.sanitise import harmless, one_line
from packets.transcript import transcript
from packets.words import plain, sentence


@dataclass(frozen=True, slots=True)
class News:
    """
    Redacted. earlier: what was said before the newest turn that was known, and came only now. outcome: what the vendor
    says of how it went (call analysis), a line each.
    """

    turns: tuple[Turn, ...] = ()
    earlier: tuple[Turn, ...] = ()
    facts: tuple[Fact, ...] = ()
    outcome: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.turns or self.earlier or self.facts or self.outcome)


def news_of(known: Sequence[Event], fresh: Sequence[Event], profile: Profile) -> News:
    """
    What `fresh` adds to what `known`, the events before it, had told. A whole transcript sent at the end of a call adds
    only the turns that had not come one by one; an edited turn is new. The same events give the same news.
    """
    first = (*known, *fresh)[0].conversation.vendor_conversation_id if known or fresh else ""
    told = {_identity(turn) for turn in transcript(known).turns}
    whole = transcript((*known, *fresh)).turns
    turns = tuple(turn for turn in whole if _identity(turn) not in told)
    ids = {turn.message_id for turn in transcript(known).turns if turn.message_id}
    newest = max((t.position for t in whole if t.message_id in ids or _identity(t) in told), default=0)
    earlier = tuple(turn for turn in turns if turn.position < newest and turn.message_id not in ids)
    since = tuple(turn for turn in turns if turn not in earlier)
    had = {(fact.name, fact.value) for fact in fold_all("", first, known).facts}
    facts = tuple(
        fact for fact in fold_all("", first, (*known, *fresh)).facts
        if (fact.name, fact.value) not in had and fact.name != "intent"
    )  # fmt: skip
    redactor = Redactor(profile)
    return News(
        redact_turns(since, profile),
        redact_turns(earlier, profile),
        tuple(replace(fact, value=redactor.named(fact.name, fact.value)) for fact in facts),
        tuple(redactor.text(line) for event in fresh for line in _outcome(event)),
    )


def news_note(news: News, *, conversation_id: str, handoff_id: str) -> str:
    """As plain text, in an agent's reading order. What others wrote is made harmless and set in."""
    only_earlier = news.earlier and not (news.turns or news.outcome)
    went_on = "The conversation went on after it was handed over to you"
    blocks: list[Block] = [Headline("More of the conversation" if only_earlier else went_on)]
    if news.outcome:
        blocks += [Heading("How it went, says the vendor"), Bullets(tuple(one_line(line) for line in news.outcome))]
    if news.facts:
        blocks += [Heading("New or changed"), Bullets(tuple(_fact(fact) for fact in news.facts))]
    if news.earlier:
        title = f"Said before, and missing in the transcript so far ({len(news.earlier)})"
        blocks += [Heading(title), *(said(turn) for turn in news.earlier)]
    if news.turns:
        blocks += [Heading(f"Said since ({len(news.turns)})"), *(said(turn) for turn in news.turns)]
    blocks.append(Lines(f"handoff {one_line(handoff_id)}, conversation {one_line(conversation_id)}", "Reference:"))
    return spelt(blocks)


def _identity(turn: Turn) -> tuple[str, ...]:
    when = turn.occurred_at.isoformat() if turn.occurred_at else ""
    return (turn.message_id, turn.text) if turn.message_id else (turn.role.value, turn.text, when)


def _outcome(event: Event) -> list[str]:
    told = event.bot_outcome
    if told is None:
        return []
    lines = {
        "Summary": told.summary,
        "Ended": told.ended_reason,
        "Failed because": told.failure_reason,
        "Solved by the bot": None if told.resolved is None else ("yes" if told.resolved else "no"),
        "Rating of the bot": None if told.rating is None else f"{told.rating:g}",
        "Said with the rating": told.rating_comment,
    }
    return [f"{name}: {value}" for name, value in lines.items() if value]


def _fact(fact: Fact) -> str:
    return f"{sentence(plain(one_line(fact.name)))}: {one_line(harmless(fact.value))}"
