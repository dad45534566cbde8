"""Use cases: what a client can ask for, in terms of the engine and of ports that adapters implement."""
