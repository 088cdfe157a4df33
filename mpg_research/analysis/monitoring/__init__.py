"""While help is running: expected courses, signals, and how well the signals would have foretold the end."""
