"""Physical names and ARNs: computed, never read back from AWS.

In: the service, a `Target` and a region. Out: strings that depend on nothing else, so that adding
an entry or a region renames nothing. A name that is too long is cut and ends in six digits of the
hash of the whole, so two long names that begin alike stay apart.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from framework.plan.target import Target, partition_of

_WORDS = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")


def digits(text: str) -> str:
    """Six hexadecimal digits of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def cut(text: str, limit: int) -> str:
    """The text, or its beginning and the six digits of the whole, in at most `limit` characters."""
    if len(text) <= limit:
        return text
    return f"{text[: limit - 7].rstrip('-')}-{digits(text)}"


def identifier(text: str) -> str:
    """A text as an id of letters, digits and hyphens that no other text shares."""
    return f"{re.sub('[^A-Za-z0-9]+', '-', text).strip('-')}-{digits(text)}"


def slug(stack: str) -> str:
    """A stack's name as lower-case words; where that loses something, the six digits tell it apart.

    Pulumi allows upper case, dots and underscores in stack names; S3 allows none of them.
    """
    if _WORDS.match(stack):
        return stack
    words = re.sub("[^a-z0-9]+", "-", stack.lower()).strip("-")
    return f"{words}-{digits(stack)}".strip("-")


@dataclass(frozen=True, slots=True)
class Names:
    """The names and ARNs of one service's resources in one region of a target."""

    service: str
    target: Target
    region: str

    def _words(self, entry: str) -> str:
        return "-".join(word for word in (self.service, slug(self.target.stack), entry) if word)

    def name(self, entry: str, limit: int) -> str:
        """`{service}-{stack}-{entry}`: unique among what is named within a region."""
        return cut(self._words(entry), limit)

    def regional(self, entry: str, limit: int) -> str:
        """`{service}-{stack}-{entry}-{region}`: for what is named within an account."""
        return self._suffixed(entry, f"-{self.region}", limit)

    def worldwide(self, entry: str, limit: int) -> str:
        """`{service}-{stack}-{entry}-{account}-{region}`: for what is named within a partition."""
        return self._suffixed(entry, f"-{self.target.account}-{self.region}", limit)

    def path(self, entry: str) -> str:
        """`/{service}/{stack}/{entry}`: for what is named by paths."""
        return f"/{self.service}/{slug(self.target.stack)}/{entry}"

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this region and account, neither ever a wildcard."""
        partition = partition_of(self.region)
        return f"arn:{partition}:{service}:{self.region}:{self.target.account}:{resource}"

    def global_arn(self, service: str, resource: str) -> str:
        """The ARN of an account's resource that has no region, such as a role."""
        return f"arn:{partition_of(self.region)}:{service}::{self.target.account}:{resource}"

    def bucket_arn(self, bucket: str) -> str:
        """S3's ARNs have neither region nor account."""
        return f"arn:{partition_of(self.region)}:s3:::{bucket}"

    def _suffixed(self, entry: str, suffix: str, limit: int) -> str:
        words = self._words(entry)
        if len(words) + len(suffix) <= limit:
            return words + suffix
        room = limit - len(suffix) - 7
        return f"{words[:room].rstrip('-')}-{digits(words + suffix)}{suffix}"
