"""Validation: everything that is wrong with a repository, each finding with its exact place."""

from ckit_daemon.core.validation.codes import CODES, Code
from ckit_daemon.core.validation.engine import validate
from ckit_daemon.core.validation.report import Report

__all__ = ["CODES", "Code", "Report", "validate"]
