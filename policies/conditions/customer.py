"""Who the customer is, what is known of the case, and where it comes in."""

from __future__ import annotations

import re
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from packets.conversation import Conversation, Fact, Provenance
from packets.event import Channel
from policies.params import number, one_of, one_value, only_true, some_text
from policies.registry import Seen, condition, seen, with_conversation
from policies.signals import Signals

Plain = bool | int | float | str


def _attributes(conversation: Conversation, value: Any) -> Conversation:
    customer = conversation.customer
    return replace(conversation, customer=replace(customer, attributes={**customer.attributes, **value}))


def _facts(conversation: Conversation, value: Any) -> Conversation:
    told = tuple(Fact(name, _text(v), Provenance.CUSTOMER_SAID) for name, v in value.items() if v is not None)
    return replace(conversation, facts=(*conversation.facts, *told))


def _says(what: str, name: str, above: float | None, wanted: Plain | None, missing: bool = False) -> str:
    parts = [
        f"above {above:g}" if above is not None else "",
        f"is {_text(wanted)}" if wanted is not None else "",
        "is missing" if missing else "",
    ]
    return f"{what} {name} {' and '.join(filter(None, parts))}"


@condition(
    lambda **told: _says("customer", told["attribute"], told["above"], told["is"]),
    {"attribute": some_text(), "is": one_value().otherwise(None), "above": number().otherwise(None)},
    given=with_conversation(_attributes),
    one_of=("is", "above"),
)
def customer(signals: Signals, attribute: str, wanted: Plain | None, above: float | None) -> Seen:
    """
    What the vendor knows about the customer (`customer.attributes`): `is` a value, or `above` a number. An attribute
    nobody gave is unknown.

        customer: {attribute: lifetime_value, above: 1000}
    """
    told = signals.conversation.customer.attributes.get(attribute)
    return _compared(None if told is None else _text(told), wanted, above)


@condition(
    lambda **told: _says("field", told["name"], told["above"], told["is"], bool(told["missing"])),
    {
        "name": some_text(),
        "is": one_value().otherwise(None),
        "above": number().otherwise(None),
        "missing": only_true().otherwise(False),
    },
    given=with_conversation(_facts),
    one_of=("is", "above", "missing"),
)
def field(signals: Signals, name: str, wanted: Plain | None, above: float | None, missing: bool) -> Seen:
    """
    A fact of the conversation (a slot, a variable, an entity, a custom attribute; by its name): `is` a value, or
    `above` a number ("1,250.00 EUR" is one), or `missing: true` when nobody has given it. `is` and `above` never hold
    for a fact that is not known.

        field: {name: amount, above: 500}
    """
    fact = signals.conversation.fact(name)
    if missing:
        return seen(fact is None, "missing" if fact is None else "known", "missing" if fact is None else "known")
    return _compared(fact.value if fact else None, wanted, above)


def _compared(told: str | None, wanted: Plain | None, above: float | None) -> Seen:
    """Of values only numbers, and what a rule asks for, are kept for the audit: the rest may be private."""
    if told is None:
        return seen(False, "unknown", "unknown")
    amount = amount_in(told)
    same = wanted is None or _same(told, wanted)
    more = above is None or (amount is not None and amount > above)
    shown = amount if above is not None else _text(wanted) if wanted is not None and same else "something else"
    return seen(same and more, shown, "no number" if shown is None else str(shown))


def _same(told: str, wanted: Plain) -> bool:
    if isinstance(wanted, bool):
        return told.strip().lower() in (("yes", "true", "1") if wanted else ("no", "false", "0"))
    if isinstance(wanted, int | float):
        return amount_in(told) == wanted
    return told.strip().casefold() == wanted.strip().casefold()


LONGEST_AMOUNT = 60  # characters
_AMOUNT = re.compile(r"[^\d\s+-]{0,4}\s*([+-]?\d[\d.,' ]*)\s*[^\d\s]{0,8}")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}([.,' ]\d{3})+")


def amount_in(text: str) -> float | None:
    """The number a text consists of, with a currency or a unit at most: `1.250,00 €`, `$500`, `12`. Else None."""
    if re.fullmatch(r"[+-]?\d{1,15}(\.\d{0,15})?", text):
        return float(text)
    found = _AMOUNT.fullmatch(text.strip()) if len(text) <= LONGEST_AMOUNT else None
    if found is None:
        return None
    digits = found[1].strip().rstrip(".,'")
    whole, mark, rest = digits, "", ""
    last = max(digits.rfind("."), digits.rfind(","))
    if last > 0 and not (_THOUSANDS.fullmatch(digits) and len(set(re.findall(r"[.,]", digits))) == 1):
        whole, mark, rest = digits[:last], ".", digits[last + 1 :]
    return float(re.sub(r"[.,' ]", "", whole) + mark + re.sub(r"[.,' ]", "", rest))


def _text(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


@condition(
    "channel is {value}",
    one_of(*(c.value for c in Channel)),
    given=with_conversation(lambda c, value: replace(c, channel=Channel(value))),
)
def channel(signals: Signals, name: str) -> Seen:
    """
    The conversation runs over this channel, as the vendor tells.

        channel: voice
    """
    told = signals.conversation.channel.value
    return seen(told == name, told, told)


@condition(
    "language is {value}", some_text(), given=with_conversation(lambda c, value: replace(c, language=str(value)))
)
def language(signals: Signals, name: str) -> Seen:
    """
    The language of the conversation, else of the customer, as the vendor tells: `de` is also `de-AT`, `de-AT` only
    that.

        language: de
    """
    conversation = signals.conversation
    told = conversation.language or conversation.customer.locale
    here, wanted = _tag(told or ""), _tag(name)
    return seen(bool(told) and (here == wanted or here.startswith(wanted + "-")), told, told or "unknown")


def _tag(language: str) -> str:
    return language.strip().lower().replace("_", "-")


@condition("source is {value}", some_text(), given=with_conversation(lambda c, value: replace(c, source=str(value))))
def source(signals: Signals, name: str) -> Seen:
    """
    The conversation comes from this source: one configured account of a chatbot vendor, by its name in `baton.yml`.
    `*` stands for any characters.

        source: webshop-bot
    """
    told = signals.conversation.source
    return seen(fnmatchcase(told, name), told, told)


@condition(
    "bot version is {value}", some_text(), given=with_conversation(lambda c, value: replace(c, bot_version=str(value)))
)
def bot_version(signals: Signals, pattern: str) -> Seen:
    """
    The version of the bot, as the vendor tells; `*` stands for any characters. Quote it: 2.10 is a number to YAML.

        bot_version: "2.*"
    """
    told = signals.conversation.bot_version
    return seen(told is not None and fnmatchcase(told, pattern), told, told or "unknown")
