"""LSP for every editor: what the daemon does with documents and workspaces, one feature a file."""
