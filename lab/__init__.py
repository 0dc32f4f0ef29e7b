"""The failure lab: what real services and a real systemd do when the database or the broker fails them. Not part of the wheel."""
