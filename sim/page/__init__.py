"""What every page of ours is made of: drawing code, styles, the land. Plain data in, pictures out."""
