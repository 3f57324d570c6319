"""The words that name sorts of problems to machines, each with what it stands for.

In: the `rule` of a problem. Out: a sentence. The words are stable: they are what a SARIF file's
reader groups, counts and dismisses by. A test fails where the framework uses one that is not here.
"""

from __future__ import annotations

from collections.abc import Mapping

OTHER = "What is written there is not allowed there."
"""For the rules of kinds that are not the framework's own."""

RULES: Mapping[str, str] = {
    # The text.
    "alias": "An alias refers to an anchor that is there, above it, and not to itself.",
    "character": "Control characters and characters that no editor shows are not allowed.",
    "duplicate-key": "A key stands once in a map.",
    "encoding": "The file is UTF-8 text.",
    "key": "The keys of maps are text.",
    "merge": "<< merges maps only.",
    "merge-conflict": "No marks of a merge conflict are left in the file.",
    "number": "Numbers are written so that every reader of YAML takes them for the same.",
    "second-document": "The file is one YAML document.",
    "syntax": "The file is YAML.",
    "tag": "YAML's tags are not supported.",
    "too-deep": "Maps and lists are not nested deeper than anything in services.yaml needs.",
    "too-large": "The file is not larger than any services.yaml needs to be.",
    "too-many": "After so many problems the rest of the file is not read.",
    "unreadable": "The file is there, is a regular file and can be read.",
    # The shape.
    "bool-type": "The value is true or false.",
    "dict-type": "The value is a map.",
    "float-type": "The value is a number.",
    "greater-than-equal": "The number is not less than the least allowed.",
    "int-from-float": "The value is a whole number.",
    "int-type": "The value is a whole number.",
    "invalid": OTHER,
    "less-than-equal": "The number is not more than the most allowed.",
    "list-type": "The value is a list.",
    "literal-error": "The value is one of the words allowed.",
    "missing-field": "A field that has to be there is there.",
    "model-type": "The value is a map.",
    "no-value": "A key has a value.",
    "pattern": "Names and the like have the form that AWS takes.",
    "string-too-long": "The text is not longer than allowed.",
    "string-too-short": "The text is not shorter than allowed.",
    "string-type": "The value is text.",
    "too-long": "There are not more items than allowed.",
    "too-short": "There are not fewer items than allowed.",
    "tuple-type": "The value is a list.",
    "type": "services.yaml is a map.",
    "unknown-field": "Only known fields are used.",
    "value-error": "The value is one that AWS takes.",
    # The meaning.
    "account": "A stack is deployed to the account that its environment is pinned to.",
    "concurrency": "What functions reserve of the account's concurrency can be had.",
    "dot-in-path": "No part of a route's path is . or .., which clients take away.",
    "ignored-handler": "A handler's file is in its function's package.",
    "no-home": "A stack with several regions says which of them is its home.",
    "other-region": "ARNs are of the region and the partition that they are used in.",
    "parameter-reference": "A parameter's value is none that SSM takes for a reference.",
    "preflight": "Browsers' preflights are answered without asking who they are.",
    "requirements": "The lines of a requirements.txt are requirements.",
    "tag-twice": "No two tags have keys that IAM takes for the same.",
    "deprecated-runtime": "A function's runtime is one that AWS still supports.",
    "environment-size": "A function's variables are not larger than Lambda takes.",
    "integrations": "There are not more integrations than an HTTP API takes.",
    "missing-folder": "A function's source folder is there.",
    "missing-handler": "A function's handler is there and can be called with event and context.",
    "missing-import": "What a handler imports is in its folder, its requirements or the runtime.",
    "no-environment": "An environment fits the stack, where some are declared.",
    "no-prefix": "A prefix is given only where what is used has parts.",
    "no-reason": "Whoever turns a control down says why.",
    "no-region": "The region to deploy to is known.",
    "no-secret": "A secret parameter has a value in the stack's configuration.",
    "nobody-notified": "Somebody is told of alarms.",
    "notify-twice": "Alarms go to addresses or to a topic that is there already, not to both.",
    "outside": "Paths stay within the project.",
    "packaging": "A function's source and requirements can be packaged.",
    "partitions": "A stack's regions are of one partition of AWS.",
    "plain-secret": "A secret parameter's value is stored encrypted in the stack's configuration.",
    "policy-size": "What a function uses fits into its role's policy.",
    "region-twice": "A region is named once.",
    "reserved-name": "Names that AWS keeps for itself are not used.",
    "reserved-variable": "Variables that Lambda sets itself are not set.",
    "routes": "There are not more routes than an HTTP API takes.",
    "same-name": "No two entries have the same name on AWS.",
    "same-route": "No two routes answer the same requests.",
    "scopes-without-jwt": "Scopes are asked only of tokens that have some: those of a JWT.",
    "secret-in-environment": "Secrets are parameters, not variables of a function.",
    "secret-value": "The value of a secret is not in services.yaml.",
    "timeout": "A function behind a route answers before API Gateway gives up.",
    "unknown-authorizer": "A route's authorizer is declared.",
    "unknown-entry": "What is referred to is declared.",
    "unknown-function": "A route's function is declared.",
    "unknown-region": "A region is one that is known here.",
    "unknown-runtime": "A function's runtime is one that is known here.",
    "unknown-section": "What is used is of a section that can be used.",
    "unknown-variable": "What is said of a variable is said of one that is there.",
    "unknown-verb": "What is done with an entry is something that can be done with it.",
    "unused-entry": "What is declared is used.",
    "unused-method": "A browser is allowed only methods that some route answers.",
    "variable-twice": "A variable is set once.",
}
"""In three groups: of the file's text, of the values' shape, of what they mean."""


def described(rule: str) -> str:
    """The sentence for a rule."""
    return RULES.get(rule, OTHER)
