"""Embedders: the one that comes with the daemon, and those of the providers of models."""
