"""Tools: what the model and the client can have done in a repository, by the same code for both."""
