"""What every page of ours is made of: drawing code, styles, the land. Data in, pictures out."""
