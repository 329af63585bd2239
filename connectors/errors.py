"""
What can go wrong between us and a foreign system. The type answers "shall we try again?"; nobody upstairs reads
status codes. Messages name the system and the cause, never a secret and never the customer's words.
"""

from __future__ import annotations


class ConnectorError(Exception):
    """Any failure at a foreign system. `system` is our name of it ("Zendesk")."""

    def __init__(self, system: str, detail: str = "") -> None:
        self.system = system
        self.detail = detail
        super().__init__(f"{system}: {detail}" if detail else system)


class Throttled(ConnectorError):
    """
    Not done: too many requests. Wait `retry_after` seconds, then repeat.

    whole_account: every call to the account is to wait; False: only writes to this one ticket are.
    """

    def __init__(self, system: str, detail: str = "", *, retry_after: float = 60.0, whole_account: bool = True) -> None:
        self.retry_after = retry_after
        self.whole_account = whole_account
        super().__init__(system, detail or f"asked us to wait {retry_after:g} s")


class Unavailable(ConnectorError):
    """Not done: never reached, or refused before work began. May be repeated at once or later."""


class Unsure(ConnectorError):
    """
    Sent, and nobody knows whether it was done (time-out, cut answer, 5xx, HTML). Look before repeating.

    key_is_spent: the idempotency key is no help in that: it is taken by another request.
    """

    def __init__(self, system: str, detail: str = "", *, key_is_spent: bool = False) -> None:
        self.key_is_spent = key_is_spent
        super().__init__(system, detail)


class Refused(ConnectorError):
    """
    Not done, and repeating will not help: the request itself is wrong.

    field_errors: what the helpdesk said of which field, safe to show to ops.
    """

    def __init__(self, system: str, detail: str = "", *, field_errors: tuple[str, ...] = ()) -> None:
        self.field_errors = field_errors
        super().__init__(system, "; ".join((detail, *field_errors)) if field_errors else detail)


class Unauthorized(Refused):
    """
    Not done: credential or rights. Stops the whole account until somebody mends the configuration.

    whole_account: False where only this one ticket is out of our user's reach: then nobody else waits.
    """

    def __init__(self, system: str, detail: str = "", *, whole_account: bool = True) -> None:
        self.whole_account = whole_account
        super().__init__(system, detail)


def stops_the_account(error: Exception) -> bool:
    """Whether no call to the account will do any better, and not just this one."""
    return isinstance(error, Unauthorized) and error.whole_account


class SignatureRejected(Exception):
    """A webhook's signature is missing, wrong, stale or from the future. Answer 401 and say no more."""


class MalformedWebhook(Exception):
    """
    The body is damaged or not theirs. Answer 400.

    problems: (JSON pointer, what is wrong there); the texts never quote the body.
    """

    def __init__(self, detail: str, problems: tuple[tuple[str, str], ...] = ()) -> None:
        self.detail = detail
        self.problems = problems
        super().__init__(detail)


class UnsupportedEvent(Exception):
    """Theirs, but of a kind we do not know. Count it and answer 200, or they retry for days."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(f"unknown kind {kind!r}")
