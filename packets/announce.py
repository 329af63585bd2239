"""
The one line somebody hears or reads before they say a word to a customer: who it is, what it is about, what counts. A
voice bot may whisper it, so it holds nothing but words, numbers and plain punctuation.
"""

from __future__ import annotations

from packets.conversation import Conversation
from packets.decision import Decision
from packets.render.sanitise import one_line, shortened
from packets.subject import case_of, channel_of, failures_of, times_asked, topic_of, who_of
from packets.words import plain, times

LONGEST = 120  # characters: about eight seconds, spoken
_QUOTED = 40  # characters of the customer's own words
_PUNCTUATION = frozenset(" '’“”\"-–.,:;/@#&+()?!€$£%…=_")  # a secret must stay one to the redaction that comes after


def announcement_of(conversation: Conversation, decision: Decision, problem: str | None = None) -> str:
    """
    For instance "Ana Lopez, about enterprise pricing, asked twice for a person". Not redacted yet.

    problem: the customer's first statement of it; quoted only where nothing better says what it is about.
    """
    who = who_of(conversation) or f"A customer on {_where(conversation)}"
    about = _about(conversation, problem)
    parts = [who, *([f"about {about}"] if about else []), *_what_counts(conversation, decision)]
    return spoken(", ".join(parts))


def spoken(text: str) -> str:
    """On one line, at most LONGEST characters, without any sign that could do something where it is shown or said."""
    plain_text = "".join(sign if sign.isalnum() or sign in _PUNCTUATION else " " for sign in one_line(text))
    return shortened(" ".join(plain_text.split()), LONGEST)


def _where(conversation: Conversation) -> str:
    channel = channel_of(conversation)
    return {"voice": "the phone", "chat": "chat", "web chat": "the web chat"}.get(channel, channel)


def _about(conversation: Conversation, problem: str | None) -> str:
    topic, case = topic_of(conversation), case_of(conversation)
    if topic and case:
        return f"{topic} ({case})"
    asked = conversation.handoff_asked
    words = problem or (asked.reason_text if asked else None)
    return topic or case or (f"“{shortened(one_line(words), _QUOTED)}”" if words else "")


def _what_counts(conversation: Conversation, decision: Decision) -> list[str]:
    """How often they asked, what failed; where neither is known, the rule that fired."""
    asked = times_asked(decision)
    found = [f"asked {times(asked) + ' ' if asked > 1 else ''}for a person"] if asked else []
    found += failures_of(conversation)
    return found or [plain(rule) for rule in decision.because[:1]]
