"""What a world would cost at Fly: prices, and bills computed from a journal."""
