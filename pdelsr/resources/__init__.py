"""What a machine gives: time and memory, and work in pieces that fit into them."""
