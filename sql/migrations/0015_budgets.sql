-- What a train, or one client key of it, may use in a day, week or month. Evaluated from the roll-ups (core/budgets.py).

CREATE TABLE budgets (
    budget integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    train integer NOT NULL REFERENCES trains (train),
    key_id text CHECK (length(key_id) BETWEEN 1 AND 256),
    unit text NOT NULL CHECK (unit IN ('usd', 'tokens')),
    amount numeric(18, 6) NOT NULL CHECK (amount > 0),
    period text NOT NULL CHECK (period IN ('day', 'week', 'month')),
    zone text NOT NULL CHECK (length(zone) <= 64),
    hard boolean NOT NULL DEFAULT false,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN budgets.hard IS 'Whether the proxy is to refuse what goes beyond; a soft one only warns.';
COMMENT ON COLUMN budgets.unit IS 'usd of priced requests, or tokens: input and output as reported.';
CREATE UNIQUE INDEX budgets_of ON budgets (train, coalesce(key_id, ''), unit, period);
