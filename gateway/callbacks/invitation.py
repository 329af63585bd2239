"""What people and calendars read of an appointment: the note on the ticket, the `.ics` file. Pure."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.callbacks.store import Appointment, Standing
from gateway.handoffs.store import Handoff
from packets.conversation import Conversation
from packets.render.sanitise import one_line
from policies.model import PolicySet
from policies.sla.ics import Invitation, is_bare_address, render

NOBODY = "no-reply@baton.invalid"  # a calendar wants an organizer; mail to this one goes nowhere (RFC 2606)


def invitation_text(appointment: Appointment, policy: PolicySet, handoff: Handoff, state: Conversation) -> str:
    """The `.ics` file of this version: a request, or the cancellation of what was requested."""
    team, label = policy.rosters.get(appointment.team), policy.route(handoff.route).label
    rules, email = team.callbacks if team else None, state.customer.email
    made = Invitation(
        uid=f"{handoff.id}@baton",  # the same for every version, so that calendars know it again
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        summary=label,
        description=f"{label}. {handoff.id}",
        made_at=appointment.settled_at or appointment.booked_at,
        organizer=(rules.organizer if rules else None) or NOBODY,
        attendee=email if email and is_bare_address(email) else None,
        sequence=appointment.sequence,
    )
    return render(made, "CANCEL" if appointment.state is Standing.CANCELLED else "REQUEST")


def note_text(appointment: Appointment, handoff: Handoff, team_zone: str, phone: str | None) -> str:
    """The private note about this version. phone: already redacted, as the ticket's reader may see it."""
    when = times(appointment, team_zone)
    again = appointment.sequence > 0
    said = {
        Standing.BOOKED: [
            f"Call the customer {'at another time than agreed before' if again else 'back, as agreed'}: {when}.",
            f"Number: {one_line(phone)}." if phone else "No number is known: write and ask for one before that time.",
            "Call within the window: after it the call counts as missed, and others are told.",
        ],
        Standing.MISSED: [
            f"The call was missed: nobody has reached the customer ({when}).",
            "Call now, or write and agree on another time.",
        ],
        Standing.CANCELLED: [f"The call is cancelled: nobody needs to call the customer ({when})."],
    }[appointment.state]  # fmt: skip
    return "\n".join([*said, f"Reference: handoff {handoff.id}, appointment {appointment.id}"])


def times(appointment: Appointment, team_zone: str) -> str:
    """From when to when, by the customer's clock and by the team's where that is another."""
    zones = dict.fromkeys((team_zone, appointment.zone))
    return "; for the customer ".join(_window(appointment.starts_at, appointment.ends_at, zone) for zone in zones)


def _window(starts_at: datetime, ends_at: datetime, zone: str) -> str:
    info = ZoneInfo(zone)
    return f"{starts_at.astimezone(info):%A %Y-%m-%d %H:%M}-{ends_at.astimezone(info):%H:%M} {zone}"
