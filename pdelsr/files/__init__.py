"""Files that are whole or not there, and plain data in them that nobody has to trust."""
