from datetime import datetime, timezone

# The init phase: once for the snapshot, and every instance has what it made.
MADE_AT = datetime.now(timezone.utc).isoformat()


def lambda_handler(event, context):
    """What every function looks like: an event comes in, an answer goes out."""
    name = event.get("name", "world") if isinstance(event, dict) else "world"
    return {"message": f"Hello, {name}!", "requestId": context.aws_request_id, "madeAt": MADE_AT}
