"""What this host gives to the processes of a world, and what it keeps from them."""
