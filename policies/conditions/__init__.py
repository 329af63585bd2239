"""
Every condition a rule can use: a named, typed, documented function of signals. A new one is one function in here.

The docstrings are the reference page, their last line is an example. A missing signal is unknown and never makes a
condition hold.
"""

from policies.conditions import bot, capability, course, customer, known, mood, silence, understanding
from policies.registry import CONDITIONS

__all__ = ["CONDITIONS", "bot", "capability", "course", "customer", "known", "mood", "silence", "understanding"]
