"""`os.environ` of a worker: what Lambda sets, the function's own variables, and nothing else.

Source: Lambda developer guide, "Defined runtime environment variables". Nothing of this machine is
in it, so that nobody's own AWS settings are read.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from framework.local.model import Function

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class Credentials(NamedTuple):
    """What a function signs its calls with; the access key tells the gate who calls."""

    access_key: str
    secret_key: str
    session_token: str

    @classmethod
    def new(cls) -> Credentials:
        """Credentials that nobody can guess, in the form of a role's temporary ones."""
        return cls(_access_key("ASIA"), secrets.token_urlsafe(30), secrets.token_urlsafe(30))

    @classmethod
    def of_a_person(cls) -> Credentials:
        """The same in the form of a user's lasting ones, without a session token."""
        return cls(_access_key("AKIA"), secrets.token_urlsafe(30), "")


def _access_key(prefix: str) -> str:
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(16))


def log_stream() -> str:
    """The name of a new worker's log stream: `2026/01/31/[$LATEST]` and a number."""
    return f"{time.strftime('%Y/%m/%d', time.gmtime())}/[$LATEST]{secrets.token_hex(16)}"


@dataclass(frozen=True, slots=True)
class WorkerEnvironment:
    """The environment of one function; `endpoint` is the gate, `source` the code's folder."""

    function: Function
    region: str
    credentials: Credentials
    endpoint: str
    source: Path

    def variables(self, stream: str) -> dict[str, str]:
        """`os.environ` of the worker that logs to `stream`."""
        function, credentials = self.function, self.credentials
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            # As on Lambda, where it is not there either: nobody's settings are read from it.
            "HOME": "/home/sbx_user1051",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            **function.environment,
            "AWS_ACCESS_KEY_ID": credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
            "AWS_SESSION_TOKEN": credentials.session_token,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": stream,
            "AWS_LAMBDA_LOG_FORMAT": function.log_format,
            **({"AWS_LAMBDA_LOG_LEVEL": function.log_level} if function.log_level else {}),
            "LAMBDA_TASK_ROOT": str(self.source),
            "_HANDLER": function.handler,
        }
