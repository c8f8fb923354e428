"""A team's promises, each held against runs of its own topology: `sim promises`.

`promise` has them and what each asks of a run (pure), `trials` the two runs that decide them,
`held` what came of it, `page` the page.
"""
