"""
Helpdesks that cannot sign their webhooks prove themselves by a secret in a header, `X-Webhook-Token` or
`Authorization: Bearer`. That says who calls, not that the body is whole.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence

from connectors.errors import SignatureRejected


def matching_token(headers: Mapping[str, str], secrets: Sequence[str]) -> int:
    """
    Which of the secrets the call carries, from 0. Every one is compared, whichever matches, so the time taken tells
    nothing; an empty secret matches nothing. Raises SignatureRejected.
    """
    offered = _token(headers).encode("utf-8", "surrogatepass")
    matches = [hmac.compare_digest(offered, s.encode("utf-8", "surrogatepass")) for s in secrets]
    if not offered or True not in matches:
        raise SignatureRejected
    return matches.index(True)


def _token(headers: Mapping[str, str]) -> str:
    token = headers.get("x-webhook-token", "").strip()
    scheme, _, bearer = headers.get("authorization", "").strip().partition(" ")
    return token or (bearer.strip() if scheme.lower() == "bearer" else "")
