import io
from urllib.parse import unquote_plus

import boto3
from PIL import Image, ImageOps, UnidentifiedImageError

SIDE = 256

Image.preinit()  # the decoders, before the fork


def lambda_handler(event, context):
    """Each picture under in/ has a thumbnail under thumbnails/, and a picture that is gone has none."""
    s3 = boto3.client("s3")
    for record in event["Records"]:
        bucket = record["s3"]["bucket"]["name"]
        key = unquote_plus(record["s3"]["object"]["key"])
        thumbnail = f"thumbnails/{key.removeprefix('in/')}.jpg"
        while True:
            seen = version(s3, bucket, key)
            write(s3, bucket, key, thumbnail)
            # Another upload of the key may have come and gone meanwhile, its thumbnail written over by ours: then look again.
            if version(s3, bucket, key) == seen:
                break


def version(s3, bucket, key):
    try:
        return s3.head_object(Bucket=bucket, Key=key)["ETag"]
    except s3.exceptions.ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return None
        raise


def write(s3, bucket, key, thumbnail):
    try:
        data = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        body = shrink(data)
    except s3.exceptions.NoSuchKey:
        return s3.delete_object(Bucket=bucket, Key=thumbnail)
    except UnidentifiedImageError:
        # Trying again would not make it one.
        print(f"{key} is no picture")
        return s3.delete_object(Bucket=bucket, Key=thumbnail)
    s3.put_object(Bucket=bucket, Key=thumbnail, Body=body, ContentType="image/jpeg")


def shrink(data):
    image = Image.open(io.BytesIO(data))
    image.draft("RGB", (2 * SIDE, 2 * SIDE))  # decode a large JPEG no larger than needed
    image = ImageOps.exif_transpose(image).convert("RGB")
    image.thumbnail((SIDE, SIDE))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()
