"""lwlint's own rules and catalogue: data, no code."""
