"""The wire contract: pydantic models of every message and the table of methods."""
