// What the real Node SDK does with each answer, watched by a proxy between the two.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import RudderAnalytics from "@rudderstack/rudder-sdk-node";
import { Gateway, WRITE_KEY } from "./gateway.mjs";

/** Passes requests on to the gateway that `target` names now, and notes the answers. */
async function watched(target, mangle = (body) => body) {
  const answers = [];
  const proxy = createServer(async (request, response) => {
    const chunks = await request.toArray();
    const { host, connection, "content-length": length, ...headers } = request.headers;
    const body = mangle(Buffer.concat(chunks), headers);
    const answer = await fetch(target() + request.url, { method: request.method, headers, body });
    const text = await answer.text();
    answers.push({ status: answer.status, at: Date.now(), ...(text.startsWith("{") && JSON.parse(text).error) });
    response.writeHead(answer.status, { "retry-after": answer.headers.get("retry-after") ?? "" }).end(text);
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return { answers, url: `http://127.0.0.1:${proxy.address().port}`, close: () => { proxy.closeAllConnections(); proxy.close(); } };
}

/** Sends one event, and gives the error that the SDK reports of it. */
function send(url, key = WRITE_KEY) {
  const client = new RudderAnalytics(key, { dataPlaneUrl: url, flushAt: 1, logLevel: "none", errorHandler: () => {} });
  return new Promise((resolve) => client.identify({ userId: "ann", traits: { note: "x".repeat(300) } }, (error) => resolve(error)));
}

async function once({ args = [], key, mangle }, expected) {
  const gateway = await Gateway.start({ args });
  const proxy = await watched(() => gateway.url, mangle);
  try {
    const error = await send(proxy.url, key);
    assert.ok(error, "the SDK tells whoever made the call");
    // Once, and not again: it would be the same.
    assert.deepEqual(proxy.answers.map(({ status, code, field }) => ({ status, code, field })), [expected]);
    assert.equal((await gateway.stats()).queue.events, 0);
  } finally {
    proxy.close();
    await gateway.stop();
  }
}

test("a wrong key: the Node SDK reports an error and gives the events up", () =>
  once({ key: "wrong" }, { status: 401, code: "invalid_write_key", field: undefined }));

test("a malformed body: the Node SDK reports an error and gives the events up", () =>
  once({ mangle: (_, headers) => { delete headers["content-encoding"]; return '{"batch":[{"userId":"ann"},7]}'; } }, { status: 400, code: "invalid_event", field: "/batch/1" }));

test("too long an event: the Node SDK reports an error and gives the events up", () =>
  once({ args: ["--max-event-bytes", "256"] }, { status: 413, code: "event_too_large", field: "/batch/0" }));

test("a full queue: the Node SDK waits for as long as it is told, and loses nothing", async () => {
  const full = await Gateway.start({ args: ["--max-queue-events", "0", "--retry-after", "1s"] });
  const roomy = await Gateway.start();
  const proxy = await watched(() => (proxy.answers.length < 2 ? full : roomy).url);
  try {
    assert.equal(await send(proxy.url), undefined, "no error is reported");
    assert.deepEqual(proxy.answers.map(({ status }) => status), [503, 503, 200]);
    assert.ok(proxy.answers[1].at - proxy.answers[0].at >= 950, "Retry-After is kept to");
    await roomy.drained(1);
    assert.equal((await roomy.state()).contacts[0].external_id, "ann");
  } finally {
    proxy.close();
    await full.stop();
    await roomy.stop();
  }
});
