// Opens every page of the built site, in a desktop's window and in a phone's, follows its links, and searches.
//
//     node checks/site.mjs [FOLDER]
//
// FOLDER is dist/ if not given.

import { createReadStream, existsSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { DESKTOP, expect, judge, openTab, PHONE, withBrowser } from "./browser.mjs";

const folder = resolve(process.argv[2] ?? fileURLToPath(new URL("../dist", import.meta.url)));
/** Pages with something of each kind on them, which are opened in the dark as well. */
const DARK = ["/", "/getting-started/first-app/", "/configuration/reference/", "/operating/admin-api/", "/contributors/architecture/"];
const KINDS = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".png": "image/png",
  ".webp": "image/webp",
};

/** A server of plain files, as nginx would be one. */
function serve() {
  const server = createServer((request, response) => {
    let file = join(folder, decodeURIComponent(new URL(request.url, "http://site").pathname));
    if (existsSync(file) && statSync(file).isDirectory()) file = join(file, "index.html");
    const found = existsSync(file);
    response.writeHead(found ? 200 : 404, { "content-type": KINDS[extname(file)] ?? "application/octet-stream" });
    if (found) createReadStream(file).pipe(response);
    else response.end();
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

async function paths() {
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith("index.html"));
  return files.map((file) => `/${relative(folder, join(folder, file)).split(sep).join("/").replace("index.html", "")}`);
}

/** Blocks of code that scroll get into the order of the keyboard soon after a page is there. */
async function settled(page) {
  const reachable = () => [...document.querySelectorAll("pre")].every((pre) => pre.scrollWidth <= pre.clientWidth || pre.tabIndex >= 0);
  await page.waitForFunction(reachable, undefined, { timeout: 5000 }).catch(() => {});
}

async function searches(page) {
  await page.goto("/");
  await page.getByRole("button", { name: "Search" }).click();
  await page.locator("dialog input").fill("drain");
  const first = page.locator("dialog .pagefind-ui__result-link").first();
  await first.waitFor();
  await judge(page, "the search");
  await first.click();
  await page.waitForURL((url) => url.pathname !== "/");
  expect((await page.locator("main").innerText()).toLowerCase().includes("drain"), "the search leads to another matter");
}

/** What each page offers, and what it leads to, by its path. */
const anchors = new Map();
const links = new Map();

/** Notes where a page leads to. */
async function note(page, path) {
  const [ids, hrefs] = await page.evaluate(() => [
    [...document.querySelectorAll("[id]")].map((element) => element.id),
    [...document.querySelectorAll("a[href]")].map((link) => link.href),
  ]);
  anchors.set(path, new Set(ids));
  links.set(path, hrefs);
}

/** Every link within the site leads to a page or a file, and to a place on it. */
function follow() {
  for (const [path, hrefs] of links) {
    for (const { origin, pathname, hash } of hrefs.map((href) => new URL(href))) {
      if (origin !== base) continue;
      const known = anchors.has(pathname) || existsSync(join(folder, pathname));
      expect(known, `${path} leads to ${pathname}, which is not there`);
      const place = decodeURIComponent(hash.slice(1));
      const found = !place || place === "_top" || anchors.get(pathname)?.has(place);
      expect(found, `${path} leads to ${pathname}${hash}, which has no such place`);
    }
  }
}

/** Opens pages one after the other, and then searches. */
async function opens(browser, viewport, colorScheme, paths) {
  const page = await openTab(browser, base, { viewport, colorScheme });
  for (const path of paths) {
    const answer = await page.goto(path);
    expect(answer.ok(), `${path} is ${answer.status()}`);
    await settled(page);
    await judge(page, `${path}, ${colorScheme}`);
    await note(page, path);
  }
  await page.context().close();
  const another = await openTab(browser, base, { viewport, colorScheme });
  await searches(another);
  await another.context().close();
}

const server = await serve();
const base = `http://127.0.0.1:${server.address().port}`;
await withBrowser(async (browser) => {
  const all = await paths();
  expect(all.length > 40, `there are but ${all.length} pages`);
  const rounds = [
    [DESKTOP, "light", all],
    [DESKTOP, "dark", all.filter((path) => DARK.includes(path))],
    [PHONE, "light", all],
  ];
  await Promise.all(rounds.map((round) => opens(browser, ...round)));
  follow();
});
server.close();
