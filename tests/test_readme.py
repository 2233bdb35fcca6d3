"""The README is true."""

from tests.readme import README, rendered


def test_generated_parts_are_fresh() -> None:
    """The diagram and the tables are what the code says; `make readme` renews them."""
    text = README.read_text("utf-8")

    assert rendered(text) == text
