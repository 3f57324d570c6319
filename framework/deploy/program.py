"""The whole of what `pulumi up` runs: check, settle, build, package, register.

In: services.yaml and an optional transform. Out: the stack's resources and its outputs. Mistakes of
the author's end the program with a line each and without a traceback.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pulumi

from framework import compiler
from framework.compiler import Checked
from framework.deploy import failures, settings
from framework.deploy.quiet import without_debug_lines
from framework.deploy.register import register
from framework.deploy.values import Resolver
from framework.language.document import Document
from framework.language.problems import Rejected
from framework.plan.resource import Plan, PlanError, Resource, secrets
from framework.plan.target import Target

Transform = Callable[[Resource], Resource]


def run(file: Path, transform: Transform | None) -> Mapping[str, pulumi.CustomResource]:
    """Deploys the service of `file`. Raises `pulumi.RunError` with the problems of the author's."""
    # A program registers and ends: to look for garbage as often as usual takes a quarter of it.
    gc.freeze()
    gc.set_threshold(10_000)
    without_debug_lines(os.environ)
    failures.end_quietly_when_interrupted()
    try:
        return _deployed(compiler.check(file), transform)
    except PlanError as error:
        raise pulumi.RunError(f"nothing is deployed: {error}") from None
    except Rejected as rejected:
        lines = "\n".join(f"  {problem}" for problem in rejected.problems)
        raise pulumi.RunError(f"nothing is deployed:\n{lines}") from None


def _deployed(checked: Checked, transform: Transform | None) -> Mapping[str, pulumi.CustomResource]:
    stack = pulumi.get_stack()
    document = checked.document(stack)
    for warning in checked.warnings_for(document):
        pulumi.log.warn(str(warning))
    regions = settings.home_regions(document)
    provider = settings.provider(compiler.provider(document, stack, regions[0]))
    account = settings.account(document, provider)
    target = Target(stack, account, regions, document.environment)
    compiler.fit(document, target)
    plan = compiler.build(document, target)
    return _registered(document, plan.transformed(transform) if transform else plan, provider)


def _registered(
    document: Document, plan: Plan, provider: pulumi.ProviderResource
) -> Mapping[str, pulumi.CustomResource]:
    settings.warn_of_size(len(plan.resources))
    needed = (each for one in plan.resources for each in secrets(one.inputs))
    values = settings.secrets(document, needed)
    packages = compiler.package(document, plan, compiler.cache_of(document))
    for warning in compiler.package_warnings(document, plan, packages):
        pulumi.log.warn(str(warning))
    resources: dict[str, pulumi.CustomResource] = {}
    resolver = Resolver(resources, packages, values)
    register(plan, provider, resolver, failures.hook(document, plan), resources)
    for name, value in plan.outputs.items():
        pulumi.export(name, resolver.resolved(value))
    return resources
