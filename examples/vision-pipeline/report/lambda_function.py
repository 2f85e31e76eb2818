import json
import os
from datetime import datetime, timezone

import boto3
import psycopg


def lambda_handler(event, context):
    """Writes what was seen so far to reports/DATE.json; the date is the schedule's, so that a late run writes the report that was due."""
    when = datetime.fromisoformat(event["time"]) if isinstance(event, dict) and "time" in event else datetime.now(timezone.utc)
    with psycopg.connect(os.environ["DATABASE_URL"]) as database:
        report = read(database, when)
        # Longer than any event is tried again.
        if report["counted"]:
            database.execute("delete from counted where at < now() - interval '7 days'")
    body = {"date": f"{when:%Y-%m-%d}", "pictures": report["pictures"], "classes": report["classes"]}
    key = f"reports/{body['date']}.json"
    boto3.client("s3").put_object(Bucket="pictures", Key=key, Body=json.dumps(body, indent=2), ContentType="application/json")
    return {"key": key, **body}


def read(database, when):
    """Nothing to tell is a report, too: before the first picture there are no tables."""
    there = dict(database.execute("select t, to_regclass('public.' || t) is not null from unnest(array['detections', 'counted']) t").fetchall())
    pictures = database.execute("select count(distinct picture) from detections").fetchone()[0] if there["detections"] else 0
    classes = {}
    if there["counted"]:
        classes = dict(database.execute("select class, objects from class_counts where objects > 0 order by objects desc, class").fetchall())
    return {"pictures": pictures, "classes": classes, "counted": there["counted"]}
