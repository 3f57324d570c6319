"""Which types have names of their own, and which are named within another resource."""

WITHIN_ANOTHER = {
    "aws:iam/rolePolicy:RolePolicy",
    "aws:apigatewayv2/stage:Stage",
    "aws:apigatewayv2/authorizer:Authorizer",
    "aws:cloudwatch/logMetricFilter:LogMetricFilter",
}
"""Types whose names are unique within a role, an API or a log group."""
