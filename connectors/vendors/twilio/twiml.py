"""
The XML that tells Twilio what to do next with a call or a message. Anything but TwiML is an error to it, and an empty
document ends a call that is waiting for one.

source: https://www.twilio.com/docs/voice/twiml (dial, enqueue, pause, say, redirect) and /docs/messaging/twiml, read
2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, tostring

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def nothing() -> bytes:
    return _written(Element("Response"))


def message(words: str) -> bytes:
    """Answer a message with one."""
    response = Element("Response")
    SubElement(response, "Message").text = _NOT_XML.sub("", words)
    return _written(response)


def going_on(words: str | None, options: Mapping[str, str]) -> bytes:
    """The bot keeps the call: back to `bot_url`. Without one the document ends, and the call with it."""
    response = Element("Response")
    _say(response, words, options)
    if "bot_url" in options:
        SubElement(response, "Redirect", method="POST").text = options["bot_url"]
    return _written(response)


def holding(words: str | None, options: Mapping[str, str], seconds: int) -> bytes:
    """The caller hears the words and stays, until a call of ours changes what the line does; else the bot goes on."""
    response = Element("Response")
    _say(response, words, options)
    SubElement(response, "Pause", length=str(max(1, seconds)))
    if "bot_url" in options:
        SubElement(response, "Redirect", method="POST").text = options["bot_url"]
    return _written(response)


def to_people(words: str | None, options: Mapping[str, str], action: str | None) -> bytes:
    """
    The caller hears the words and is put through to `destination`; without one the call ends after them.

    action: where Twilio tells how the dialling ended.
    """
    response = Element("Response")
    _say(response, words, options)
    scheme, _, rest = options.get("destination", "").partition(":")
    told = {"action": action} if action else {}
    if scheme == "queue":
        SubElement(response, "Enqueue").text = rest
    elif scheme == "sip":
        SubElement(SubElement(response, "Dial", told), "Sip").text = options["destination"]
    elif scheme:
        SubElement(SubElement(response, "Dial", told), "Number").text = scheme
    return _written(response)


def _say(response: Element, words: str | None, options: Mapping[str, str]) -> None:
    if words:
        told = {"language": options["say_language"]} if "say_language" in options else {}
        SubElement(response, "Say", told).text = _NOT_XML.sub("", words)


def _written(response: Element) -> bytes:
    return bytes(tostring(response, encoding="UTF-8", xml_declaration=True))
