"""The `ckit` command: a JSON-RPC client of the daemon, and nothing else."""
