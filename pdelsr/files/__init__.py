"""Files that are whole or not there, with plain data that is checked when read."""
