"""One version everywhere: code, distributions, image, changelog and locks do not contradict."""

import re
import tomllib
from datetime import date
from pathlib import Path

import gateway

ROOT = Path(__file__).resolve().parent.parent
IMAGE = {
    "Dockerfile": re.compile(r'image\.version="([^"]+)"'),
    "compose.yaml": re.compile(r"image: payment-gateway:(\S+)"),
}
RELEASE = re.compile(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d{2}-\d{2})$", re.MULTILINE)


def _declared(folder: str) -> str:
    project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text("utf-8"))["project"]
    return str(project["version"])


def _locked(file: str) -> dict[str, str]:
    """Map each package of a lock to its version."""
    return dict(re.findall(r"^(\S+)==(\S+)", (ROOT / file).read_text("utf-8"), re.MULTILINE))


def _releases() -> list[tuple[str, date]]:
    """List the changelog's releases as it does, each with its day."""
    found = RELEASE.findall((ROOT / "CHANGELOG.md").read_text("utf-8"))
    return [(version, date.fromisoformat(day)) for version, day in found]


def test_every_version_is_the_same() -> None:
    """Server, client, image and the newest entry of the changelog carry one version."""
    assert _declared(".") == gateway.__version__
    assert _declared("clients/python") == gateway.__version__
    assert _releases()[0][0] == gateway.__version__
    for file, pattern in IMAGE.items():
        assert pattern.findall((ROOT / file).read_text("utf-8")) == [gateway.__version__]


def test_what_is_shipped_is_what_is_tested() -> None:
    """Every package of the image is the very one that the tests run on, and all of ours are in."""
    tested, shipped = _locked("requirements.lock"), _locked("requirements-image.lock")
    assert shipped.items() <= tested.items()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = {re.split(r"[^a-z-]", line)[0] for line in project["dependencies"]}
    assert needed - {"payment-gateway-client"} <= shipped.keys()


def test_the_changelog_goes_back_in_time() -> None:
    """The newest release stands first, in versions and in days."""
    releases = [(tuple(map(int, version.split("."))), day) for version, day in _releases()]
    assert releases == sorted(releases, reverse=True)
