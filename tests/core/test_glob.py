"""Which paths globs fit."""

from __future__ import annotations

import time

import pytest

from ckit_daemon.core.glob import fits


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("docs/a.md", "**", True),
        ("docs/a.md", "docs/*", True),
        ("docs/a.md", "*.md", False),
        ("docs/a.md", "**/*.md", True),
        ("a.md", "**/*.md", True),
        ("docs/a.md", "docs/**", True),
        ("docs", "docs/**", True),
        ("docs/deep/er/a.md", "docs/**/a.md", True),
        ("docs/a.md", "docs/**/**/a.md", True),
        ("docs/a.md", "**/docs", False),
        ("a/b/c/b/d", "a/**/b/d", True),
        ("a/b/c/b/d", "a/**/b/c", False),
        ("docs/A.md", "docs/a.md", False),
        ("docs/a.md", "", False),
    ],
)
def test_two_stars_stand_for_any_number_of_folders(path: str, pattern: str, expected: bool) -> None:
    assert fits(path, pattern) is expected


def test_R36_a_glob_of_many_stars_takes_time_that_grows_with_its_length() -> None:
    def seconds(stars: int) -> float:
        began = time.perf_counter()
        assert not fits("contexts/features/of/members/FEAT-001.yaml", "**/" * stars + "x")
        return time.perf_counter() - began

    assert min(seconds(120) for _ in range(3)) < 100 * min(seconds(12) for _ in range(3)) + 0.01
