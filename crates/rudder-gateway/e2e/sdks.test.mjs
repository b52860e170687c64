// Every SDK makes the sample calls against a gateway of its own; what counts is the sandbox's state at the end.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { test } from "node:test";
import { CALLS, check } from "./calls.mjs";
import { launch } from "./chromium.mjs";
import { Gateway, WRITE_KEY } from "./gateway.mjs";

const here = (path) => new URL(path, import.meta.url).pathname;

/** Runs a program that reads the calls, and waits for its end. */
function run(program, args, input = JSON.stringify(CALLS)) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "inherit", "inherit"] });
    child.on("error", reject).on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}`))));
    child.stdin.on("error", () => {}).end(input);
  });
}

/** Waits until so many events have come in. */
async function received(url, count) {
  for (let left = 600; left > 0; left -= 1) {
    const { minutes } = await (await fetch(`${url}/api/stats`)).json();
    if (minutes.reduce((sum, minute) => sum + minute.received, 0) >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`there are not ${count} events`);
}

async function sampled(send, received = CALLS.length) {
  const gateway = await Gateway.start();
  try {
    await send(gateway.url);
    await gateway.drained(received);
    const { queue, codes } = await gateway.stats();
    assert.equal(queue.dead_letters, 0, JSON.stringify(codes));
    check(await gateway.state());
  } finally {
    await gateway.stop();
  }
}

test("the Node SDK", () => sampled((url) => run(process.execPath, [here("node.mjs"), url, WRITE_KEY])));

test("the Python SDK", () => sampled((url) => run(process.env.PYTHON ?? "python3", [here("send.py"), url, WRITE_KEY])));

test("the Rust SDK", () => {
  const program = process.env.RUST_SDK_PROGRAM;
  assert.ok(program, "RUST_SDK_PROGRAM names the built program of rust/");
  return sampled((url) => run(program, [url, WRITE_KEY]));
});

test("the browser SDK in Chromium", async () => {
  const sdk = readFileSync(here("node_modules/@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js"));
  // A shop of another origin than the gateway's.
  const shop = createServer((request, response) => {
    const isScript = request.url === "/sdk.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? sdk : "<!doctype html><title>Shop</title><script src=sdk.js></script>");
  });
  await new Promise((resolve) => shop.listen(0, "127.0.0.1", resolve));
  const browser = await launch();
  try {
    // The page call is received too, and not kept: Intercom v2 takes none.
    await sampled(async (url) => {
      const page = await browser.newPage();
      page.on("pageerror", (error) => console.error("in the page:", error.message));
      await page.goto(`http://127.0.0.1:${shop.address().port}/`);
      await page.evaluate(async ([url, key]) => {
        const { RudderAnalytics } = window.rudderanalytics ?? window;
        window.analytics = new RudderAnalytics();
        await new Promise((resolve) => { analytics.load(key, url, { configUrl: url }); analytics.ready(resolve); });
        analytics.page("Home");
      }, [url, WRITE_KEY]);
      await received(url, 1);
      // One at a time: the SDK has several requests on their way at once, and those overtake one another.
      for (const [at, call] of CALLS.entries()) {
        await page.evaluate(({ call, ...message }) => {
          const options = message.integrations ? { integrations: message.integrations } : {};
          if (call === "identify") analytics.identify(message.userId, message.traits, options);
          if (call === "track") analytics.track(message.event, message.properties, options);
          if (call === "group") analytics.group(message.groupId, message.traits, options);
        }, call);
        await received(url, at + 2);
      }
    }, CALLS.length + 1);
  } finally {
    await browser.close();
    shop.close();
  }
});
