"""Edits of a repository as plans: what to write, make, rename and delete, with every untouched byte kept."""
