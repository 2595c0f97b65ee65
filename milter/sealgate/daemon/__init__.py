"""The long-running processes: a supervisor that holds no mail, workers that judge it, one writer, readers."""
