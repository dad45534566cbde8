"""What the daemon does for its client, in the domain's words."""
