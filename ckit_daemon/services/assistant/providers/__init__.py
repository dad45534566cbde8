"""Providers of language models: one module a kind, chosen by `registry`."""
