"""What the gateway keeps in the database, as SQL. The ledger reads it back with `STORED`.

Batches travel as JSON: for arrays asyncpg asks the database about their types first, which costs
each new connection six round trips.
"""

from __future__ import annotations

# Any number will do, as long as every gateway takes the same: it makes those that start at the
# same time create the tables one after the other.
_LOCK = 7_266_019

_TABLES = f"""
BEGIN;
SELECT pg_advisory_xact_lock({_LOCK});
CREATE TABLE IF NOT EXISTS sessions (
    id text PRIMARY KEY,
    region text NOT NULL,
    machine text NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS messages (
    position bigserial PRIMARY KEY,
    session text NOT NULL,
    seq bigint NOT NULL,
    body text NOT NULL,
    region text NOT NULL,
    machine text NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS messages_by_session ON messages (session, seq);
{{once}}
COMMIT;
"""

_ONCE = "CREATE UNIQUE INDEX IF NOT EXISTS messages_once ON messages (session, seq);"
_MANY = "DROP INDEX IF EXISTS messages_once;"


def create(*, dedupe: bool) -> str:
    """Create what is missing: idempotent, and safe when several do it at the same time."""
    return _TABLES.format(once=_ONCE if dedupe else _MANY)


OPEN = """
WITH asked AS (SELECT DISTINCT json_array_elements_text($1::json) AS id),
opened AS (
    INSERT INTO sessions (id, region, machine) SELECT id, $2, $3 FROM asked ORDER BY id
    ON CONFLICT DO NOTHING
),
numbered AS (
    SELECT session, seq, row_number() OVER (PARTITION BY session ORDER BY seq) AS nth
    FROM (
        SELECT DISTINCT session, seq FROM messages WHERE session IN (SELECT id FROM asked)
    ) AS once
)
SELECT asked.id, count(numbered.seq) AS acked
FROM asked LEFT JOIN numbered ON numbered.session = asked.id AND numbered.seq = numbered.nth
GROUP BY asked.id
"""
"""Open or resume the sessions $1 from region $2, machine $3: each with the highest seq up to which
all are stored. Seqs count from 1, so these are the ones that equal their rank."""

_INSERT = """
INSERT INTO messages (session, seq, body, region, machine)
SELECT session, seq, body, $2, $3
FROM ROWS FROM (json_to_recordset($1::json) AS (session text, seq bigint, body text))
    WITH ORDINALITY AS m (session, seq, body, nth)
ORDER BY nth
"""


def insert(*, dedupe: bool) -> str:
    """Store messages: $1 is a list of {session, seq, body}, $2 the region, $3 the machine."""
    return _INSERT + ("ON CONFLICT (session, seq) DO NOTHING" if dedupe else "")


STORED = "SELECT session, seq, region, machine FROM messages ORDER BY position"
"""Every stored message, in the order of storing."""
