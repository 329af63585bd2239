"""
The note as blocks, in the order an agent reads: what it is, why, what to do first, by when; what is known and must not
be asked again, what is missing, what was tried; then the whole conversation. `note.py` and `html.py` only spell it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from packets.complete import assess
from packets.conversation import Fact, Provenance
from packets.decision import Evidence, Mode
from packets.event import Role, Turn, Visibility
from packets.handoff import Attempt, FiredRule, Packet
from packets.render.sanitise import cut_in_note, harmless, one_line
from packets.words import label, lasting, listed, plain, sentence, times

_SHORT_TEXT = 300  # characters of one value or quotation in the short note
_SHORT_ITEMS = 15  # entries of one list in the short note
_PROVENANCE = {
    Provenance.CUSTOMER_SAID: "customer said",
    Provenance.BOT_INFERRED: "bot inferred, not confirmed",
    Provenance.VENDOR_VERIFIED: "verified by the vendor",
}
_REMOVED = {
    "card": "card number",
    "iban": "IBAN",
    "ssn": "social security number",
    "secret": "secret",
    "email": "e-mail address",
    "phone": "phone number",
}


@dataclass(frozen=True, slots=True)
class Headline:
    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True)
class Lines:
    """Text of one or more lines; with `strong`, that comes before it and stands out."""

    text: str
    strong: str = ""


@dataclass(frozen=True, slots=True)
class Bullets:
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """One turn of the transcript."""

    who: str
    text: str


@dataclass(frozen=True, slots=True)
class Divider:
    pass


Block = Headline | Heading | Lines | Bullets | Said | Divider


def outline(packet: Packet, *, short: bool = False) -> tuple[Block, ...]:
    """All blocks of the note; `short` leaves the transcript to the attachment and cuts what is long, visibly."""
    show = _Shown(short)
    blocks: list[Block] = [*_announced(packet), Headline(one_line(packet.subject))]
    blocks += _why(packet, show)
    blocks += _do_first(packet, show)
    blocks += _known(packet, show)
    blocks += _tried(packet.tried, show)
    blocks += _conversation(packet, show)
    blocks += _foot(packet)
    return tuple(blocks)


def filename(packet: Packet) -> str:
    """Of the attachment: safe on every system."""
    safe = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_") else "_" for sign in packet.packet_id)
    return f"handoff-{safe[:80]}.txt"


@dataclass(frozen=True, slots=True)
class _Shown:
    """How much is shown of a text or a list."""

    short: bool

    def text(self, text: str) -> str:
        clean = harmless(text).strip()
        return cut_in_note(clean, _SHORT_TEXT) if self.short else clean

    def items(self, items: Iterable[str]) -> Bullets:
        every = tuple(items)
        if not self.short or len(every) <= _SHORT_ITEMS:
            return Bullets(every)
        return Bullets((*every[:_SHORT_ITEMS], f"… and {len(every) - _SHORT_ITEMS} more in the attachment"))


def _announced(packet: Packet) -> Iterator[Block]:
    """Who takes a warm handoff speaks to the customer at once: this is what they see first."""
    if packet.mode is Mode.WARM and packet.announcement:
        yield Lines(one_line(packet.announcement))


def _why(packet: Packet, show: _Shown) -> Iterator[Block]:
    yield Heading("Why")
    rules = [line for rule in packet.reason.rules for line in _rule(rule, show)]
    yield show.items(rules or [one_line(packet.reason.headline)])
    told = packet.extra.get("vendor_reason")
    if told:
        yield Lines(show.text(str(told)), strong="The bot's reason:")
    note = packet.extra.get("agent_note")
    if note:
        yield Lines(show.text(str(note)), strong="The bot's note to you:")
    yield Lines(one_line(packet.reason.policy_revision), strong="Policy revision:")


def _rule(rule: FiredRule, show: _Shown) -> Iterator[str]:
    locked = " (locked rule)" if rule.locked else ""
    because = "; ".join(_evidence(evidence, show) for evidence in rule.evidence)
    why = f": {one_line(rule.why)}" if rule.why else ""
    yield f"{one_line(rule.rule)}{locked}{why}" + (f" Seen: {because}" if because else "")


def _evidence(evidence: Evidence, show: _Shown) -> str:
    words = one_line(show.text(evidence.said))
    if evidence.text and evidence.text not in evidence.said:
        words += f" “{one_line(show.text(evidence.text))}”"
    return f"{words} (turn {evidence.turn})" if evidence.turn else words


def _do_first(packet: Packet, show: _Shown) -> Iterator[Block]:
    first = packet.recommended
    yield Heading("Do first")
    yield Lines(show.text(first.action))
    if first.identity_check:
        yield Lines("before anything is said about the account.", strong="Check the customer's identity")
    if first.playbook:
        yield Lines(one_line(first.playbook), strong="Playbook:")
    if wanted := packet.extra.get("seniority"):
        yield Lines(one_line(str(wanted)), strong="For somebody:")
    tier = f"{lasting(packet.respond_by - packet.created_at)} from the handoff, tier {one_line(packet.tier)}"
    yield Lines(f"{_clock(packet.respond_by)} ({tier}, {packet.mode.value} handoff)", strong="Respond by:")


def _known(packet: Packet, show: _Shown) -> Iterator[Block]:
    vouched = [fact for fact in packet.facts if fact.name in packet.confirmed]
    guessed = [fact for fact in packet.facts if fact.name not in packet.confirmed]
    yield Heading("Known – do not ask again")
    yield show.items([_fact(fact, show) for fact in vouched] or ["nothing the customer or the vendor vouched for"])
    if guessed:
        yield Heading("Likely – confirm in passing")
        yield show.items(_fact(fact, show) for fact in guessed)
    yield Heading("Missing – ask for")
    yield show.items([sentence(label(one_line(name))) for name in packet.missing] or ["nothing the team asked for"])


def _fact(fact: Fact, show: _Shown) -> str:
    where = f", turn {fact.turn}" if fact.turn else ""
    name, value = sentence(plain(one_line(fact.name))), one_line(show.text(fact.value))
    return f"{name}: {value} ({_PROVENANCE[fact.provenance]}{where})"


def _tried(tried: Iterable[Attempt], show: _Shown) -> Iterator[Block]:
    yield Heading("Already tried by the bot")
    yield show.items([_attempt(attempt, show) for attempt in tried] or ["nothing it told us of"])


def _attempt(attempt: Attempt, show: _Shown) -> str:
    ended = f"{'worked' if attempt.ok else 'failed'} {times(attempt.times)}"
    detail = f": {one_line(show.text(attempt.detail))}" if attempt.detail else ""
    return f"{sentence(one_line(attempt.what))} – {ended}{detail}"


def _conversation(packet: Packet, show: _Shown) -> Iterator[Block]:
    if packet.transcript.summary:
        yield Heading("Summary")
        yield Lines("\n".join(show.text(line) for line in packet.transcript.summary.splitlines() if line.strip()))
    yield Divider()
    turns = packet.transcript.turns
    yield Heading(f"Transcript ({_extent(packet)})")
    if show.short and turns:
        yield Lines(f"It is too long for this note: the whole of it is attached as {filename(packet)}.")
    elif turns:
        yield from (said(turn) for turn in turns)
    else:
        where = "; it is at the vendor, see below" if packet.url else ""
        yield Lines(f"The vendor sent none{where}.")


def _extent(packet: Packet) -> str:
    count = len(packet.transcript.turns)
    return f"{count} turn{'' if count == 1 else 's'}, {packet.transcript.completeness}"


def said(turn: Turn) -> Said:
    who = {Role.CUSTOMER: "Customer", Role.BOT: "Bot", Role.AGENT: "Agent", Role.SYSTEM: "System", Role.TOOL: "Tool"}
    name = f" {one_line(turn.author.name)}" if turn.author and turn.author.name and turn.role is Role.AGENT else ""
    inside = " (internal)" if turn.visibility is Visibility.INTERNAL else ""
    broken = " (interrupted)" if turn.interrupted else ""
    files = [f"[attached: {_file(item.name, item.url)}]" for item in turn.attachments]
    text = "\n".join(part for part in (harmless(turn.text).strip(), *files) if part) or "(no words)"
    when = turn.occurred_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S ") if turn.occurred_at else ""
    return Said(f"{turn.position}. {when}{who[turn.role]}{name}{inside}{broken}:", text)


def _file(name: str | None, url: str | None) -> str:
    return one_line(" ".join(filter(None, (name, url)))) or "a file"


def _foot(packet: Packet) -> Iterator[Block]:
    yield Divider()
    lacks = assess(packet).lacks
    missing = f". It lacks: {'; '.join(lacks)}" if lacks else ""
    yield Lines(f"{packet.completeness:.0%}{missing}", strong="Completeness:")
    removed = [
        f"{count} × {_REMOVED.get(kind, one_line(kind))}" for kind, count in sorted(packet.redacted.items()) if count
    ]
    yield Lines(listed(removed) or "nothing", strong="Removed for privacy:")
    origin = filter(None, (packet.channel, packet.language, packet.bot and f"bot {packet.bot}", packet.source))
    yield Lines(one_line(", ".join(origin)), strong="Came by:")
    if packet.url:
        yield Lines(one_line(packet.url), strong="Conversation at the vendor:")
    yield Lines(
        f"{one_line(packet.packet_id)}, handoff {one_line(packet.handoff_id)}, "
        f"conversation {one_line(packet.conversation_id)}, {_clock(packet.created_at)}",
        strong="Reference:",
    )


def _clock(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
