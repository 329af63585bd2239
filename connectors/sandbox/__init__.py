"""
Three local helpdesk servers that answer as Zendesk, Freshdesk and ServiceNow do, faults included.

Everything that talks to a helpdesk is tried against them: tests, `make demo`, `baton up`. They share no code with
`connectors/helpdesks/`, so a misreading there cannot hide here.

    python -m connectors.sandbox --kind zendesk --port 0          one process, prints its address
    with running_sandbox("zendesk") as sandbox: sandbox.url       one thread of a test

Credentials, ids of groups and custom fields: accounts.py. Faults to ask for: faults.py. What a test or the demo may do
to it (look at tickets, play the agent, set the webhook target, move the clock): control.py, under /_sandbox/. The pages
at / and /tickets/<id> show what an agent would see.
"""
