"""The sources of frames: capture files of every kind, text dumps, standard input."""
