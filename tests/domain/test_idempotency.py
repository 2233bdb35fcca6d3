"""Fingerprints tell requests apart."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.idempotency import ClaimKind, canonical, fingerprint

texts = st.text(max_size=4)
scalars = st.none() | st.booleans() | st.integers() | texts
fields = st.recursive(
    scalars, lambda inner: st.dictionaries(texts, inner, max_size=3), max_leaves=4
)


def _typed(value: object) -> object:
    """Tell True from 1, which Python calls equal."""
    if isinstance(value, dict):
        return {name: _typed(item) for name, item in value.items()}
    return (type(value).__name__, value)


@settings(deadline=None)
@given(fields, fields)
def test_different_values_never_encode_alike(one: object, other: object) -> None:
    """Two values have the same canonical bytes only if they are the same."""
    alike = canonical(one) == canonical(other)  # type: ignore[arg-type]

    assert alike == (_typed(one) == _typed(other))


def test_the_method_is_part_of_the_fingerprint() -> None:
    """The same fields under another method are another request."""
    assert fingerprint(ClaimKind.CAPTURE, {"a": 1}) != fingerprint(ClaimKind.REFUND, {"a": 1})


def test_version_one_stays_as_it_is() -> None:
    """Keys claimed years ago are still recognised: the encoding of version 1 never changes."""
    made = fingerprint(
        ClaimKind.PAY,
        {
            "order_id": "o-1",
            "minor_units": 5,
            "at": datetime(2026, 1, 1, tzinfo=UTC),
            "m": {"x": True},
            "n": None,
        },
    )

    assert made.hex() == "f3beda2fc255453b6b79a421864f93e55b740314690002a6738cb6a6747cb23d"
