"""CIBs, configuration as `pcs` prints it, and the status of a cluster."""
