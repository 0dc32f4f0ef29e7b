"""Pacemaker: CIBs, configuration as pcs and crm print it, and the status of a cluster."""
