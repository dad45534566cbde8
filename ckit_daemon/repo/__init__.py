"""Context repositories on disk: read, watched, cached and changed all or nothing."""
