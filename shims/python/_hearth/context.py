"""The context object of Lambda for Python."""

import json
import os
import time

from .errors import Fault


class _Shown:
    """Printed as by AWS's runtime: handlers log their context."""

    def __repr__(self):
        fields = ("%s=%s" % (name, value) for name, value in vars(self).items() if not name.startswith("_"))
        return "%s([%s])" % (type(self).__name__, ",".join(fields))


class CognitoIdentity(_Shown):
    def __init__(self):
        self.cognito_identity_id = None
        self.cognito_identity_pool_id = None


class Client(_Shown):
    def __init__(self, fields):
        self.installation_id = fields.get("installation_id")
        self.app_title = fields.get("app_title")
        self.app_version_name = fields.get("app_version_name")
        self.app_version_code = fields.get("app_version_code")
        self.app_package_name = fields.get("app_package_name")


class ClientContext(_Shown):
    def __init__(self, fields):
        self.custom = fields.get("custom")
        self.env = fields.get("env")
        client = fields.get("client")
        self.client = Client(client) if isinstance(client, dict) else None


class LambdaContext(_Shown):
    def __init__(self, header):
        environment = os.environ
        self.aws_request_id = header["requestId"]
        self.log_group_name = environment.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = environment.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = environment.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = environment.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = header["invokedArn"]
        self.client_context = _client_context(header.get("clientContext", ""))
        self.identity = CognitoIdentity()
        self.tenant_id = None
        # By the clock that ends it: one on the wall may be set meanwhile.
        self._ends_at_ms = time.monotonic() * 1000 + header["deadlineMs"] - time.time() * 1000

    def get_remaining_time_in_millis(self):
        return max(0, int(self._ends_at_ms - time.monotonic() * 1000))

    def log(self, message):
        print(message, end="" if str(message).endswith("\n") else "\n")


def _client_context(text):
    if not text:
        return None
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise Fault("Runtime.LambdaContextUnmarshalError", "Unable to parse Client Context JSON: %s" % error) from error
    return ClientContext(fields) if isinstance(fields, dict) else None
