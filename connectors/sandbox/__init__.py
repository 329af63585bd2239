"""
Three local helpdesk servers that answer as Zendesk, Freshdesk and ServiceNow do, faults included.

Everything that talks to a helpdesk is tried against them: tests, `make demo`, `baton up`. They share no code with
`connectors/helpdesks/`, so a misreading there cannot hide here. Start one with `python -m connectors.sandbox`, or
inside a test with `connectors.sandbox.server.running_sandbox("zendesk")`. See README.md for credentials and faults.
"""
