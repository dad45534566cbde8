"""JSON-RPC side of the daemon: dispatch, errors and one route per method."""
