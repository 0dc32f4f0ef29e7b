"""The failure lab: its judge everywhere, its ci level where there is root."""
