"""Puppet manifests."""
