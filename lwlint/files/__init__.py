"""Bytes: trees, folders, archives, git, the cache, and what is written."""
