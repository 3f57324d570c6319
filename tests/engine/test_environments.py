"""Environments, regions, protection, secrets and failures on the real engine."""

from __future__ import annotations

import json

import pytest

from tests.engine.stack import SHOP, Stack
from tests.support.projects import ROOT

pytestmark = pytest.mark.engine


@pytest.fixture
def shop(stack: Stack) -> Stack:
    """A small service with its secret set."""
    stack.copy_project(ROOT, "Pulumi.yaml", "__main__.py")
    (stack.project / "handlers").mkdir()
    handler = stack.project / "handlers" / "app.py"
    handler.write_text("def main(event, context): ...\n", "utf-8")
    write(stack, SHOP)
    stack.config_set("parameters.key", "the first value", secret=True, path=True)
    return stack


def write(stack: Stack, text: str) -> None:
    (stack.project / "services.yaml").write_text(text, "utf-8")


def test_a_preview_with_nothing_deployed_says_that_the_url_is_not_known(shop: Stack) -> None:
    preview = shop.preview()
    assert set(preview.changed().values()) == {"create"}
    assert preview.errors == ()
    assert "execute-api" not in preview.output
    assert shop.cloud.resources() == {}


def test_a_second_region_adds_its_own_resources_and_goes_again(shop: Stack) -> None:
    first = shop.up()
    write(shop, SHOP.replace("[eu-west-1]", "[eu-west-1, us-east-1]"))
    second = shop.up().changed()
    resources = {name for name in first.changed() if "." in name or name.startswith("api")}
    assert {name for name in second if name.endswith("@us-east-1")} == {
        f"{name}@us-east-1" for name in resources
    }
    assert set(second.values()) == {"create"}
    assert set(shop.outputs()) == {"eu-west-1", "us-east-1"}

    write(shop, SHOP.replace("[eu-west-1]", "[us-east-1, eu-west-1]"))
    assert shop.up().changed() == {}, "the stack's own region stays home in any order"

    write(shop, SHOP)
    assert set(shop.up().changed()) == set(second)


def test_switching_an_environment_changes_what_it_says(shop: Stack) -> None:
    shop.up()
    write(shop, SHOP + "environments:\n  dev: {functions: {order: {memory: 1024}}}\n")
    assert shop.up().changed() == {"functions.order": "update"}
    assert '"memorySize": 1024' in json.dumps(shop.export())


def test_no_environment_fits_the_stack(shop: Stack) -> None:
    write(shop, SHOP + "environments:\n  prod: {}\n  pr-*: {}\n")
    refused = shop.preview(succeeds=False)
    assert (
        "services.yaml:14:1: environments: no environment fits stack 'dev'; declared are prod, pr-*"
    ) in refused.output
    assert "Traceback" not in refused.output


def test_another_account_than_the_pinned_one(shop: Stack) -> None:
    write(shop, SHOP + 'environments:\n  dev: {account: "999999999999"}\n')
    refused = shop.preview(succeeds=False)
    assert "services.yaml:15:18: environments.dev.account: stack 'dev' is pinned to it" in (
        refused.output
    )
    assert "Traceback" not in refused.output
    assert shop.cloud.resources() == {}


def test_protected_data_is_not_deleted(shop: Stack) -> None:
    write(shop, SHOP + "environments:\n  dev: {protect: true}\n")
    shop.up()
    without = SHOP.replace("buckets:\n  orders: {}\n", "").replace("buckets.orders: read, ", "")
    write(shop, without + "environments:\n  dev: {protect: true}\n")
    refused = shop.up(succeeds=False)
    assert "protected" in refused.output
    assert any(made.type == "aws:s3/bucket:Bucket" for made in shop.cloud.resources().values())


def test_a_rotated_secret_touches_its_parameter_alone(shop: Stack) -> None:
    shop.up()
    shop.config_set("parameters.key", "the second value", secret=True, path=True)
    assert shop.up().changed() == {"parameters.key": "update"}
    assert "the second value" not in json.dumps(shop.export())


def test_what_was_deleted_by_hand_is_made_again(shop: Stack) -> None:
    shop.up()
    shop.cloud.forget("aws:lambda/function:Function", "shop-dev-order")
    shop.refresh()
    assert shop.up().changed()["functions.order"] == "create"


def test_a_refused_resource_is_named_with_its_line_and_the_next_up_goes_on(shop: Stack) -> None:
    shop.cloud.fail("create", "functions.order", "AccessDeniedException: you may not")
    failed = shop.up(succeeds=False)
    assert "AccessDeniedException: you may not" in failed.output
    assert (
        "services.yaml:4:3: functions.order: could not create functions.order; "
        "mend the cause and run pulumi up again"
    ) in failed.output
    assert "Traceback" not in failed.output
    assert "KeyboardInterrupt" not in failed.output
    shop.cloud.heal()
    shop.up()
    assert shop.up().changed() == {}


def test_everything_that_has_to_exist_first_is_a_dependency_in_the_state(shop: Stack) -> None:
    shop.up()
    state = {urn.rpartition("::")[2]: each for urn, each in shop.resources().items()}
    before = {
        name: {urn.rpartition("::")[2] for urn in _listed(each.get("dependencies"))}
        for name, each in state.items()
    }
    assert {"functions.order/role", "functions.order/policy", "functions.order/logs"} <= before[
        "functions.order"
    ]
    assert "functions.order" in before["functions.order/integration"]
    assert "routes.GET /orders/permission" in before["routes.GET /orders"]
    assert "routes.GET /orders" in before["api/stage"]
    assert "buckets.orders/public-access-block" in before["buckets.orders/policy"]


def _listed(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def test_destroy_leaves_nothing(shop: Stack) -> None:
    shop.up()
    shop.destroy()
    assert shop.cloud.resources() == {}
