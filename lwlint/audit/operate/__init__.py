"""The operator's tools: what runs who, what happens on a failure, and the way to the lightweight architecture."""
