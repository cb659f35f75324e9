"""What both stages of training share: rows, the run and its lock, checks and alarms."""
