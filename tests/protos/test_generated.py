"""The committed stubs are what the committed protos make.

Generated code is committed so that installing needs no compiler. Then it can also be edited by hand
or forgotten after a change of a proto; making it anew and comparing bytes shows both.
"""

from pathlib import Path

from protos import generate

STUBS = Path("paymentgateway") / "v1"


def _generated(output: Path) -> dict[str, bytes]:
    """Map each file of the stubs, and the descriptor set, to its bytes."""
    paths = [*(output / STUBS).glob("*.py*"), output / generate.DESCRIPTOR_SET]
    return {path.name: path.read_bytes() for path in paths}


def test_stubs_are_fresh(tmp_path: Path) -> None:
    """Making the stubs and the descriptor set again changes nothing that is committed."""
    generate.main(tmp_path)
    made, committed = _generated(tmp_path), _generated(generate.OUTPUT)
    changed = {name for name in made | committed if made.get(name) != committed.get(name)}
    assert made
    assert not changed, f"run `make protos` and commit: {sorted(changed)}"
