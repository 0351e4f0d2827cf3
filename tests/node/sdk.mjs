// The SDK for JavaScript, whole, on a loopback connection to itself.
//
// Each line in: {operation, params, answer: {status, headers, body}, session?}. The client sends the
// request to a server in this process, which gives that answer. Each line out: {request: {method,
// target, headers, body}, output | error}: what was on the wire, in base64 where it may be bytes, and
// what the client made of the answer.
// With ADDRESS in the environment the requests go there instead, and no answer is given;
// {operation, params, pageSize} is answered with all the pages that the SDK's paginator gets.
// {"known": true} is answered with the members of each structure of its model.
// Instants are {"$date": milliseconds} on both sides.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import * as sdk from "@aws-sdk/client-connect";

let answer;
let seen;

const server = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const headers = [];
    for (let n = 0; n < request.rawHeaders.length; n += 2)
      headers.push([request.rawHeaders[n], request.rawHeaders[n + 1]]);
    const body = Buffer.concat(parts).toString("base64");
    seen = { method: request.method, target: request.url, headers, body };
    response.sendDate = false;
    response.writeHead(answer.status, answer.headers.flat());
    response.end(Buffer.from(answer.body, "base64"));
  });
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));

function client(sessionToken) {
  return new sdk.ConnectClient({
    endpoint: process.env.ADDRESS ?? `http://127.0.0.1:${server.address().port}`,
    region: process.env.REGION,
    credentials: { accessKeyId: process.env.KEY, secretAccessKey: process.env.SECRET, sessionToken },
    maxAttempts: 1,
  });
}
const clients = { lasting: client(), session: client(process.env.TOKEN) };

function revived(_, value) {
  return value !== null && typeof value === "object" && "$date" in value ? new Date(value.$date) : value;
}

function plain(value) {
  if (value instanceof Date) return { $date: value.getTime() };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "bigint") return Number(value);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line, revived);
  if (question.known) {
    const structures = Object.values(sdk).filter((each) => Array.isArray(each) && Array.isArray(each[4]));
    console.log(JSON.stringify(Object.fromEntries(structures.map((each) => [each[2], each[4]]))));
    continue;
  }
  answer = question.answer;
  seen = null;
  const made = {};
  try {
    const used = clients[question.session ? "session" : "lasting"];
    if (question.pageSize) {
      const pages = sdk[`paginate${question.operation}`]({ client: used, pageSize: question.pageSize }, question.params);
      made.pages = [];
      for await (const { $metadata, ...page } of pages) made.pages.push(plain(page));
    } else {
      const command = new sdk[`${question.operation}Command`](question.params);
      const { $metadata, ...output } = await used.send(command);
      made.output = plain(output);
      made.metadata = $metadata;
    }
  } catch (error) {
    const { $metadata, $fault, $response, $retryable, ...members } = error;
    made.error = {
      kind: error.constructor.name,
      name: error.name,
      message: error.message,
      fault: $fault,
      members: plain(members),
      ours: error instanceof sdk.ConnectServiceException,
      trace: $metadata ? undefined : error.stack,
    };
    made.metadata = $metadata;
  }
  process.stdout.write(JSON.stringify({ ...made, request: seen }) + "\n");
}
process.exit(0);
