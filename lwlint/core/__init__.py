"""The words of lwlint: sources, facts, checks, findings, kinds of input and the catalogue of services."""
