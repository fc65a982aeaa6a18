"""The examples with which `import advisor` is documented run and say what they say."""

import doctest

import advisor


def test_the_documented_examples_hold() -> None:
    found = doctest.testmod(advisor)
    assert found.attempted >= 12
    assert found.failed == 0
