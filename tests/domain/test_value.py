"""Values: made and copied cheaply, never changed, equal by what they hold."""

import dataclasses
import sys
from datetime import timedelta
from pathlib import Path
from subprocess import run

import pytest

from gateway.clock import Clock
from gateway.domain.money import Money
from gateway.domain.payment import Payer
from gateway.domain.value import replace
from tests.domain.samples import payment
from tests.usecases.fakes import CAPABILITIES

MISUSE = """\
from gateway.domain.payment import Payer
from gateway.domain.value import replace

Payer("p").payer_id = "q"
replace(Payer("p"), nobody=1)
"""


def test_a_copy_differs_in_what_was_named_only():
    """Every other field of a copy is the original's, and the original stays as it was."""
    original = payment(Clock().new_id)
    before = repr(original)
    copy = replace(original, captured=7, description="other")
    assert (copy.captured, copy.description) == (7, "other")
    for field in dataclasses.fields(original):
        if field.name not in ("captured", "description"):
            assert getattr(copy, field.name) is getattr(original, field.name)
    assert repr(original) == before


def test_a_copy_is_checked_like_an_original():
    """What a value refuses to hold, its copies refuse too."""
    with pytest.raises(ValueError, match="unknown currency"):
        replace(Money("CNY", 1), currency="cny")


def test_a_copy_by_name_is_like_one_by_place():
    """Values whose fields are given by name are copied too."""
    copy = replace(CAPABILITIES, expiry_max=timedelta(1))
    assert copy != CAPABILITIES
    assert replace(copy, expiry_max=CAPABILITIES.expiry_max) == CAPABILITIES


@pytest.mark.parametrize("value", [Payer("p"), CAPABILITIES])
def test_a_copy_of_no_such_field_is_refused(value):
    """A field that a value lacks cannot be named."""
    with pytest.raises(TypeError):
        replace(value, nobody=1)


def test_values_are_equal_by_what_they_hold():
    """Two of the same content are one in a set, and text shows the fields."""
    assert {Payer("p", region="CN"), Payer("p", region="CN")} == {Payer("p", region="CN")}
    assert Payer("p") != Payer("q")
    assert repr(Payer("p")) == "Payer(payer_id='p', device_id='', region='')"


def test_the_type_checker_stands_guard(tmp_path):
    """Setting a field, or copying with one that is not there, is an error before anything runs."""
    source = tmp_path / "misuse.py"
    source.write_text(MISUSE)
    root = Path(__file__).parents[2]
    checked = run(
        [sys.executable, "-m", "mypy", str(source)],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    errors = [line.split(":")[1] for line in checked.stdout.splitlines() if " error: " in line]
    assert errors == ["4", "5"], checked.stdout + checked.stderr
