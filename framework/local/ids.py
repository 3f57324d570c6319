"""The ids that AWS gives to requests, invocations and traces: unique, and nobody's secret.

In: nothing. Out: text in AWS's form. The system's own source of randomness is asked once, for a
seed: four calls of it would be a tenth of a request. Numbers are cut into bytes here, not by
`random`, for the same reason. Who seeds `random` for tests of their own, as
hypothesis and pytest-randomly do, has other ids all the same.
"""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from random import Random

_RANDOM = Random()


def request_id() -> str:
    """API Gateway's id of a request: `JKJaXmPLvHcESHA=`."""
    return urlsafe_b64encode(_RANDOM.getrandbits(88).to_bytes(11, "big")).decode("ascii")


def invocation_id() -> str:
    """Lambda's id of an invocation: a UUID."""
    digits = f"{_RANDOM.getrandbits(128):032x}"
    # As uuid.uuid4 writes it, which is four times slower: version 4, variant 10 (RFC 9562).
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def trace_id() -> str:
    """A new X-Ray trace id in its header form."""
    return f"Root=1-{int(time.time()):08x}-{_RANDOM.getrandbits(96):024x}"
