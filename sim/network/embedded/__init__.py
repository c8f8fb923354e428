"""A link server of our own: Toxiproxy's API and toxics, in this process, seeded."""
