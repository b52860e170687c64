// The page, in a real Chromium: on a phone, in the dark, without a mouse, behind a token.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { CALLS } from "./calls.mjs";
import { launch } from "./chromium.mjs";
import { Gateway, WRITE_KEY } from "./gateway.mjs";

const PICTURES = process.env.SCREENSHOTS;
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

async function picture(page, name) {
  if (!PICTURES) return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true });
}

const isWithin = (page) => page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);

test("shows what has come in and what has become of it, and replays", () => opened({ viewport: { width: 1100, height: 900 } }, async (page, gateway) => {
  await send(gateway, [...CALLS, { call: "track", userId: "stranger", event: "Looked" }, { call: "track", userId: "stranger" }, { call: "page", userId: "stranger" }]);
  await gateway.drained(10);
  await page.goto(gateway.url);
  await page.getByText("Some events could not be delivered").waitFor();
  assert.equal(await page.locator("#delivered").textContent(), String(CALLS.length));
  assert.equal(await page.locator("figure.received b").textContent(), "10");
  const codes = await page.locator("#codes").textContent();
  for (const code of ["unknown_contact", "missing_event_name", "unsupported_event_type", "Identify the user first"]) assert.ok(codes.includes(code), code);
  await picture(page, "page");
  // Nothing of an event is there until it is asked for.
  const letter = page.locator("#letters > li", { hasText: "unknown_contact" });
  assert.ok(!(await page.content()).includes("Looked"));
  await letter.getByRole("button", { name: "Show the event" }).click();
  await letter.getByText('"event": "Looked"').waitFor();

  await send(gateway, [{ call: "identify", userId: "stranger" }]);
  await gateway.drained(11);
  await letter.getByRole("button", { name: /^Replay/ }).click();
  await page.getByText("1 back in the queue.").waitFor();
  await gateway.drained(11);
  assert.equal((await gateway.stats()).queue.dead_letters, 1);
  assert.equal((await gateway.state()).events.length, 2);
}, AT_ONCE));

test("tells how to begin, as long as nothing has come in", () => opened({ viewport: { width: 1100, height: 900 } }, async (page, gateway) => {
  await page.goto(gateway.url);
  const start = page.getByRole("region", { name: "No event has come in yet" });
  await start.waitFor();
  assert.ok((await start.innerText()).includes(`configUrl: "${gateway.url}"`));
  await page.getByText("There are none.").waitFor();
  assert.ok(!(await page.getByRole("button", { name: "Replay all of these" }).isVisible()));
  await picture(page, "empty");
  await send(gateway, CALLS);
  await gateway.drained(CALLS.length);
  await start.waitFor({ state: "hidden" });
  await page.getByText("Everything is delivered.").waitFor();
}));

test("works on a phone, in the dark, without a mouse", () => opened({ viewport: { width: 360, height: 740 }, hasTouch: true, colorScheme: "dark" }, async (page, gateway) => {
  await send(gateway, [...CALLS, { call: "track", userId: "stranger", event: "Looked" }]);
  await gateway.drained(8);
  await page.goto(gateway.url);
  await page.getByText("Some events could not be delivered").waitFor();
  await page.locator("#letters > li").waitFor();
  assert.ok(await isWithin(page), "nothing sticks out to the side");
  // Everything can be reached with the tab key alone, in the order in which it stands.
  const reached = [];
  for (let presses = 0; presses < 40; presses += 1) {
    await page.keyboard.press("Tab");
    const name = await page.evaluate(() => { const at = document.activeElement; return at.id || at.textContent.trim().slice(0, 20); });
    if (reached.includes(name)) break;
    reached.push(name);
    if (name === "event") break;
  }
  assert.equal(reached[0], "Skip to the figures");
  for (const name of ["span", "code", "replay-all", "Replay", "Show the event", "Drop", "sample", "event"]) assert.ok(reached.includes(name), `${name} of ${reached}`);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByText("custom_attributes.plan").first().waitFor();
  const result = await page.locator("#result").innerText();
  for (const part of ["POST /contacts/search", "if the contact is found:", "PUT /contacts/{contact.id}", "from /traits/plan"]) assert.ok(result.includes(part), part);
  assert.ok(await isWithin(page), "nothing sticks out to the side");
  await picture(page, "phone");
}, AT_ONCE));

test("tells in the playground what is wrong", () => opened({}, async (page, gateway) => {
  await page.goto(gateway.url);
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
