"""The hall: where requests become runs, and outcomes reach people. Knows our rows and the ports, nothing else."""
