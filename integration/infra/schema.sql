-- The table that [sinks.postgres.results] of worker/drakkar.ini fills: a row a request and search.
CREATE TABLE IF NOT EXISTS search_results (
    request_id       text             NOT NULL,
    pattern          text             NOT NULL,
    path             text             NOT NULL,
    repeat           integer          NOT NULL,
    match_count      integer          NOT NULL,
    file_count       integer          NOT NULL,
    duration_seconds double precision NOT NULL,
    written_at       timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (request_id, pattern, path)
);
