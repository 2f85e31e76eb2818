def lambda_handler(event, context):
    yield "piece"
