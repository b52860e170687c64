// The page, in a real Chromium: on a phone, in the dark, without a mouse, behind a token.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CALLS } from "./calls.mjs";
import { launch } from "./chromium.mjs";
import { Gateway, WRITE_KEY } from "./gateway.mjs";
import { SCREENS, accessible, fits, isWithin, picture } from "./looks.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

async function send(gateway, batch) {
  const body = batch.map(({ call, ...message }) => ({ type: call, ...message }));
  const headers = { authorization: `Basic ${btoa(`${WRITE_KEY}:`)}` };
  const response = await fetch(`${gateway.url}/v1/batch`, { method: "POST", headers, body: JSON.stringify({ batch: body }) });
  assert.equal(await response.text(), "OK");
}

// What comes before its contact does not wait for it.
const AT_ONCE = { args: ["--wait-for-contact", "0s"] };

async function opened(options, use, start = {}) {
  const gateway = await Gateway.start(start);
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => message.type() === "error" && !/status of 40[01]/.test(message.text()) && faults.push(message.text()));
  try {
    await use(page, gateway);
    assert.deepEqual(faults, []);
  } finally {
    await context.close();
    await gateway.stop();
  }
}

const tab = (page, name) => page.getByRole("tab", { name }).click();
const row = (page, text) => page.locator("#lines tbody tr", { hasText: text });

test("shows what has come in and what has become of it, and replays", () => opened({ viewport: { width: 1100, height: 900 } }, async (page, gateway) => {
  await send(gateway, [...CALLS, { call: "track", userId: "stranger", event: "Looked" }, { call: "track", userId: "stranger" }, { call: "page", userId: "stranger" }]);
  await gateway.drained(10);
  await page.goto(gateway.url);
  await page.getByText("Some events could not be delivered").waitFor();
  assert.equal(await page.locator("#delivered").textContent(), String(CALLS.length));
  assert.equal(await page.locator("figure.received b").textContent(), "10");
  const codes = await page.locator("#codes").textContent();
  for (const code of ["unknown_contact", "missing_event_name", "unsupported_event_type", "Identify the user first"]) assert.ok(codes.includes(code), code);
  await tab(page, "Dead letters");
  const letter = page.locator("#letter-lines tbody tr", { hasText: "unknown_contact" });
  // A replay is offered where it can help.
  await letter.getByRole("button", { name: /^Replay/ }).waitFor();
  const nameless = page.locator("#letter-lines tbody tr", { hasText: "missing_event_name" });
  assert.equal(await nameless.getByRole("button", { name: /^Replay/ }).count(), 0);
  await send(gateway, [{ call: "identify", userId: "stranger" }]);
  await gateway.drained(11);
  await letter.getByRole("button", { name: /^Replay/ }).click();
  await page.getByText("1 back in the queue.").waitFor();
  await gateway.drained(11);
  assert.equal((await gateway.stats()).queue.dead_letters, 1);
  assert.equal((await gateway.state()).events.length, 2);
  // What is dropped by mistake comes back.
  await nameless.getByRole("button", { name: /^Drop/ }).click();
  await page.getByText("There are none.").waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await nameless.waitFor();
}, AT_ONCE));

test("tells what has become of one user's events, and mends one", () => opened({ viewport: { width: 1100, height: 900 } }, async (page, gateway) => {
  await send(gateway, CALLS);
  await send(gateway, [{ call: "identify", userId: "1042", messageId: "m-1", traits: { email: "ann@example.com", plan: ["pro"], createdAt: "soon" } }, { call: "track", userId: "1042" }]);
  await gateway.drained(9);
  await page.goto(gateway.url);
  await tab(page, "Events");
  for (const text of ["ANN@example.com", "m-1", "1042"]) {
    await page.getByRole("searchbox").fill(text);
    await page.keyboard.press("Enter");
    await page.getByText(/^[12] events? found/).waitFor();
    await row(page, "identify").waitFor();
  }
  assert.equal(await page.locator("#lines tbody tr").count(), 2);
  // Nothing of an event is there until it is asked for.
  assert.ok(!(await page.locator("#lines").textContent()).includes("1042"));
  await row(page, "identify").getByRole("link").click();
  await page.getByText("invalid_date").waitFor();
  for (const text of ["Received", "Delivered", "request ", "/traits/createdAt", "Send an ISO 8601 date"]) assert.ok((await page.locator("#steps").textContent()).includes(text), text);
  await page.getByRole("link", { name: "All events" }).click();
  await page.locator("#values").check();
  await row(page, "track").getByText("1042").waitFor();
  await row(page, "track").getByRole("link").click();
  await page.locator("#why", { hasText: "Give the event a name." }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Replay", exact: true }).count(), 0);
  await page.getByRole("button", { name: "Edit and replay" }).click();
  await page.locator("#editing").waitFor();
  const event = JSON.parse(await page.locator("#event").inputValue());
  await page.locator("#event").fill(JSON.stringify({ ...event, event: "Plan Changed" }));
  await page.getByRole("button", { name: "Show the calls" }).click();
  await page.locator("#result .call", { hasText: "POST /events" }).waitFor();
  await page.getByRole("button", { name: "Replay it as it is below" }).click();
  await page.locator("#one-title", { hasText: "delivered" }).waitFor();
  assert.ok((await page.locator("#steps").textContent()).includes("Replayed, changed by hand"));
  assert.equal((await gateway.state()).events.at(-1).event_name, "Plan Changed");
}, AT_ONCE));

test("shows what comes in as it comes in, until it is paused", () => opened({ viewport: { width: 1100, height: 900 } }, async (page, gateway) => {
  await page.goto(`${gateway.url}#events`);
  await page.getByText("No event has come in yet.").last().waitFor();
  await send(gateway, [{ call: "track", userId: "early", event: "Looked" }]);
  await row(page, "waits for its contact").waitFor();
  assert.equal((await gateway.stats()).queue.awaiting, 1);
  await page.getByRole("button", { name: "Live: on" }).click();
  await send(gateway, [{ call: "identify", userId: "early" }]);
  await gateway.drained(2);
  await page.locator("#waiting").evaluate(() => refresh());
  assert.equal(await page.locator("#lines tbody tr").count(), 1);
  await page.getByRole("button", { name: "Live: paused" }).click();
  await row(page, "identify").waitFor();
  await row(page, "Looked").getByText("delivered").waitFor();
}));

test("tells how to begin, as long as nothing has come in", () => opened({ viewport: { width: 1100, height: 900 } }, async (page, gateway) => {
  await page.goto(gateway.url);
  const start = page.getByRole("region", { name: "No event has come in yet" });
  await start.waitFor();
  assert.ok((await start.innerText()).includes(`configUrl: "${gateway.url}"`));
  await picture(page, "empty");
  await tab(page, "Dead letters");
  await page.getByText("There are none.").waitFor();
  assert.ok(!(await page.getByRole("button", { name: "Replay all of these" }).isVisible()));
  await tab(page, "Overview");
  await send(gateway, CALLS);
  await gateway.drained(CALLS.length);
  await start.waitFor({ state: "hidden" });
  await page.getByText("Everything is delivered.").waitFor();
}));

test("works without a mouse", () => opened({ viewport: { width: 360, height: 740 } }, async (page, gateway) => {
  await send(gateway, [...CALLS, { call: "track", userId: "stranger", event: "Looked" }]);
  await gateway.drained(8);
  await page.goto(gateway.url);
  await page.getByText("Some events could not be delivered").waitFor();
  const focused = () => page.evaluate(() => { const at = document.activeElement; return at.id || at.dataset.place || at.textContent.trim().slice(0, 20); });
  const tabTo = async (wanted) => {
    const passed = [];
    for (let presses = 0; presses < 60; presses += 1) {
      await page.keyboard.press("Tab");
      passed.push(await focused());
      if (passed.at(-1) === wanted) return;
    }
    assert.fail(`${wanted} is not reached: ${passed}`);
  };
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Skip to the content");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "main");
  await page.locator("h1").click();
  await tabTo("tab-overview");
  await tabTo("span");
  await page.keyboard.press("Shift+Tab");
  await page.locator("#tab-overview").focus();
  await page.keyboard.press("ArrowRight");
  await tabTo("find");
  await page.keyboard.type("stranger");
  await page.keyboard.press("Enter");
  await page.getByText("1 event found").waitFor();
  await tabTo("event-8");
  await page.keyboard.press("Enter");
  await page.locator("#why", { hasText: "Identify the user first" }).waitFor();
  assert.equal(await focused(), "one-title");
  await tabTo("Replay");
  await tabTo("show-event");
  await page.keyboard.press("Enter");
  await page.getByText('"event": "Looked"').waitFor();
  await page.locator("#tab-events").focus();
  await page.keyboard.press("End");
  await tabTo("event");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByText("custom_attributes.plan").first().waitFor();
  const result = await page.locator("#result").innerText();
  for (const part of ["POST /contacts/search", "if the contact is found:", "PUT /contacts/{contact.id}", "from /traits/plan"]) assert.ok(result.includes(part), part);
}, AT_ONCE));

test("fits every screen, and everybody can read it", async () => {
  for (const { screen, options } of SCREENS) {
    await opened(options, async (page, gateway) => {
      await send(gateway, [...CALLS, { call: "track", userId: "stranger", event: "Looked at something with a rather long name of its own" }, { call: "track", userId: "stranger" }, { call: "identify", userId: "1042", traits: { createdAt: "soon" } }]);
      await gateway.drained(10);
      for (const [name, hash, there] of [["overview", "", "Some events could not be delivered"], ["events", "#events", "Order Completed"], ["event", "#events/9", "Give the event a name."], ["delivered", "#events/10", "invalid_date"], ["letters", "#letters", "Identify the user first"], ["playground", "#playground", "Nothing is sent."]]) {
        await page.goto(`${gateway.url}/${hash}`);
        await page.getByText(there).locator("visible=true").first().waitFor();
        if (name === "playground") {
          await page.getByRole("button", { name: "Show the calls" }).click();
          await page.locator("#result .call").first().waitFor();
        }
        await fits(page, `${name}-${screen}`);
      }
    }, AT_ONCE);
  }
});

test("shows in red and amber what needs somebody", () => opened({ viewport: { width: 360, height: 740 } }, async (page, gateway) => {
  const plain = await gateway.stats();
  const wrong = (code, closes = false) => ({ trouble: [{ code, meaning: `it is ${code}`, advice: "Do this.", closes_the_intake: closes }] });
  for (const [name, changed, kind, text] of [
    ["disk_full", wrong("disk_full", true), "bad", "No events are taken in: it is disk_full. Do this."],
    ["queue_full", wrong("queue_full", true), "bad", "No events are taken in: it is queue_full. Do this."],
    ["token_refused", wrong("token_refused"), "bad", "Intercom does not accept the access token."],
    ["outage", { ...wrong("outage"), outage: { host: "api.intercom.io", cause: "no route", since: 0 } }, "bad", "cannot be reached at api.intercom.io: no route"],
    ["backlog", { ...wrong("backlog"), queue: { ...plain.queue, events: 5, oldest_age_ms: 900000 } }, "slow", "The oldest event has waited for 15 min. Do this."],
    ["throttled", { delivery: { ...plain.delivery, waiting: "throttled", until: plain.now + 5000 } }, "slow", "Intercom has had too many calls"],
  ]) {
    await page.unrouteAll({ behavior: "wait" });
    await page.route("**/api/stats*", (route) => route.fulfill({ json: { ...plain, ...changed } }));
    await page.goto(gateway.url);
    await page.locator(`#state.${kind}`, { hasText: text }).waitFor();
    await accessible(page, name);
    await picture(page, `state-${name}`);
  }
}));

test("is small", () => opened({}, async (page, gateway) => {
  const paths = [];
  page.on("request", (request) => { if (!request.url().includes("/api/")) paths.push(request.url()); });
  await page.goto(gateway.url);
  await page.getByText("Everything is delivered.").waitFor();
  const sizes = await Promise.all(paths.filter((path) => path.startsWith("http")).map(async (path) => (await (await fetch(path)).text()).length));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  assert.ok(bytes > 10_000 && bytes < 100_000, `${bytes} bytes`);
}));

test("tells in the playground what is wrong", () => opened({}, async (page, gateway) => {
  await page.goto(gateway.url);
  await tab(page, "Playground");
  await page.locator("#sample").selectOption("with something wrong");
  await page.getByRole("button", { name: "Show the calls" }).click();
  await page.locator("#result .warning", { hasText: "invalid_date" }).waitFor();
  await page.locator("#result .warning", { hasText: "invalid_role" }).waitFor();
  await picture(page, "playground");
  await page.locator("#event").fill('{"type":"track","userId":"<img src=x onerror=alert(1)>"}');
  await page.getByRole("button", { name: "Show the calls" }).click();
  await page.locator("#result .kind-failed", { hasText: "missing_event_name" }).waitFor();
  await page.locator("#event").fill("{");
  await page.getByRole("button", { name: "Show the calls" }).click();
  await page.locator("#result .kind-failed", { hasText: "the body" }).waitFor();
}));

test("asks for its token", () => opened({}, async (page, gateway) => {
  await page.goto(gateway.url);
  await page.getByRole("textbox", { name: "Token" }).fill("wrong");
  await page.keyboard.press("Enter");
  await page.getByText("That is not the token.").waitFor();
  await page.getByRole("textbox", { name: "Token" }).fill("page-token");
  await page.keyboard.press("Enter");
  await page.getByText("Everything is delivered.").waitFor();
}, { env: { RUDDER_INTERCOM_PAGE_TOKEN: "page-token" } }));

test("copies a snippet", () => opened({ viewport: { width: 375, height: 740 }, permissions: ["clipboard-read", "clipboard-write"] }, async (page, gateway) => {
  await page.goto(gateway.url);
  await page.locator("pre:has(#start-curl) + button").click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await page.locator("#start-curl").textContent());
  assert.equal(await page.locator("pre:has(#start-curl) + button").textContent(), "Copied");
  assert.ok(await isWithin(page));
}));
