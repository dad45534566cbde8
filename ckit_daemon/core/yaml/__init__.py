"""YAML 1.2 as context repositories use it: values, problems and exact positions."""

from ckit_daemon.core.yaml.parse import Parsed, Problem, parse
from ckit_daemon.core.yaml.tree import SourceTree

__all__ = ["Parsed", "Problem", "SourceTree", "parse"]
