import pytest

from policies.decide import decide


@pytest.fixture
def judged(policy, rule, conversation, now):
    """The trace of one condition judged on one conversation."""

    def judge(when, *turns, state=None, **more):
        made = policy({"r.yml": rule(when=when)})
        (trace,) = decide(state or conversation(*turns, **more), made, now=now).rules
        return trace.trace

    return judge
