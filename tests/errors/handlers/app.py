"""The handlers that the mistakes name."""


def main(event: object, context: object) -> None:
    """Answers nothing."""


def one(event: object) -> None:
    """Takes one argument too few."""


def three(event: object, context: object, more: object) -> None:
    """Takes one argument too many."""


async def later(event: object, context: object) -> None:
    """Nobody awaits this."""
