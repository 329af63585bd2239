"""
Public holidays of a country, by date, from the `holidays` package.

They are looked up when a policy is loaded and copied into the calendar's version: a clock that runs keeps the dates it
started with, whatever a newer table says.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from policies.problems import did_you_mean

FIRST_YEAR, LAST_YEAR = 2024, 2035  # wide enough for clocks and last year's reports; widening it makes new versions


class HolidayError(Exception):
    """No such country or part of one. suggestion: what may have been meant."""

    def __init__(self, text: str, suggestion: str | None) -> None:
        super().__init__(text)
        self.suggestion = suggestion


@lru_cache(maxsize=64)
def country_holidays(country: str, subdivision: str | None, observed: bool) -> Mapping[date, str]:
    """
    The holidays of all years we know. observed: also the working day given for one that falls on a weekend.

    raises: HolidayError. A wrong subdivision lists the right ones.
    """
    import holidays  # takes a while; most processes of most installations never need it

    supported = holidays.list_supported_countries()
    if country not in supported:
        raise HolidayError(
            f"unknown country '{country}': write its ISO code, such as US or DE", _near(country, supported)
        )
    if subdivision is not None and subdivision not in supported[country]:
        text = f"'{subdivision}' is not a part of {country} with holidays of its own"
        raise HolidayError(text, _near(subdivision, supported[country]))
    years = range(FIRST_YEAR, LAST_YEAR + 1)
    found = holidays.country_holidays(country, subdiv=subdivision, years=years, observed=observed)
    return dict(sorted(found.items()))


def _near(word: str, known: object) -> str | None:
    names = [str(name) for name in known] if hasattr(known, "__iter__") else []
    return did_you_mean(word, names) or (f"known: {', '.join(sorted(names))}" if len(names) <= 60 else None)
