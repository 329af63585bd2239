"""Amazon Lex V2 and Connect, through a forwarder in AWS Lambda: answered with the decision. Nobody to call back."""

from connectors.vendors.lex.inbound import Lex

ADAPTER = Lex()
