"""Requests signed as AWS's own tools sign them (Signature Version 4, by botocore)."""

from __future__ import annotations

from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials

from framework.local.environment import Credentials
from tests.support.raw_http import Headers


def signed(
    credentials: Credentials,
    region: str,
    method: str,
    url: str,
    headers: Headers = (),
    body: bytes = b"",
) -> Headers:
    """The headers of a request to an API, with those of its signature."""
    request = AWSRequest(method, url, {**dict(headers), "host": urlsplit(url).netloc}, body)
    own = BotocoreCredentials(credentials.access_key, credentials.secret_key)
    SigV4Auth(own, "execute-api", region).add_auth(request)
    return [(name, str(value)) for name, value in request.headers.items()]
