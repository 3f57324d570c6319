"""The handlers of this case."""


def main(event: object, context: object) -> None:
    """Answers nothing."""
