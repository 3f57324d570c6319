"""Local mode: a plan as a running service on this machine, with no AWS account.

In: a `Plan` (never services.yaml). Out: `service.serve`, `service.running`, `service.Settings`,
`errors.LocalError`; `interpreters.interpreter_for` tells packaging which Python runs a
function. The only room that imports moto or boto3, and moto only in a process of its own.

    service      binds the ports, wires the rest, ends it
    model        what the plan holds, typed;  values: its inputs as plain data
    server       HTTP in and out, by connection and stream on the loop;  http_messages: a request
                 and a response as data
    gateway      API Gateway: router, throttle, cors, authorizer, event, response
    workers      Lambda: processes of worker_main (worker_system, worker_logging, worker_errors),
                 forked by template_main;  processes, environment, interpreters, runtime_packages,
                 sources (did a file change), output (what handlers print)
    gate         IAM in front of the cloud: needs, s3_needs, ssm_needs, policy, advice, refusals,
                 s3_deletion
    cloud        the process of cloud_main, which is moto
    announce     what is said at the start
    console      the page under /_services, and the history of what happened that it shows
"""
