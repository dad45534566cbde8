"""Conversations with a language model: providers, sessions, turns, tools and approvals."""
