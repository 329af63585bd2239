"""The SLA's files: what they become, and what is said of each mistake, with its line."""

from datetime import date

import pytest

from policies.load import policy_from_files
from policies.problems import PolicyErrors
from policies.sla.calendar import Calendar
from policies.sla.hours import Hours
from policies.sla.terms import terms_of

CALENDARS = """\
calendars:
  office:
    zone: Europe/Berlin
    weekly: {mon-fri: ["08:00-18:00"]}
    holidays:
      - {country: DE, subdivision: BY}
"""
TIERS = """\
tiers:
  plain:
    priority: normal
    default: true
    calendar: office
    targets:
      first_human_response: {within: 2bd, warn: [0.5, {before: 1h}], ladder: calls}
"""
LADDERS = "ladders:\n  calls:\n    steps:\n      - {notify: [chat]}\n"
ROSTERS = "rosters:\n  desk:\n    members:\n      ann: {reach: chat}\n"


@pytest.fixture
def sla_files(files):
    def make(**changed):
        texts = {"calendars": CALENDARS, "tiers": TIERS, "ladders": LADDERS, "rosters": ROSTERS} | changed
        return files({f"{name}.yml": text for name, text in texts.items()})

    return make


def problems(texts):
    with pytest.raises(PolicyErrors) as found:
        policy_from_files(texts)
    return [str(problem) for problem in found.value.problems]


def test_holidays_of_a_part_of_a_country_are_closed(sla_files):
    office = policy_from_files(sla_files()).calendars["office"]

    assert office.holidays[date(2027, 1, 6)]  # Epiphany is one in Bavaria, not in all of Germany
    assert office.open_on(date(2027, 1, 6)) == []
    assert office.open_on(date(2027, 1, 7)) == [(480, 1080)]


def test_a_calendar_comes_back_from_its_stored_form_as_the_same_version(sla_files):
    hours = policy_from_files(sla_files()).tiers["plain"].hours

    again = Hours.from_json(hours.to_json())

    assert (again, again.version) == (hours, hours.version)
    assert hash(again) == hash(hours)


def test_any_change_of_a_calendar_is_another_version(make_week, with_changes):
    one = make_week("UTC", "09:00-17:00")
    others = [
        with_changes(one, zone="Europe/Berlin"),
        with_changes(one, holidays={date(2027, 6, 7): "x"}),
        with_changes(one, dates={date(2027, 6, 7): ()}),
        with_changes(one, scope="shift"),
    ]

    assert len({one.version, *(other.version for other in others)}) == 5
    assert isinstance(one, Calendar)


def test_the_customers_zone_is_pinned_and_its_source_recorded(sla_files):
    tier = policy_from_files(
        sla_files(tiers=TIERS.replace("calendar: office", "calendar: office\n    zone_from: customer"))
    ).tiers["plain"]

    known = terms_of(tier, "first_human_response", "p", customer_zone="Asia/Tokyo")
    unknown = terms_of(tier, "first_human_response", "p")

    assert (known.hours.zone, known.zone_source) == ("Asia/Tokyo", "customer")
    assert (unknown.hours.zone, unknown.zone_source) == ("Europe/Berlin", "calendar (customer unknown)")


@pytest.mark.parametrize(
    ("name", "right", "wrong", "expected"),
    [
        ("calendars", "08:00-18:00", "8-18", "calendars.yml:4: '8-18' is not a window: write 09:00-17:00"),
        ("calendars", "08:00-18:00", "08:00-08:00", "calendars.yml:4: '08:00-08:00' opens and closes at once"),
        ("calendars", '"08:00-18:00"', '"08:00-18:00", "17:00-19:00"', "calendars.yml:4: two windows of one day"),
        ("calendars", '["08:00-18:00"]', "[]", "calendars.yml:4: 'weekly' is never open"),
        ("calendars", "mon-fri", "mo-fr", "calendars.yml:4: 'mo-fr' is not a weekday"),
        ("calendars", "{mon-fri", "{wed: [], mon-fri", "calendars.yml:4: wed is written twice"),
        ("calendars", "Europe/Berlin", "Europe/Berln", "calendars.yml:3: unknown zone 'Europe/Berln'"),
        ("calendars", "country: DE", "country: XX", "calendars.yml:6: unknown country 'XX'"),
        ("calendars", "subdivision: BY", "subdivision: QQ", "calendars.yml:6: 'QQ' is not a part of DE"),
        ("calendars", "country: DE", "contry: DE", "calendars.yml:6: unknown key 'contry'\n    did you mean"),
        ("calendars", "{country: DE, subdivision: BY}", "{}", "expected either country"),
        ("calendars", "BY}", "BY, except: [2027-01-07]}", "calendars.yml:6: 2027-01-07 is no holiday of DE"),
        ("calendars", "  office:", "  always:", "calendars.yml:2: 'always' is built in"),
        ("calendars", "    holidays:", "    dates: {24.12.2027: []}\n    holidays:", "'24.12.2027' is not a date"),
        ("tiers", "within: 2bd", "within: 1d", "tiers.yml:7: '1d' can mean three things: 24h (hours on"),
        ("tiers", "within: 2bd", "within: 300bd", "tiers.yml:7: '300bd' is out of range"),
        ("tiers", "within: 2bd", "within: 30m", "tiers.yml:7: 'before 1h' is not shorter than the target itself, 30m"),
        ("tiers", "within: 2bd, ", "", "expected one of within (such as 4h or 2bd) and deadline"),
        ("tiers", "within: 2bd", 'deadline: {business_days: 1, at: "25:00"}', "'25:00' is not a time of day"),
        (
            "tiers", "within: 2bd", 'deadline: {business_days: 1, at: "16:00"}, pause_on: [waiting_on_customer]',
            "tiers.yml:7: a deadline cannot be paused",
        ),
        ("tiers", "within: 2bd", "within: 2bd, pause_on: [pending]", "expected waiting_on_customer, "),
        ("tiers", "office", "ofice", "tiers.yml:5: unknown calendar 'ofice'\n    did you mean 'office'?"),
        ("tiers", "office", "{unoin: [office]}", "tiers.yml:5: expected the name of a calendar, or {union:"),
        ("tiers", "ladder: calls", "ladder: cals", "tiers.yml:7: unknown ladder 'cals'\n    did you mean 'calls'?"),
        ("tiers", "    targets", "    applies_to: {}\n    targets", "is empty and would mean everybody"),
        ("tiers", "    targets", "    on_priority_change: keep\n    targets", "expected carry, restart or keep_first"),
        ("ladders", "notify: [chat]", "after: 5m", "ladders.yml:4: does nothing"),
        ("ladders", "notify: [chat]", "ask: {up_to: 6}", "ladders.yml:4: expected 1 to 5 people"),
        ("ladders", "notify: [chat]", "ask: {team: dsk}", "ladders.yml:4: unknown team 'dsk'\n    did you mean 'desk"),
        ("ladders", "    steps", "    repeat: 6\n    steps", "ladders.yml:3: expected 0 to 5 repeats"),
        ("ladders", "notify: [chat]", "reassign: desk", "tiers.yml:7: ladder 'calls' ends in nobody"),
        ("ladders", "notify: [chat]", "tag_manager: desk", "tiers.yml:7: ladder 'calls' ends in nobody"),
        ("ladders", "notify: [chat]", "ask: {seniority: lead}", "tiers.yml:7: ladder 'calls' ends in nobody"),
        ("rosters", "    members", "    manager: dana\n    members", "rosters.yml:3: manager 'dana' is not among"),
        ("rosters", "{reach: chat}", "{}", "rosters.yml:4: 'reach' is missing"),
        ("rosters", "{reach: chat}", "{reach: chat, calendar: ofice}", "rosters.yml:4: unknown calendar 'ofice'"),
        ("rosters", "    members", '    callbacks: {civil_hours: "20:00-08:00"}\n    members', "called at night"),
        ("rosters", "    members", "    callbacks: {organizer: Desk <a@b.c>}\n    members", "no bare e-mail address"),
    ],
)  # fmt: skip
def test_every_mistake_tells_its_line_and_the_remedy(sla_files, name, right, wrong, expected):
    text = {"calendars": CALENDARS, "tiers": TIERS, "ladders": LADDERS, "rosters": ROSTERS}[name]
    assert right in text

    told = problems(sla_files(**{name: text.replace(right, wrong, 1)}))

    assert any(expected in problem for problem in told), told


@pytest.mark.parametrize("step", ["ask: {team: desk}", "ask: {}", "notify: [chat], reassign: desk"])
def test_a_ladder_that_ends_in_somebody_is_taken(sla_files, step):
    policy = policy_from_files(sla_files(ladders=LADDERS.replace("notify: [chat]", step)))

    assert policy.tiers["plain"].targets["first_human_response"].ladder == "calls"


def test_a_broken_file_does_not_blame_those_that_name_its_entries(sla_files):
    told = problems(sla_files(calendars=CALENDARS.replace("zone:", "zon:"), ladders="ladders: 3"))

    assert {problem.split(":")[0] for problem in told} == {"calendars.yml", "ladders.yml"}
