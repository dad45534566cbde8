"""ckit: a local daemon for context repositories."""

__version__ = "0.1.0"
