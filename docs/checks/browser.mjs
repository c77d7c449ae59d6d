// A browser without a window, and what no page of ours may do in it.  Chromium is the system's: see `executable`.

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** The rules of WCAG 2, levels A and AA. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };

const executable = process.env.NANO_CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);

/** What was found wrong, in words. */
export const problems = [];

/** Notes what is wrong unless *condition* holds. */
export function expect(condition, what) {
  if (!condition) problems.push(what);
}

/** Runs *work* with a browser; the process ends with 1 if anything was found wrong, and says what. */
export async function withBrowser(work) {
  const browser = await chromium.launch({ executablePath: executable, args: FLAGS });
  try {
    await work(browser);
  } catch (error) {
    problems.push(error.stack);
  } finally {
    await browser.close();
  }
  for (const problem of problems) console.error(problem);
  console.log(problems.length ? `${problems.length} problems` : "no problems");
  process.exitCode = problems.length ? 1 : 0;
}

/** A tab of its own, whose console errors and whose requests to other hosts than that of *base* are problems. */
export async function openTab(browser, base, { viewport = DESKTOP, colorScheme = "light", allowed = () => false } = {}) {
  const context = await browser.newContext({ baseURL: base, viewport, colorScheme, reducedMotion: "reduce" });
  const page = await context.newPage();
  const at = () => `${page.url()} (${viewport.width} wide, ${colorScheme})`;
  page.on("console", (message) => {
    const text = message.text();
    if (["error", "warning"].includes(message.type()) && !allowed(text)) problems.push(`${at()}: console: ${text}`);
  });
  page.on("pageerror", (error) => problems.push(`${at()}: ${error.stack}`));
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    const local = ["data:", "blob:"].includes(protocol) || origin === new URL(base).origin;
    if (!local) problems.push(`${at()} asks ${request.url()}`);
  });
  return page;
}

/** Judges a page as it stands: its accessibility, and that it is not wider than its window. */
export async function judge(page, what = page.url()) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate((tags) => globalThis.axe.run({ runOnly: tags }), RULES);
  const { width } = page.viewportSize();
  for (const { id, help, nodes } of violations) {
    const places = nodes.map((node) => `    ${node.target.join(" ")}: ${node.failureSummary?.split("\n").at(-1)?.trim()}`);
    problems.push(`${what}, ${width} wide: ${id}: ${help}\n${places.slice(0, 5).join("\n")}`);
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(wide <= width, `${what}: ${wide} pixels wide in a window of ${width}`);
}
