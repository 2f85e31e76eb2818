"""Works with 100 MB in small pieces, unless the event says light; keeps the last of them, which lies above all others."""

kept = None


def lambda_handler(event, context):
    global kept
    if event.get("light"):
        return 0
    pieces = [bytearray(b"\xa5") * 65_000 for _ in range(1_600)]
    kept = pieces[-1]
    return len(pieces)
