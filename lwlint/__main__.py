"""`python -m lwlint`."""

from lwlint.cli import entry

entry()
