def lambda_handler(event, context):
    raise ValueError("out of range")
