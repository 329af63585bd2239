"""
What RQ workers run. Every job takes one work id, claims the row, does its part, records the outcome under the fence.

RQ is the bell, the row is the truth: a job that runs twice, late or never changes nothing (docs/architecture.md).
"""
