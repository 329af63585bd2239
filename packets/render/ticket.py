"""The draft of the one ticket that carries a packet. The packet must be redacted: all of this leaves the house."""

from __future__ import annotations

import re
from collections.abc import Mapping

from packets.conversation import Provenance
from packets.draft import DraftAttachment, Priority, Requester, TicketDraft
from packets.handoff import Packet
from packets.render.fields import neutral_fields
from packets.render.html import html_note
from packets.render.note import note
from packets.render.outline import filename
from packets.render.sanitise import one_line, shortened

LONGEST_SUBJECT = 150  # ServiceNow's short_description has 160 characters and cuts silently
_LONGEST_TAG = 80
_EMAIL = re.compile(r"[\w.%+'-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}")
_PHONE = re.compile(r"\+?[\d ()./-]{6,24}", re.ASCII)

# The customer may see this one, so it says nothing of the case. True as soon as the ticket exists.
_PUBLIC: Mapping[str, str] = {
    "en": "Your conversation has been passed to our team. A person will read it and get back to you.",
    "de": "Ihr Gespräch wurde an unser Team übergeben. Ein Mensch liest es und meldet sich bei Ihnen.",
    "es": "Su conversación se ha pasado a nuestro equipo. Una persona la leerá y se pondrá en contacto con usted.",
    "fr": "Votre conversation a été transmise à notre équipe. Une personne va la lire et reviendra vers vous.",
}


def ticket_draft(packet: Packet, *, priority: Priority, else_groups: tuple[str, ...] = ()) -> TicketDraft:
    """Everything a helpdesk connector needs to open the ticket, in no helpdesk's dialect."""
    return TicketDraft(
        subject=shortened(one_line(packet.subject), LONGEST_SUBJECT),
        public_text=public_text(packet.language),
        note_text=note(packet),
        note_html=html_note(packet),
        note_short_text=note(packet, short=True),
        note_short_html=html_note(packet, short=True),
        requester=requester(packet),
        priority=priority,
        group=packet.route,
        else_groups=else_groups,
        tags=tags(packet),
        fields=neutral_fields(packet),
        transcript_attachment=attachment(packet),
        language=packet.language,
    )


def attachment(packet: Packet) -> DraftAttachment:
    """The whole note with every turn, as a text file: nothing that the short note cuts is lost."""
    return DraftAttachment(filename(packet), note(packet))


def public_text(language: str | None) -> str:
    """The one line a customer may see, in their language where we have it, else in English."""
    return _PUBLIC.get((language or "en").split("-")[0].lower(), _PUBLIC["en"])


def tags(packet: Packet) -> tuple[str, ...]:
    """`baton`, then route, tier and rules; only what every helpdesk takes in a tag."""
    rules = [f"baton_rule_{rule.rule}" for rule in packet.reason.rules]
    wanted = ("baton", f"baton_{packet.route}", f"baton_tier_{packet.tier}", *rules)
    return tuple(dict.fromkeys(_tag(tag) for tag in wanted))


def requester(packet: Packet) -> Requester:
    """The customer. What does not look like an address or a number is left out; the note has it as it was said."""
    email, phone = (packet.customer_email or "").strip(), (packet.customer_phone or "").strip()
    account = next(
        (f.value for f in packet.facts if f.name == "account" and f.provenance is Provenance.VENDOR_VERIFIED), None
    )
    return Requester(
        name=_name(packet),
        email=email if _EMAIL.fullmatch(email) else None,
        phone=phone if _PHONE.fullmatch(phone) else None,
        external_id=one_line(account) if account else None,
    )


def _name(packet: Packet) -> str:
    name = shortened(one_line(packet.customer_name or ""), 80)
    return name or f"Customer of {one_line(packet.source)} ({one_line(packet.channel)})"


def _tag(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "_", text.lower())[:_LONGEST_TAG]
