"""Configuration in layers: an option beats the environment, that beats the file, that beats the default.

Every value remembers where it came from; every mistake is told with its key, what was found, what is allowed.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAliasType, cast, get_args, get_origin

import msgspec
from msgspec import Struct
from msgspec.structs import fields

from refold.allowed import allowed, below, is_finite, shown, without_none
from refold.beginning import model_name
from refold.configuration import Configuration
from refold.errors import WrongUsage
from refold.usable import complaints

FILE = "REFOLD_CONFIG"
_PREFIX = "REFOLD_"
_ITEM = re.compile(r"\[[0-9]+\]")

type Table = dict[str, Any]


class Value(Struct, frozen=True, kw_only=True):
    """What is in force under `key`, and the layer that set it."""

    key: str
    value: object
    source: str


class Configured(Struct, frozen=True, kw_only=True):
    """A configuration and the story of its values; `file` is the one that was read, if any was."""

    configuration: Configuration
    values: tuple[Value, ...]
    file: Path | None


def configure(
    file: str | os.PathLike[str] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    options: Mapping[str, object] | None = None,
) -> Configured:
    """Return what is in force: `options` by key, over `environment`, over a TOML file, over the defaults.

    The file is `file`, else `$REFOLD_CONFIG`, else `refold/config.toml` in the user's configuration folder if
    that is there. An option that is None was not given. Raises `WrongUsage`, naming every mistake.
    """
    environment = os.environ if environment is None else environment
    path, read = _read(file, environment)
    given = {key: value for key, value in (options or {}).items() if value is not None}
    mistakes = [f"{path}: {mistake}" for mistake in _mistakes(read, Configuration, "")]
    merged, origins = read, dict.fromkeys(_leaves(read, Configuration), str(path))
    for key, kind in _settable(Configuration):
        name = environment_name(key)
        if name in environment:
            value = _from_text(environment[name], kind)
            mistakes += [f"${name}: {mistake}" for mistake in _mistakes(value, kind, key)]
            _put(merged, origins, key, value, f"${name}")
    for key, value in given.items():
        plain: object = msgspec.to_builtins(value)
        mistakes += [f"option: {mistake}" for mistake in _mistakes(plain, _kind_of(key), key)]
        _put(merged, origins, key, plain, "option")
    if mistakes:
        raise WrongUsage("\n        ".join(mistakes))
    whole: Configuration = msgspec.convert(merged, Configuration)
    if wrong := [f"{_blamed(key, origins, path)}: {key} {said}" for key, said in complaints(whole)]:
        raise WrongUsage("\n        ".join(wrong))
    values = tuple(
        Value(key=key, value=value, source=_source(key, origins))
        for key, value in _flat(_complete(whole), Configuration)
    )
    return Configured(configuration=whole, values=values, file=path)


def default_file(environment: Mapping[str, str]) -> Path:
    """Return where a user's configuration is looked for when nobody names a file."""
    base = environment.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "refold" / "config.toml"


def environment_name(key: str) -> str:
    """Return the environment variable that sets `key`."""
    return _PREFIX + key.upper().replace(".", "_")


def settable() -> tuple[str, ...]:
    """Return the keys that an environment variable can set: those whose value is one text."""
    return tuple(key for key, _ in _settable(Configuration))


# The file ---------------------------------------------------------------------------------------------


def _read(file: str | os.PathLike[str] | None, environment: Mapping[str, str]) -> tuple[Path | None, Table]:
    named = file or environment.get(FILE) or None
    path = Path(named or default_file(environment)).expanduser().absolute()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if named is None:
            return None, {}
        raise WrongUsage(f"the configuration {path} is not there") from None
    except OSError as error:
        raise WrongUsage(f"the configuration {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WrongUsage(f"the configuration {path} is not UTF-8 (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise WrongUsage(f"the configuration {path} is no TOML: {error}") from error
    _rebase(table, path.parent)
    return path, table


def _rebase(table: Table, folder: Path) -> None:
    """Read paths of scripts and of a repository from where the file stands, not from where one is called."""
    repository = table.get("repository")
    if isinstance(repository, str) and repository.strip() and (folder / repository).exists():
        table["repository"] = str(folder / repository)
    models = table.get("models")
    named = cast("Table", models).values() if isinstance(models, dict) else ()
    for holder in (table, *(cast("Table", each) for each in named if isinstance(each, dict))):
        if isinstance(name := holder.get("model"), str):
            holder["model"] = model_name(name, folder)


# Types ------------------------------------------------------------------------------------------------


def _resolved(kind: object) -> Any:  # noqa: ANN401 - a type as an annotation has it
    """Return what a type is when it is given: aliases opened, None left out."""
    while isinstance(kind, TypeAliasType):
        kind = kind.__value__
    return without_none(kind)


def _is_table(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)


def _items_of(kind: object) -> tuple[object, object] | None:
    """Return the types of the keys and values of a table with names of the user's own."""
    arguments = get_args(kind)
    if get_origin(kind) is not dict or (not _is_table(_resolved(arguments[1])) and arguments[1] is not str):
        return None
    return _resolved(arguments[0]), _resolved(arguments[1])


def _settable(table: type[Struct], prefix: str = "") -> Iterator[tuple[str, object]]:
    for field in fields(table):
        kind = _resolved(field.type)
        if _is_table(kind):
            if all(not each.required for each in fields(kind)):
                yield from _settable(kind, f"{prefix}{field.encode_name}.")
        elif get_origin(kind) is not dict:
            yield f"{prefix}{field.encode_name}", field.type


def _kind_of(key: str) -> object:
    kind: object = Configuration
    for part in key.split("."):
        kind = _resolved({field.encode_name: field.type for field in fields(cast("Any", kind))}[part])
    return kind


# Mistakes ---------------------------------------------------------------------------------------------


def _mistakes(value: object, kind: object, key: str) -> Iterator[str]:
    given, found = value, f"{key} is {shown(value)}"
    kind = _resolved(kind) if value is not None else kind
    if _is_table(kind) and isinstance(value, dict):
        yield from _table_mistakes(cast("Table", value), cast("type[Struct]", kind), key)
    elif (items := _items_of(kind)) is not None and isinstance(value, dict):
        names, of = items
        for name, item in cast("Table", value).items():
            if get_origin(names) is Literal and name not in get_args(names):
                yield f"{below(key, name)} is unknown; the names here are {', '.join(get_args(names))}"
            else:
                yield from _mistakes(item, of, below(key, name))
    elif isinstance(value, dict) and (one := _tagged(kind, cast("Table", value))) is not None:
        table = {
            name: each
            for name, each in cast("Table", value).items()
            if name != one.__struct_config__.tag_field
        }
        yield from _table_mistakes(table, one, key)
    elif get_origin(kind) is tuple and isinstance(value, list):
        for number, item in enumerate(cast("list[object]", value), start=1):
            yield from _mistakes(item, get_args(kind)[0], f"{key}[{number}]")
    else:
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError:
            yield f"{found}; it must be {allowed(kind)}"
        else:
            if not is_finite(given):
                yield f"{found}; it must be {allowed(kind)}, and finite"


def _tagged(kind: object, table: Table) -> type[Struct] | None:
    """Return which of a union's tables it is, by what the table itself says."""
    kind = _resolved(kind)
    if _is_table(kind):
        struct = cast("type[Struct]", kind)
        config = struct.__struct_config__
        return struct if config.tag_field is not None and table.get(config.tag_field) == config.tag else None
    return next((found for one in get_args(kind) if (found := _tagged(one, table)) is not None), None)


def _table_mistakes(table: Table, kind: type[Struct], key: str) -> Iterator[str]:
    known = {field.encode_name: field for field in fields(kind)}
    for name, value in table.items():
        if name in known:
            yield from _mistakes(value, known[name].type, below(key, name))
        else:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"the keys here are {', '.join(known)}"
            yield f"{below(key, name)} is unknown; {hint}"
    for name, field in known.items():
        if field.required and name not in table:
            yield f"{below(key, name)} is missing; it must be {allowed(field.type)}"


# Values -----------------------------------------------------------------------------------------------


def _from_text(text: str, kind: object) -> object:
    """Return the value that an environment variable means; a text that means none is a mistake later on."""
    if get_origin(_resolved(kind)) in {tuple, list}:
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return cast("object", msgspec.to_builtins(msgspec.convert(text, _resolved(kind), strict=False)))
    except msgspec.ValidationError:
        return text


def _put(table: Table, origins: dict[str, str], key: str, value: object, source: str) -> None:
    *tables, name = key.split(".")
    for each in tables:
        inner = table.setdefault(each, {})
        if not isinstance(inner, dict):
            return  # A mistake in the file, which is told.
        table = cast("Table", inner)
    table[name] = value
    for under in [each for each in origins if each == key or each.startswith(f"{key}.")]:
        del origins[under]
    origins[key] = source


def _leaves(value: object, kind: object, key: str = "") -> Iterator[str]:
    for name, _ in _flat(value, kind, key):
        yield name


def _flat(value: object, kind: object, key: str = "") -> Iterator[tuple[str, object]]:
    """Yield each value under its whole key; a table that is empty yields nothing."""
    kind = _resolved(kind)
    if _is_table(kind) and isinstance(value, dict):
        known = {field.encode_name: field for field in fields(cast("type[Struct]", kind))}
        for name, field in known.items():
            if name in value:
                yield from _flat(cast("Table", value)[name], field.type, below(key, name))
    elif (items := _items_of(kind)) is not None and isinstance(value, dict):
        for name, item in cast("Table", value).items():
            yield from _flat(item, items[1], below(key, name))
    else:
        yield key, value


def _complete(table: Struct) -> Table:
    """Return the values of a table and of those in it, defaults included, whatever a log leaves out."""
    return {
        field.encode_name: _complete(value)
        if isinstance(value, Struct) and value.__struct_config__.tag is None
        else msgspec.to_builtins(value)
        for field in fields(table)
        for value in (getattr(table, field.name),)
    }


def _source(key: str, origins: Mapping[str, str]) -> str:
    """Return the layer that set `key`, or a table around it."""
    while key not in origins:
        key, dot, _ = key.rpartition(".")
        if not dot:
            return "default"
    return origins[key]


def _blamed(key: str, origins: Mapping[str, str], file: Path | None) -> str:
    """Return the layer that set `key`; where none did, it is missing from a table of the file."""
    source = _source(_ITEM.sub("", key), origins)
    return str(file) if source == "default" and file is not None else source
