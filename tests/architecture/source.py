"""The source code as data: every module of ours, parsed, with what it imports and calls."""

import ast
import re
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAYERS = ("eventlog", "projections", "actors", "refold")
"""From the ground up; each may import itself and what stands before it."""

_DOTTED = re.compile(r"refold(\.[a-z_]+)+\Z")


class Module:
    """One file of the product; `name` is what it is imported as."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text()
        place = path.relative_to(ROOT).with_suffix("").parts
        parts = place if place[0] == "refold" else ("refold", *place)
        self.name = ".".join(part for part in parts if part != "__init__")

    @property
    def layer(self) -> int:
        return layer(self.name)

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    @cached_property
    def imports(self) -> frozenset[str]:
        """Every dotted name imported anywhere in the file, late imports and names in strings included."""
        return frozenset(self._imports())

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that the code uses, whatever its texts and comments say."""
        return frozenset(
            name
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Name | ast.Attribute | ast.arg)
            and (
                name := getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "arg", None)
            )
        )

    def _imports(self) -> Iterator[str]:
        for node in ast.walk(self.tree):
            match node:
                case ast.Import(names):
                    yield from (alias.name for alias in names)
                case ast.ImportFrom(module, names, level):
                    source = "." * level + (module or "")
                    yield source
                    yield from (f"{source}.{alias.name}" for alias in names)
                case ast.Constant(str(text)) if _DOTTED.match(text):
                    yield text
                case _:
                    pass

    def __repr__(self) -> str:
        return str(self.path.relative_to(ROOT))


def layer(name: str) -> int:
    """Return the height of a module of ours: 0 is the ground."""
    parts = name.split(".")
    return LAYERS.index(parts[1]) if len(parts) > 1 and parts[1] in LAYERS else len(LAYERS) - 1


@cache
def modules() -> tuple[Module, ...]:
    """Return every module of the product, each once, where it stands rather than where it is linked."""
    found: list[Path] = []
    for top in LAYERS:
        folder = ROOT / top
        found += (
            path
            for path in sorted(folder.rglob("*.py"))
            if not any(parent.is_symlink() for parent in path.parents)
            and "demo/repository" not in path.as_posix()
        )
    return tuple(Module(path) for path in found)


@cache
def by_name() -> dict[str, Module]:
    return {module.name: module for module in modules()}


def reached_from(start: Module) -> tuple[Module, ...]:
    """Return `start` and every module of ours that it imports, however indirectly, packages left out."""
    known, waiting = {start.name: start}, [start]
    while waiting:
        for name in waiting.pop().imports:
            module = by_name().get(name)
            if module is not None and not module.is_package and name not in known:
                known[name] = module
                waiting.append(module)
    return tuple(known.values())
