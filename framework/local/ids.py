"""The ids that AWS gives to requests, invocations and traces: unique, and nobody's secret.

In: nothing. Out: text in AWS's form. The system's own source of randomness is not asked: four calls
of it would be a tenth of a request.
"""

from __future__ import annotations

import random
import time
import uuid
from base64 import urlsafe_b64encode


def request_id() -> str:
    """API Gateway's id of a request: `JKJaXmPLvHcESHA=`."""
    return urlsafe_b64encode(random.randbytes(11)).decode("ascii")


def invocation_id() -> str:
    """Lambda's id of an invocation: a UUID."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def trace_id() -> str:
    """A new X-Ray trace id in its header form."""
    return f"Root=1-{int(time.time()):08x}-{random.randbytes(12).hex()}"
