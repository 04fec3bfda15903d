"""Time and memory of the machine, and work in pieces that fit into them."""
