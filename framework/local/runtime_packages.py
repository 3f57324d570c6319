"""What Lambda's Python runtimes bring besides the standard library, found where this runs.

Out: the packages by name with the folder each lies in; nothing is imported. Source: Lambda
developer guide, "Runtime dependencies in Python": boto3, botocore and what they need.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

NAMES = ("boto3", "botocore", "s3transfer", "urllib3", "jmespath", "dateutil", "six")


def runtime_packages() -> Mapping[str, str]:
    """The folder of each package that is installed here."""
    found = {}
    for name in NAMES:
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            file = Path(spec.origin)
            found[name] = str((file.parent if file.name == "__init__.py" else file).parent)
    return found
