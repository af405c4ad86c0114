"""What Codex writes, read: session files as they grow, and the lines of `--json`."""
