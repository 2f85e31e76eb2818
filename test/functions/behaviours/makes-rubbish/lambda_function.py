def lambda_handler(event, context):
    """Leaves megabytes behind, event.rounds times, in cycles that only the collector can find."""
    kept = []
    for i in range(event["rounds"]):
        kept = [{"i": i, "j": j} for j in range(50_000)]
        for item in kept:
            item["self"] = item
    return len(kept)
