"""Heat templates, environments, roles data and hieradata."""
