"""The process of a turn: its command line and environment, its start and end, and what /proc tells of it."""
