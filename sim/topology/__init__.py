"""What the user wrote: the model, its schema and loading, geography, addresses."""
