"""systemd units with their drop-ins, and what systemctl shows."""
