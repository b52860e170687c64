// A gateway with a sandbox behind it, as a process of its own.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";

export const PROGRAM = process.env.RUDDER_INTERCOM ?? new URL("../../../target/debug/rudder-intercom", import.meta.url).pathname;
export const WRITE_KEY = "e2eWriteKey00000000000000000";

const lines = (stream, found) => new Promise((resolve, reject) => {
  createInterface({ input: stream }).on("line", (line) => { const match = line.match(found); if (match) resolve(match[1]); })
    .on("close", () => reject(new Error("the gateway has ended")));
});

export class Gateway {
  static async start({ args = [], env = {} } = {}) {
    const folder = mkdtempSync(join(tmpdir(), "gateway-"));
    const gateway = new Gateway();
    gateway.folder = folder;
    gateway.process = spawn(PROGRAM, ["--color", "never", "serve", "--gateway", "--sandbox", "--listen", "127.0.0.1:0", "--store", join(folder, "events.db"), ...args],
      { env: { ...process.env, RUDDER_INTERCOM_WRITE_KEYS: WRITE_KEY, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    const sandbox = lines(gateway.process.stderr, /sandbox, which .*: (http\S+)/);
    gateway.url = await lines(gateway.process.stdout, /(http:\S+)/);
    gateway.sandbox = await sandbox;
    return gateway;
  }

  async stats() {
    return (await fetch(`${this.url}/api/stats`)).json();
  }

  /** Waits until so many events have come in and nothing waits any more. */
  async drained(received) {
    for (let left = 600; left > 0; left -= 1) {
      const { queue, minutes } = await this.stats();
      const sum = minutes.reduce((total, minute) => total + minute.received, 0);
      if (sum >= received && queue.events === 0) return;
      await wait(50);
    }
    throw new Error(`not drained: ${JSON.stringify(await this.stats())}`);
  }

  async state() {
    return (await fetch(this.sandbox)).json();
  }

  async stop() {
    if (this.process.exitCode === null) {
      const ended = new Promise((resolve) => this.process.once("exit", resolve));
      this.process.kill("SIGTERM");
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
