"""Policy: rules, settings, exceptions and baselines."""
