"""Speed, as ratios against a named limit or peer, measured in one run: `python -m bench`."""
