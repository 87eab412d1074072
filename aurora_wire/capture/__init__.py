"""Where frames come from: capture files of every kind, text dumps, standard input."""
