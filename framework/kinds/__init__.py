"""The kinds of entry there are: one file and one line each.

In: the checked document. Out: resources. The order is that of the reference and of the schema.
"""

from framework.kinds import alarms, api, bucket, function, parameter, route
from framework.kinds.kind import Kinds

KINDS: Kinds = (
    function.KIND,
    route.KIND,
    bucket.KIND,
    parameter.KIND,
    api.KIND,
    alarms.KIND,
)
