"""What outlives the daemon: SQLite, one file per group of tables."""
