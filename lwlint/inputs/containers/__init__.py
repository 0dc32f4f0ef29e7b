"""Containers, as podman, docker and their start configurations describe them."""
