"""The owner's SQLite file: functions over a connection, standard library only."""
