// What is read without the gateway: the reports of check and diff, and the documentation.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { launch } from "./chromium.mjs";
import { Gateway, PROGRAM } from "./gateway.mjs";
import { SCREENS, fits } from "./looks.mjs";

const { FIXTURES, SITE } = process.env;
let browser;
let folder;
before(async () => { browser = await launch(); folder = mkdtempSync(join(tmpdir(), "documents-")); });
after(async () => { await browser?.close(); rmSync(folder, { recursive: true }); });

/** All that can be said of events: a file with what each fixture of these kinds is about. */
function events(name, kinds) {
  const files = kinds.flatMap((kind) => readdirSync(join(FIXTURES, kind)).filter((file) => /^[^.]+\.json$/.test(file)).map((file) => join(FIXTURES, kind, file)));
  const lines = files.map((file) => readFileSync(file, "utf8").replaceAll("\n", " "));
  writeFileSync(join(folder, name), [readFileSync(join(FIXTURES, "backfill.ndjson"), "utf8").trim(), ...lines, ""].join("\n"));
  return join(folder, name);
}

function run(...args) {
  const { status, stderr } = spawnSync(PROGRAM, ["--color", "never", ...args], { env: { ...process.env, INTERCOM_ACCESS_TOKEN: "token" }, encoding: "utf8" });
  assert.ok(status < 2, stderr);
}

async function shown(pages, screens = SCREENS) {
  for (const { screen, options } of screens) {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const faults = [];
    page.on("pageerror", (error) => faults.push(error.message));
    for (const [name, file] of pages) {
      await page.goto(pathToFileURL(file).href);
      await page.locator("h1").first().waitFor();
      await fits(page, `${name}-${screen}`);
    }
    await context.close();
    assert.deepEqual(faults, []);
  }
}

test("the report of check fits every screen, and everybody can read it", async () => {
  const html = join(folder, "check.html");
  run("check", events("events", ["errors", "warnings", "identify", "group", "track", "record"]), "--html", html);
  await shown([["check", html]]);
});

test("the report of diff fits every screen, and everybody can read it", async () => {
  const gateway = await Gateway.start();
  try {
    const [kinds, values] = [join(folder, "kinds.html"), join(folder, "values.html")];
    const to = ["--intercom-base-url", new URL(gateway.sandbox).origin];
    run("send", events("sent", ["identify"]), ...to);
    const changed = events("changed", ["errors", "identify", "group", "record"]);
    writeFileSync(changed, readFileSync(changed, "utf8").replaceAll(/"name": *"/g, '"name":"Another '));
    run("diff", changed, ...to, "--html", kinds);
    run("diff", changed, ...to, "--show-values", "--html", values);
    await shown([["diff", kinds], ["diff-values", values]]);
  } finally {
    await gateway.stop();
  }
});

for (const one of SCREENS) {
  test(`the documentation fits a screen, and everybody can read it: ${one.screen}`, async () => {
    const pages = readdirSync(SITE, { recursive: true }).filter((file) => file.endsWith(".html"));
    assert.ok(pages.length > 10, pages);
    await shown(pages.map((file) => [`site-${file.replaceAll(/[^a-z]+/gi, "-").toLowerCase()}`, join(SITE, file)]), [one]);
  });
}
