"""Deploys as flyctl makes them: a plan for each strategy, and one hand that carries it out."""
