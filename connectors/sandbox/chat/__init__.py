"""A local chat: what Slack and a Teams Workflows webhook take is shown on a page, and its buttons can be pressed."""
