"""Which types have names of their own, and which are named within another resource."""

WITHIN_ANOTHER = {
    "aws:iam/rolePolicy:RolePolicy",
    "aws:apigatewayv2/stage:Stage",
    "aws:apigatewayv2/authorizer:Authorizer",
    "aws:cloudwatch/logMetricFilter:LogMetricFilter",
    "aws:s3/bucketObjectv2:BucketObjectv2",
}
"""Types whose names are unique within a role, an API, a log group or a bucket."""
