"""A question without passages."""


def grounded(question: str) -> tuple[str, list[str]]:
    """The question as it is."""
    return question, []
