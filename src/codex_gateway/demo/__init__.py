"""Stand-ins that ship: a Bot API server, a scripted Codex, a scripted model, and the demo that puts them on a stage."""
