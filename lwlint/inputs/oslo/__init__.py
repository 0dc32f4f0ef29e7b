"""Option files of oslo.config."""
