"""Terraform: apply, plan without a change, update, plan, destroy, for every kind the provider has.

The AWS provider comes from a local mirror: what RINGFLOOR_TEST_TERRAFORM_MIRROR names, or one that
is found where system packages put such things. Nothing is fetched.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from acceptance.conftest import KEY, REGION, SECRET

HERE = Path(__file__).resolve().parents[1] / "terraform"
CONFIGURATIONS = sorted(path.name for path in HERE.iterdir() if path.is_dir())
PROVIDER = "registry.terraform.io/hashicorp/aws"
MIRROR = "RINGFLOOR_TEST_TERRAFORM_MIRROR"
USUAL = (
    Path.home() / ".terraform.d/plugins",
    Path.home() / ".local/share/terraform/plugins",
    Path("/usr/local/share/terraform/plugins"),
    Path("/usr/share/terraform/plugins"),
    *Path("/opt").glob("*"),
)


def mirror() -> Path:
    named = os.environ.get(MIRROR)
    for place in [Path(named)] if named else USUAL:
        if (place / PROVIDER).is_dir():
            return place
    # Terraform's provider is in no registry of Python's, Debian's or npm's packages.
    pytest.skip(f"no local mirror with Terraform's AWS provider: say where in {MIRROR}")


class Terraform:
    """A directory in which terraform runs on one configuration."""

    def __init__(self, work: Path, configuration: str, address: str = "http://localhost") -> None:
        binary = shutil.which("terraform")
        if binary is None:
            # Nor is terraform itself.
            pytest.skip("no terraform on the path")
        self.binary, self.work = binary, work
        settings = work / "settings.tfrc"
        settings.write_text(
            "disable_checkpoint = true\n"
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror()}"\n  }}\n}}\n'
        )
        for source in (HERE / "provider.tf", *(HERE / configuration).glob("*.tf")):
            shutil.copy(source, work)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(work),
            "TF_CLI_CONFIG_FILE": str(settings),
            "TF_IN_AUTOMATION": "1",
            "TF_VAR_address": address,
            "TF_VAR_alias": f"tf-{configuration}",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "2",
        }
        self.run("init", "-input=false")

    def run(self, command: str, *options: str, expect: int = 0) -> str:
        done = subprocess.run(
            [self.binary, command, *options, "-no-color"],
            capture_output=True,
            text=True,
            timeout=110,
            cwd=self.work,
            env=self.environment,
            check=False,
        )
        assert done.returncode == expect, f"terraform {command}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def apply(self, *options: str) -> str:
        return self.run("apply", "-auto-approve", "-input=false", "-parallelism=20", *options)

    def plan(self, *options: str) -> str:
        """Fails if there is anything to change."""
        return self.run("plan", "-detailed-exitcode", "-input=false", *options)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_apply_plan_update_destroy(start, tmp_path, configuration):
    server = start("--memory")
    terraform = Terraform(tmp_path, configuration, server.address)
    made = terraform.apply()
    assert re.search(r"Apply complete! Resources: [1-9]\d* added, 0 changed, 0 destroyed", made)
    terraform.plan()
    changed = terraform.apply("-var=changed=true")
    assert re.search(r"Apply complete! Resources: \d+ added, [1-9]\d* changed", changed)
    terraform.plan("-var=changed=true")
    gone = terraform.run("destroy", "-auto-approve", "-input=false", "-var=changed=true")
    assert re.search(r"Destroy complete! Resources: [1-9]\d* destroyed", gone)
    assert server.client().list_instances()["InstanceSummaryList"] == []


@pytest.mark.slow
def test_every_kind_of_the_provider_is_there(tmp_path):
    terraform = Terraform(tmp_path, CONFIGURATIONS[0])
    schemas = json.loads(terraform.run("providers", "schema", "-json"))
    kinds = schemas["provider_schemas"][PROVIDER]
    written = "".join(path.read_text() for path in HERE.rglob("*.tf"))
    for word, table in (("resource", "resource_schemas"), ("data", "data_source_schemas")):
        there = set(re.findall(rf'^{word} "(aws_connect_\w+)"', written, re.MULTILINE))
        assert there == {kind for kind in kinds[table] if kind.startswith("aws_connect_")}, word
