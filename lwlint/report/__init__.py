"""Reporters: a report -> text in one format. Each format is one module, imported when it is asked for."""
