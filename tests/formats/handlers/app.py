"""The handler that the mistakes name."""


def main(event: object, context: object) -> None:
    """Answers nothing."""
