"""Model files on this machine: the one that the settings name, and those that installed packages carry."""

from __future__ import annotations

from importlib.metadata import distributions
from pathlib import Path

SUFFIX = ".gguf"


def find_models(model_path: str) -> dict[str, Path]:
    """Return the model files by model name; takes a tenth of a second, so call it in a worker thread.

    Args:
        model_path: of the settings: a file, or a folder with files; '' looks into the installed packages.
    """
    if model_path:
        named = Path(model_path).expanduser()
        found = sorted(named.glob(f"*{SUFFIX}")) if named.is_dir() else [named] if named.is_file() else []
    else:
        found = _packaged()
    return {path.stem: path for path in found}


def _packaged() -> list[Path]:
    return sorted(
        Path(str(file.locate()))
        for distribution in distributions()
        for file in distribution.files or ()
        if file.suffix == SUFFIX
    )
