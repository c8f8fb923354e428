"""Deploys as flyctl makes them: a plan for each strategy, and what carries it out."""
