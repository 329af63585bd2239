"""
What is in a fresh sandbox account: credentials, people, groups, custom fields. Plain constants, meant to be copied
into a test or a `baton.yml`. policies/starter/fields/*.yml name the same ids; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

Kind = Literal["zendesk", "freshdesk", "servicenow"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

# The neutral names our field maps use. A sandbox may be started with others.
NEUTRAL_FIELDS: Final = (
    "packet_id",
    "reason",
    "channel",
    "tier",
    "respond_by",
    "rules",
    "source",
    "conversation_url",
    "completeness",
    "language",
)

# Every route of the starter policy has its group here.
ROUTES: Final = ("sales", "support", "orders", "billing", "technical", "operations", "sensitive", "general")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What opens a sandbox. Not secret: it guards nothing but made-up tickets on this machine."""

    client_id: str = "sandbox"
    client_secret: str = "sandbox-secret"  # noqa: S105 - guards nothing
    email: str = "baton@sandbox.example"  # Zendesk, with api_token
    api_token: str = "sandbox-token"  # noqa: S105 - guards nothing
    bearer: str = "sandbox-bearer"  # Zendesk and ServiceNow: an access token that never expires
    api_key: str = "sandbox-key"  # Freshdesk
    user: str = "baton"  # ServiceNow, with password
    password: str = "sandbox-secret"  # noqa: S105 - guards nothing


CREDENTIALS: Final = Credentials()


@dataclass(frozen=True, slots=True)
class Person:
    """One person known to a fresh account. `number` makes the id in each helpdesk's own spelling."""

    number: int
    name: str
    email: str
    is_agent: bool = False
    suspended: bool = False


SERVICE_USER: Final = Person(1, "Baton", CREDENTIALS.email, is_agent=True)
PEOPLE: Final = (
    SERVICE_USER,
    Person(2, "Dana Agent", "dana@sandbox.example", is_agent=True),
    Person(3, "Sam Agent", "sam@sandbox.example", is_agent=True),
    Person(4, "Guest", "guest@sandbox.example"),  # the caller of a ServiceNow incident when nobody else is known
    Person(5, "Ana Ruiz", "ana@example.com"),
    Person(6, "Suspended Customer", "suspended@example.com", suspended=True),
)
DEFAULT_AGENT: Final = "Dana Agent"


def zendesk_field_ids(fields: tuple[str, ...] = NEUTRAL_FIELDS) -> dict[str, int]:
    """Neutral name → Zendesk's field id: 900001 and on, in the order of `fields`."""
    return {name: 900_001 + index for index, name in enumerate(fields)}


def freshdesk_field_names(fields: tuple[str, ...] = NEUTRAL_FIELDS) -> dict[str, str]:
    """Neutral name → Freshdesk's name of the custom field."""
    return {name: f"cf_baton_{name}" for name in fields}


def servicenow_columns(fields: tuple[str, ...] = NEUTRAL_FIELDS) -> dict[str, str]:
    """Neutral name → ServiceNow's column of the incident table."""
    return {name: f"u_baton_{name}" for name in fields}


def label_of(field: str) -> str:
    """The name an agent reads beside a custom field."""
    return "Baton " + field.replace("_", " ")


ZENDESK_FIELD_IDS: Final = zendesk_field_ids()
FRESHDESK_FIELD_NAMES: Final = freshdesk_field_names()
SERVICENOW_COLUMNS: Final = servicenow_columns()

ZENDESK_GROUP_IDS: Final = {route: 26_155_630_000_101 + index for index, route in enumerate(ROUTES)}
FRESHDESK_GROUP_IDS: Final = {route: 36_000_000_101 + index for index, route in enumerate(ROUTES)}
SERVICENOW_GROUP_IDS: Final = {route: f"ba70{index + 101:028x}" for index, route in enumerate(ROUTES)}


def zendesk_user_id(person: Person) -> int:
    """Zendesk's id of somebody known from the start."""
    return 26_155_588_000_000 + person.number


def freshdesk_user_id(person: Person) -> int:
    """Freshdesk's id of an agent or contact known from the start."""
    return 36_012_000_000 + person.number


def servicenow_user_id(person: Person) -> str:
    """ServiceNow's sys_id of a user known from the start."""
    return f"ba71{person.number:028x}"


SERVICENOW_GUEST_ID: Final = servicenow_user_id(PEOPLE[3])
