"""The service catalogue: which service a resource, unit, alias, template, path or container belongs to."""
