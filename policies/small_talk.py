"""Which intents of a vendor's bot are moves of the conversation (greetings, yes, no, thanks) and no matter."""

from __future__ import annotations

import re

# What vendors' bots call a customer's turn that moves a conversation along and is no matter of its own.
SMALL_TALK = frozenset(
    name
    for names in (
        "hello hi hey welcome default_welcome_intent salutation start restart bot_challenge are_you_a_bot",
        "yes agree accept ok okay acknowledge no reject decline disagree negation denial confirmation",
        "answer repeat rephrase clarify stop wait other noise silence inconclusive urgency",
        "farewell small_talk mood_great mood_unhappy mood_deny mood_affirm",
        "fallback nlu_fallback default_fallback default_fallback_intent out_of_scope none unknown unnamed",
    )
    for name in names.split()
)
# First words of such names: inform_date, thank_you, confirm_booking. Not "no" or "out": no_delivery is a matter.
SMALL_WORDS = frozenset(
    name
    for names in (
        "greet greeting greetings affirm affirmation confirm deny negate inform provide thank thanks thankyou",
        "goodbye bye chitchat smalltalk",
    )
    for name in names.split()
)


def is_small_talk(intent: str) -> bool:
    """Whether an intent, spelled as the fold keeps it, is a move of the conversation and no matter of its own."""
    return intent in SMALL_TALK or re.split("[_/.]", intent, maxsplit=1)[0] in SMALL_WORDS
