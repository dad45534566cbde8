"""The command on a machine without any network."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

NAMESPACE = ["unshare", "--map-root-user", "--net"]


@pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's")
def test_the_whole_demo_runs_with_the_network_cut_off(tmp_path: Path) -> None:
    if subprocess.run([*NAMESPACE, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this system gives nobody a network namespace")
    own = {name: str(tmp_path / name) for name in ("CKIT_PATHS_CACHE_DIR", "CKIT_PATHS_STATE_DIR")}
    run = subprocess.run(
        [*NAMESPACE, sys.executable, "-m", "ckit_daemon.cli.main", "demo"],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, **own, "CKIT_CONFIG_FILE": os.devnull, "COLUMNS": "160"},
    )
    assert run.returncode == 0, run.stderr
    for part in ("T-009 is changed", "SPEC-008 is contexts/specs/", "[1]", "no findings in 44 entities"):
        assert part in run.stdout.replace("**", ""), run.stdout[-3000:]
