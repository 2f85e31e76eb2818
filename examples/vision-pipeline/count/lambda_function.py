import os
from collections import Counter

import psycopg

TABLES = """
    create table if not exists class_counts (class text primary key, objects bigint not null);
    create table if not exists counted (event_id text primary key, at timestamptz not null default now())"""


def lambda_handler(event, context):
    """Counts what was added to the table of detections and what was taken away; each change once, however often it comes."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as database:
        make_tables(database)
        # One transaction: the ids are remembered if and only if the changes are counted.
        change = Counter()
        for record in event["Records"]:
            new = database.execute("insert into counted (event_id) values (%s) on conflict do nothing", [record["eventID"]])
            if new.rowcount == 0:
                continue
            if record["after"]:
                change[record["after"]["class"]] += 1
            if record["before"]:
                change[record["before"]["class"]] -= 1
        # In one order, or two batches could each wait for the other.
        for name, objects in sorted(change.items()):
            database.execute(
                """insert into class_counts values (%s, %s) on conflict (class) do update
                   set objects = class_counts.objects + excluded.objects""",
                [name, objects],
            )


def make_tables(database):
    if database.execute("select to_regclass('public.counted')").fetchone()[0] is None:
        database.execute("select pg_advisory_xact_lock(2)")  # two first batches at once
        database.execute(TABLES)
        database.commit()
