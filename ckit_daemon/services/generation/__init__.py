"""Specs, prompts, code and entities, written with a language model."""
