"""What Lambda accepts as a package.

In: the sizes of a package's files. Out: nothing, or a `PackagingError` with the heaviest parts.
Source: AWS, "Lambda quotas", table "Function configuration, deployment, and execution",
row "Deployment package (.zip file archive) size". AWS counts a MB as 1,048,576 bytes, and counts
the layers of a function among the unzipped bytes; layers are not known here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from framework.packaging.errors import PackagingError

MB = 1_048_576
ZIPPED_LIMIT = 50 * MB
UNZIPPED_LIMIT = 250 * MB
# Not Lambda's: above it a zip needs the 64-bit form.
FILES_LIMIT = 65_534
HEAVIEST = 10
NEARLY = 0.8
"""The share of a limit from which it is worth saying."""


def check_unzipped(source: Path, sizes: Mapping[str, int]) -> None:
    """Raises `PackagingError` where files (bytes by name) are too many or too much."""
    if len(sizes) > FILES_LIMIT:
        problem = f"the package has {len(sizes):,} files, at most {FILES_LIMIT:,} fit into a zip"
        raise PackagingError(source, problem)
    unzipped = sum(sizes.values())
    if unzipped > UNZIPPED_LIMIT:
        raise _too_much(source, unzipped, sizes, "unzipped", UNZIPPED_LIMIT)


def check_zipped(source: Path, zipped: int, sizes: Mapping[str, int]) -> None:
    """Raises `PackagingError` where a zip (its bytes, and those by name) is too much to hand over.

    The limit is that of the call that creates or updates a function; a bucket has none.
    """
    if zipped > ZIPPED_LIMIT:
        way_out = " directly: say  upload: bucket  to send it through one"
        raise _too_much(source, zipped, sizes, "zipped", ZIPPED_LIMIT, way_out)


def heaviest(sizes: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """The ten heaviest top-level folders and files with their bytes, heaviest first."""
    weights: Counter[str] = Counter()
    for name, size in sizes.items():
        weights[name.split("/")[0]] += size
    return tuple(sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:HEAVIEST])


def notes(zipped: int | None, unzipped: int) -> Iterator[str]:
    """A sentence for each limit that a package (its bytes) comes near.

    None where it is not handed over, and only what is in it counts.
    """
    sizes = [("unzipped", unzipped, UNZIPPED_LIMIT)]
    if zipped is not None:
        sizes.insert(0, ("zipped", zipped, ZIPPED_LIMIT))
    for state, size, limit in sizes:
        if size >= NEARLY * limit:
            yield (
                f"the package is {_megabytes(size)} {state}, {share(size, limit)} of the"
                f" {_megabytes(limit)} that Lambda takes: services package --report says of what"
            )


def share(size: int, limit: int) -> str:
    """A part of a limit as "82 %", rounded down: 100 % is never said of less."""
    return f"{size * 100 // limit} %"


def _too_much(
    source: Path, total: int, sizes: Mapping[str, int], state: str, limit: int, way_out: str = ""
) -> PackagingError:
    parts = ", ".join(f"{name} {_megabytes(size)}" for name, size in heaviest(sizes))
    problem = (
        f"the package is {_megabytes(total)} {state}, Lambda takes {_megabytes(limit)}{way_out};"
        f" heaviest: {parts}"
    )
    return PackagingError(source, problem)


def _megabytes(size: int) -> str:
    """Bytes as "12.5 MB", rounded up, so that too much never reads like just enough."""
    tenths = -(-size * 10 // MB)
    return f"{tenths // 10}.{tenths % 10} MB" if tenths % 10 else f"{tenths // 10} MB"
