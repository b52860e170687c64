// A sandbox of its own for each test, as the program serves it.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const TOKEN = "dG9rOmZha2U=";

/** Runs `use` with the URL of a new sandbox that accepts TOKEN only, and says how many calls the test has made. */
export async function withSandbox(test, flags, use) {
  const folder = mkdtempSync(join(tmpdir(), "contracts-"));
  const token = join(folder, "token");
  writeFileSync(token, TOKEN);
  const program = process.env.RUDDER_INTERCOM;
  const args = ["sandbox", "--listen", "127.0.0.1:0", "--token-file", token, ...flags];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] });
  const ended = new Promise((resolve) => child.on("error", resolve).on("exit", resolve));
  try {
    const lines = createInterface({ input: child.stdout });
    const first = await Promise.race([new Promise((resolve) => lines.once("line", resolve)), ended]);
    if (typeof first !== "string") throw new Error(`${program} has not begun to serve: ${first}`);
    await use(first.trim());
    console.log(`${test.name}: ${await calls(first.trim())} calls`);
  } finally {
    child.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true });
  }
}

/** How many calls the sandbox has answered. */
async function calls(url) {
  const { calls } = await (await fetch(`${url}/_sandbox/state`)).json();
  return Object.values(calls).flatMap(Object.values).reduce((sum, count) => sum + count, 0);
}
