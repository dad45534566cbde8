"""Where settings come from: defaults, environment, user file, repository file and client, in increasing weight.

A bad option never stops the daemon: it is reported as a warning and the next lower source holds.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args, get_origin

import msgspec
import orjson

from ckit_daemon.redaction import SECRET_REFERENCE, ValueRedactor, looks_secret, names_secret
from ckit_daemon.settings import REPOSITORY_MAY_SET, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckit_daemon.settings import Group

Source = Literal["default", "environment", "userFile", "repositoryFile", "client"]
WarnSource = Literal["environment", "userFile", "repositoryFile", "client"]

REPOSITORY_FILE = Path(".context-kit", "ckit.toml")
MAX_FILE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """One setting as it is in force; `value` holds JSON values."""

    key: str
    value: object
    source: Source
    description: str


@dataclass(frozen=True, slots=True)
class OptionWarning:
    """An option that was not taken over, and why; the message never repeats a value."""

    key: str
    source: WarnSource
    message: str


@dataclass(frozen=True, slots=True)
class Layer:
    """Options of one source by dotted wire name, e.g. `limits.maxQueued`."""

    source: WarnSource
    options: Mapping[str, object]
    warnings: tuple[OptionWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class _Leaf:
    group: str
    field: str
    name: str
    model: type[Group]
    type: object
    """The type without its bounds and description."""
    description: str
    repository_may_set: bool


def _leaves() -> Iterator[tuple[str, _Leaf]]:
    for group in msgspec.structs.fields(Settings):
        model = cast("type[Group]", group.type)
        for field in msgspec.structs.fields(model):
            base, *annotations = get_args(field.type)
            metas = [item for item in annotations if isinstance(item, msgspec.Meta)]
            yield (
                f"{group.name}.{field.encode_name}",
                _Leaf(
                    group=group.name,
                    field=field.name,
                    name=field.encode_name,
                    model=model,
                    type=base,
                    description="".join(meta.description or "" for meta in metas),
                    repository_may_set=any(meta.extra == REPOSITORY_MAY_SET for meta in metas),
                ),
            )


LEAVES: Mapping[str, _Leaf] = dict(_leaves())
ENVIRONMENT_KEYS: Mapping[str, str] = {f"CKIT_{leaf.group}_{leaf.field}".upper(): key for key, leaf in LEAVES.items()}
RESERVED_ENVIRONMENT = frozenset({"CKIT_CONFIG_FILE"})


@dataclass(frozen=True)
class Configuration:
    """Layers of options, and the settings they make."""

    layers: tuple[Layer, ...]

    @cached_property
    def _resolved(self) -> tuple[Settings, dict[str, Source], tuple[OptionWarning, ...]]:
        values: dict[str, dict[str, object]] = {}
        sources: dict[str, Source] = dict.fromkeys(LEAVES, "default")
        warnings: list[OptionWarning] = []
        for layer in self.layers:
            warnings.extend(layer.warnings)
            for key, value in layer.options.items():
                problem, checked = _check(key, value, layer.source)
                if problem is not None:
                    # People put keys into the wrong places, and this one is told to everybody.
                    warnings.append(OptionWarning(ValueRedactor().text(key), layer.source, problem))
                    continue
                leaf = LEAVES[key]
                values.setdefault(leaf.group, {})[leaf.name] = checked
                sources[key] = layer.source
        return msgspec.convert(values, Settings), sources, tuple(warnings)

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._resolved[0]

    @property
    def warnings(self) -> tuple[OptionWarning, ...]:
        """Options that were not taken over."""
        return self._resolved[2]

    def describe(self, prefix: str = "") -> list[EffectiveSetting]:
        """Return each setting whose key starts with the prefix, with its value and source."""
        settings, sources, _ = self._resolved
        return [
            EffectiveSetting(
                key=key,
                value=msgspec.to_builtins(getattr(getattr(settings, leaf.group), leaf.field)),
                source=sources[key],
                description=leaf.description,
            )
            for key, leaf in LEAVES.items()
            if key.startswith(prefix)
        ]

    def with_client(self, options: Mapping[str, object]) -> Configuration:
        """Return the configuration with the client's (nested) options on top."""
        return Configuration((*self.layers, Layer("client", flatten(options))))

    def without_client(self, key: str, message: str) -> Configuration:
        """Return the configuration without one of the client's options, and with a warning that says why."""
        warning = OptionWarning(key, "client", message)
        return Configuration(
            tuple(
                Layer("client", {k: v for k, v in layer.options.items() if k != key}, (*layer.warnings, warning))
                if layer.source == "client" and key in layer.options
                else layer
                for layer in self.layers
            )
        )

    def for_repository(self, root: Path) -> Configuration:
        """Return the configuration for one repository: its own file stands between the user's and the client's.

        Reads a file; call it from a worker thread.
        """
        layer = read_file(root / REPOSITORY_FILE, "repositoryFile")
        if layer is None:
            return self
        below = tuple(item for item in self.layers if item.source != "client")
        above = tuple(item for item in self.layers if item.source == "client")
        return Configuration((*below, layer, *above))


def load(environment: Mapping[str, str] | None = None) -> Configuration:
    """Return the configuration of environment and user file."""
    env = os.environ if environment is None else environment
    layers = [_environment_layer(env)]
    user = read_file(user_file(env), "userFile")
    if user is not None:
        layers.append(user)
    return Configuration(tuple(layers))


def user_file(environment: Mapping[str, str]) -> Path:
    """Return the path of the user's configuration file, which may not exist (`CKIT_CONFIG_FILE` or the platform's)."""
    if named := environment.get("CKIT_CONFIG_FILE"):
        return Path(named)
    import platformdirs  # noqa: PLC0415 - not needed where the file is named.

    return platformdirs.user_config_path("ckit", appauthor=False) / "config.toml"


def read_file(path: Path, source: WarnSource) -> Layer | None:
    """Return the options of a TOML file; None when there is no such file, a warning when it can't be read."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            return _unreadable(path, source, f"larger than {MAX_FILE_BYTES} bytes")
        return Layer(source, flatten(tomllib.loads(data.decode())))
    except FileNotFoundError:
        return None
    except OSError as error:
        return _unreadable(path, source, error.strerror or "unreadable")
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError):
        return _unreadable(path, source, "not valid TOML")


def flatten(options: Mapping[str, object]) -> dict[str, object]:
    """Return nested options by dotted key, down to the level where settings stand."""
    flat: dict[str, object] = {}
    for group, value in options.items():
        if isinstance(value, dict) and group not in LEAVES:
            fields = cast("dict[str, object]", value)
            flat |= {f"{group}.{name}": item for name, item in fields.items()}
        else:
            flat[group] = value
    return flat


def _environment_layer(environment: Mapping[str, str]) -> Layer:
    options: dict[str, object] = {}
    warnings: list[OptionWarning] = []
    for name, text in environment.items():
        if not name.startswith("CKIT_") or name in RESERVED_ENVIRONMENT:
            continue
        key = ENVIRONMENT_KEYS.get(name)
        if key is None:
            warnings.append(OptionWarning(name, "environment", "There is no setting of this name."))
            continue
        options[key] = text
    return Layer("environment", options, tuple(warnings))


def _check(key: str, value: object, source: WarnSource) -> tuple[str | None, object]:
    """Return (problem, None) or (None, the value as its setting's type)."""
    leaf = LEAVES.get(key)
    try:
        # The environment knows text only; typed sources must say what they mean.
        if leaf is not None and source == "environment" and get_origin(leaf.type) in {dict, list}:
            value = orjson.loads(cast("str", value))
    except orjson.JSONDecodeError:
        return "The value is not valid JSON.", None
    if (problem := _inline_secret(key, value)) is not None:
        return problem, None
    if leaf is None:
        return "There is no setting of this name.", None
    if source == "repositoryFile" and not leaf.repository_may_set:
        return "A repository's own file may not change this setting.", None
    try:
        group = msgspec.convert({leaf.name: value}, leaf.model, strict=source != "environment")
    except msgspec.ValidationError as error:
        if get_origin(leaf.type) is Literal:
            # msgspec would repeat the value.
            return f"Expected one of {', '.join(map(str, get_args(leaf.type)))}.", None
        return f"{str(error).partition(' - at ')[0]}.", None
    return None, getattr(group, leaf.field)


def _inline_secret(name: str, value: object) -> str | None:
    """Say where a value holds a secret itself instead of naming the place where it is kept."""
    if isinstance(value, dict):
        parts = cast("dict[object, object]", value).items()
        return next((found for key, item in parts if (found := _inline_secret(str(key), item))), None)
    if isinstance(value, list):
        items = cast("list[object]", value)
        return next((found for item in items if (found := _inline_secret(name, item))), None)
    if not isinstance(value, str) or not value or SECRET_REFERENCE.fullmatch(value):
        return None
    if names_secret(name):
        return "A secret is given by reference only: `env:NAME`, `keyring:SERVICE/USER` or `client:NAME`."
    if looks_secret(value):
        return "The value looks like a secret; secrets are given by reference only."
    return None


def _unreadable(path: Path, source: WarnSource, problem: str) -> Layer:
    return Layer(source, {}, (OptionWarning(path.name, source, f"The file was ignored: {problem}."),))
