import os
import sys
from urllib.parse import unquote_plus

# detect_python is a link to examples/detect-python, followed when this folder is deployed.
sys.path.append(os.path.join(os.environ["LAMBDA_TASK_ROOT"], "detect_python"))

import boto3  # noqa: E402
import psycopg  # noqa: E402
from detector import Detector  # noqa: E402
from errors import PictureError  # noqa: E402
from picture import read_picture  # noqa: E402

# The init phase: once for the snapshot, and every instance has it. No connection yet: none would survive the fork.
detector = Detector(os.environ["MODEL"])
THRESHOLD = float(os.environ.get("THRESHOLD", "0.3"))

TABLE = """
    create table if not exists detections (
        picture text not null, number integer not null, class text not null, score real not null, box real[] not null,
        primary key (picture, number));
    -- so that a change says what was there before, not only its key
    alter table detections replica identity full"""


def lambda_handler(event, context):
    """The rows of a picture are what can be seen in it now: as often as its events come, in whatever order."""
    s3 = boto3.client("s3")
    # Connected for this event only: an idle instance that kept its connection would take it from others.
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as database:
        make_table(database)
        for record in event["Records"]:
            bucket = record["s3"]["bucket"]["name"]
            key = unquote_plus(record["s3"]["object"]["key"])
            with database.transaction():
                # Two events of one picture: the second looks at it when the first is done.
                database.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
                write(database, key, look(s3, bucket, key))


def make_table(database):
    if database.execute("select to_regclass('public.detections')").fetchone()[0] is not None:
        return
    with database.transaction():
        database.execute("select pg_advisory_xact_lock(1)")  # two first pictures at once
        if database.execute("select to_regclass('public.detections')").fetchone()[0] is None:
            database.execute(TABLE)


def look(s3, bucket, key):
    """What is in the picture that has the key now; nothing when there is none, or it is no picture."""
    try:
        picture = read_picture(s3.get_object(Bucket=bucket, Key=key)["Body"].read(), detector.input)
    except s3.exceptions.NoSuchKey:
        return []
    except PictureError as error:
        # Trying again would not help.
        print(f"{key}: {error}")
        return []
    return detector.decode(detector.infer(picture), picture, THRESHOLD)


def write(database, key, objects):
    rows = [(key, number, o["class"], o["score"], [float(edge) for edge in o["box"]]) for number, o in enumerate(objects)]
    database.execute("delete from detections where picture = %s and number >= %s", [key, len(rows)])
    # What is the same already is not written: it would be a change that says nothing.
    database.cursor().executemany(
        """insert into detections values (%s, %s, %s, %s, %s) on conflict (picture, number) do update
           set class = excluded.class, score = excluded.score, box = excluded.box
           where (detections.class, detections.score, detections.box) is distinct from (excluded.class, excluded.score, excluded.box)""",
        rows,
    )
