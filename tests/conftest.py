"""What holds for all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A busy machine takes as long as it takes, and whoever runs the tests gets the same values as everybody else: what
# other ones would find is for whoever raises the number of examples to see.
settings.register_profile(
    "ckit", deadline=None, derandomize=True, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ckit")
