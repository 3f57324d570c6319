"""What a call to AWS needs: the action and the resource that IAM judges, for S3 and SSM.

Both tables follow AWS's Service Authorization Reference ("Actions, resources, and condition keys
for Amazon S3", "... for AWS Systems Manager").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Need:
    """One permission: an action, the ARN it is about, the condition keys of the request."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


class Unsupported(Exception):
    """A call that local mode does not know and therefore refuses; the text names it."""
