"""What everyone writes first: reads what was uploaded, writes something of it beside. Nothing here knows of Hearth."""
from urllib.parse import unquote_plus

import boto3

s3 = boto3.client("s3")


def lambda_handler(event, context):
    for record in event["Records"]:
        bucket = record["s3"]["bucket"]["name"]
        key = unquote_plus(record["s3"]["object"]["key"])
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        s3.put_object(Bucket="results", Key=key + ".txt", Body=f"{len(body)} bytes".encode())
