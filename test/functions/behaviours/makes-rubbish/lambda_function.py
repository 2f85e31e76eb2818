import gc


def lambda_handler(event, context):
    """Makes rubbish that only the collector can find and collects all of it, event.rounds times."""
    kept = []
    for i in range(event["rounds"]):
        kept = [{"i": i, "j": j} for j in range(10_000)]
        for item in kept:
            item["self"] = item
        gc.collect()
    return len(kept)
