// AWS Lambda's signature: the same file for Hearth, serverless-offline and lambda-local.
exports.handler = async (event) => event;
