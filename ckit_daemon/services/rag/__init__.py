"""Retrieval: passages of a repository, found by meaning and by words, and answers that cite them."""
