"""Dialogflow CX: synchronous, answered with the decision. Nobody to call back: nothing pushes into a session."""

from connectors.vendors.dialogflow.inbound import Dialogflow

ADAPTER = Dialogflow()
