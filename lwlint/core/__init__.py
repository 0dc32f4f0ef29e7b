"""The words of lwlint: sources, facts, checks, findings, the catalogue. They know nothing else of the house."""
