"""Units with their drop-ins, and what `systemctl` shows."""
