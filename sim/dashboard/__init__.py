"""The live page of a running world: a model of its journal, and the page that shows it."""
