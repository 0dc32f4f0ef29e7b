"""Audits: reports of many hosts and whole file systems, judged host by host and cluster by cluster, with one answer."""
