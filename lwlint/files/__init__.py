"""Bytes: trees, folders, archives, git, the cache, processes, and files that appear whole or not at all."""
