"""Who may import whom: the walls of the house, read from the source and checked without exceptions.

Each folder or module directly under `gateway/` is a room. A room may import the rooms and the
third-party packages that stand in its row of `ROOMS`, its own modules, and the standard library.
Imports point to `domain/`, so that a driver type never comes above `store/`, a proto type never
goes below `rpc/` and a provider never leaves `channels/`. There is no list of exceptions: what does
not fit is moved to the room where it belongs.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GATEWAY = ROOT / "gateway"
CLIENTS = ROOT / "clients"

IMPURE = """asyncio concurrent ctypes fcntl ftplib glob http importlib io logging mmap os pathlib
    multiprocessing random sched select selectors shelve shutil signal smtplib socket socketserver
    sqlite3 ssl subprocess sys tempfile threading time urllib warnings"""
MEASURING = "logging"


@dataclass(frozen=True)
class Room:
    """What one room may import, besides itself and the standard library less `never`."""

    rooms: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()


def _room(rooms: str = "", packages: str = "", never: str = "") -> Room:
    return Room(*(frozenset(names.split()) for names in (rooms, packages, never)))


LEAVES = "clock config telemetry"
ROOMS = {
    "domain": _room(never=IMPURE),
    "clock": _room(),
    "config": _room(packages="pydantic pydantic_settings"),
    "telemetry": _room(packages="prometheus_client structlog"),
    "usecases": _room("domain clock", never=MEASURING),
    "store": _room("domain clock telemetry", "asyncpg"),
    "channels": _room("domain clock telemetry", "aiohttp cryptography yarl"),
    "rpc": _room(
        "usecases domain clock telemetry",
        "google grpc grpc_health grpc_reflection grpc_status paymentgateway protovalidate",
    ),
    "notify": _room("usecases domain clock telemetry", "aiohttp"),
    "workers": _room("usecases domain clock telemetry"),
    "ops": _room("clock telemetry", "aiohttp"),
    "emulators": _room(packages="aiohttp cryptography structlog yarl"),
    "app": _room(f"domain usecases store channels rpc notify workers ops {LEAVES}", "uvloop"),
    "cli": _room("app config telemetry emulators rpc", "uvloop"),
    "__init__": _room(),
    "__main__": _room("cli"),
}


@dataclass(frozen=True)
class Import:
    """One import statement of a module."""

    target: str
    inner: bool  # stands inside a function

    @property
    def top(self) -> str:
        """First name of the dotted path: the distribution's package, or `gateway`."""
        return self.target.partition(".")[0]


def _imports(source: str, module: str) -> Iterator[Import]:
    """Yield every import of a module, of names as the modules they may be."""
    tree = ast.parse(source)
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    inner = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, functions)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, id(node) in inner)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports by relative path; write the whole path"
            for alias in node.names:
                yield Import(f"{node.module}.{alias.name}", id(node) in inner)


def _room_of(module: str) -> str:
    """Give the room of a `gateway` module; `gateway.x` and `gateway.x.y` both stand in `x`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def _violations(module: str, source: str) -> list[str]:
    """List what one module of the gateway imports against the rules of its room."""
    own = _room_of(module)
    room = ROOMS[own]
    found = []
    for item in _imports(source, module):
        if item.top == "gateway":
            target = _room_of(item.target)
            target = target if target in ROOMS else "__init__"
            if target not in {own, "__init__"} | room.rooms:
                found.append(f"{module} imports {item.target}: {own} may not see {target}")
            if item.inner:
                found.append(f"{module} imports {item.target} inside a function")
        elif item.top in sys.stdlib_module_names:
            if item.top in room.never:
                found.append(f"{module} imports {item.target}: {own} does nothing of that kind")
        elif item.top not in room.packages:
            found.append(f"{module} imports {item.target}: {item.top} has no place in {own}")
    return found


def _modules(folder: Path, above: Path) -> dict[str, Path]:
    """Map the dotted name of each module below `folder`, as seen from `above`, to its file."""
    return {
        ".".join(path.relative_to(above).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted(folder.rglob("*.py"))
    }


def _graph(sources: dict[str, str]) -> dict[str, set[str]]:
    """Map each module to the modules of the gateway that it imports."""
    graph: dict[str, set[str]] = {}
    for module, source in sources.items():
        targets = {item.target for item in _imports(source, module)}
        found = {target if target in sources else target.rpartition(".")[0] for target in targets}
        graph[module] = found & sources.keys()
    return graph


def _sources() -> dict[str, str]:
    return {name: path.read_text() for name, path in _modules(GATEWAY, ROOT).items()}


def test_every_room_is_known() -> None:
    """A folder or module under gateway/ has its row in the table before it has code."""
    found = {_room_of(name) for name in _modules(GATEWAY, ROOT)}
    assert found <= ROOMS.keys(), f"rooms without a row: {sorted(found - ROOMS.keys())}"


def test_imports_keep_to_the_table() -> None:
    """No module imports a room, a package or a kind of I/O that its row does not name."""
    found = [line for name, source in _sources().items() for line in _violations(name, source)]
    assert not found, "\n".join(found)


def test_no_cycles() -> None:
    """Modules can be read in an order in which nothing is used before it was read."""
    TopologicalSorter(_graph(_sources())).prepare()


def test_the_table_has_no_cycles() -> None:
    """Rooms lie above one another, so no two of them can come to need each other."""
    TopologicalSorter({name: room.rooms for name, room in ROOMS.items()}).prepare()


def test_clients_do_not_know_the_gateway() -> None:
    """What callers install works without the server's code."""
    found = [
        name
        for name, path in _modules(CLIENTS, CLIENTS).items()
        if any(item.top == "gateway" for item in _imports(path.read_text(), name))
    ]
    assert not found, f"clients that import the gateway: {found}"


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("gateway.domain.money", "import asyncio"),
        ("gateway.domain.money", "from logging import getLogger"),
        ("gateway.domain.money", "from gateway import clock"),
        ("gateway.usecases.pay", "from gateway.store.payments import Payments"),
        ("gateway.usecases.pay", "import asyncpg"),
        ("gateway.store.pool", "import gateway.channels.sandbox"),
        ("gateway.workers.loop", "import grpc"),
        ("gateway.emulators.sandbox", "from gateway.domain import money"),
        ("gateway.rpc.server", "def start():\n    from gateway.usecases import pay"),
        ("gateway.cli", "from gateway.store import pool"),
    ],
)
def test_a_wrong_import_is_found(module: str, source: str) -> None:
    """An import that breaks a rule is reported, whatever form it is written in."""
    assert len(_violations(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("gateway.domain.money", "from dataclasses import dataclass"),
        ("gateway.domain.payment", "from gateway.domain import money"),
        ("gateway.usecases.pay", "import asyncio\nfrom gateway.domain.money import Money"),
        ("gateway.store.pool", "import asyncpg\nfrom gateway.clock import Clock"),
        ("gateway.rpc.server", "from gateway import __version__"),
        ("gateway.app", "from gateway.store import pool\nfrom gateway.channels import sandbox"),
    ],
)
def test_a_right_import_is_let_pass(module: str, source: str) -> None:
    """An import that the table allows is not reported."""
    assert _violations(module, source) == []


def test_a_cycle_is_found() -> None:
    """Two modules that import each other are seen as a cycle."""
    sources = {"gateway.a": "from gateway.b import x", "gateway.b": "from gateway import a"}
    assert _graph(sources) == {"gateway.a": {"gateway.b"}, "gateway.b": {"gateway.a"}}
