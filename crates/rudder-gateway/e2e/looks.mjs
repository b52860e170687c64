// How pages look, and whether everybody can read them.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PICTURES = process.env.SCREENSHOTS;

const SIZES = { desktop: { width: 1200, height: 900 }, phone: { width: 360, height: 740 } };

/** The screens that a page has to fit: what they are called, and how a browser shows them. */
export const SCREENS = Object.entries(SIZES).flatMap(([size, viewport]) => ["light", "dark"].map((colorScheme) => (
  { screen: `${size}-${colorScheme}`, options: { viewport, colorScheme, hasTouch: size === "phone" } })));

/** Fails unless the page fits and everybody can read it. */
export async function fits(page, name) {
  assert.ok(await isWithin(page), `nothing sticks out to the side: ${name}`);
  await accessible(page, name);
  await picture(page, name);
}

/** Keeps what the page looks like, if that is wanted. */
export async function picture(page, name) {
  if (!PICTURES) return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true });
}

/** Whether nothing sticks out to the side. */
export const isWithin = (page) => page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);

/** What a person with a screen reader would stumble over. */
export async function accessible(page, where) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(violations.map(({ id, nodes }) => [where, id, nodes.map(({ html }) => html)]), []);
}
