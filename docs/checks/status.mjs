// Opens the status page of a daemon under load, reads it, and uses its buttons.
//
//     node checks/status.mjs ADMIN_URL TOKEN [FOLDER]
//
// The daemon serves the apps "hello", which answers, and "shop", which throws a TypeError now and then.  With FOLDER,
// pictures of the page are left there, for the documentation.

import { DESKTOP, expect, judge, openTab, PHONE, withBrowser } from "./browser.mjs";

const [base, token, folder] = process.argv.slice(2);
/** The browser itself tells of every answer of 400 and above. */
const allowed = (text) => text.includes("status of 401");

const text = (page, selector) => page.locator(selector).innerText();
const row = (page, name) => page.locator("#apps tr", { has: page.locator("th", { hasText: name }) });

async function signIn(page) {
  await page.goto("/admin");
  await page.getByLabel("Admin token").waitFor();
  await page.getByLabel("Admin token").fill(token);
  await page.keyboard.press("Enter");
  await page.locator("#status").waitFor();
}

async function refuses(page) {
  await page.goto("/admin/");
  await page.getByLabel("Admin token").fill("wröng");
  await page.keyboard.press("Enter");
  await page.getByText("does not know this token").waitFor();
  expect(await page.locator("#status").isHidden(), "a wrong token shows something");
  await judge(page, "the form");
}

async function reads(page) {
  await row(page, "hello").waitFor();
  await page.locator("#workers tr").first().waitFor();
  await page.waitForFunction(() => document.querySelector("#charts .now").textContent !== "0");
  await page.waitForFunction(() => document.querySelectorAll("#log p").length > 10);
  expect((await row(page, "hello").innerText()).includes("ready"), "the app hello is not ready");
  const error = page.locator("#errors details").first();
  await error.locator("summary").click();
  expect((await error.innerText()).includes("TypeError: no such article: <b>7</b>"), "the error is not shown as it is");
  expect((await error.innerText()).includes("index.js:"), "the error has no stack");
  await page.locator("#charts polyline.first").first().waitFor({ state: "attached" });
}

async function filters(page) {
  await page.getByLabel("Filter").fill("SHO");
  expect((await page.locator("#apps tr").count()) === 1, "the filter shows other apps");
  await page.getByLabel("Filter").fill("");
  await page.getByLabel("Level").selectOption("error");
  await page.waitForFunction(() => document.querySelector("#log p.level-error"));
  expect((await page.locator("#log p:not(.level-error)").count()) === 0, "the log shows other levels");
  await page.getByLabel("Level").selectOption("debug");
  await page.waitForFunction(() => document.querySelectorAll("#log p").length > 10);
}

async function changes(page) {
  // By keyboard alone: the button, the answer in the dialog, and Escape as another one.
  await page.getByRole("button", { name: "Remove shop" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await judge(page, "the dialog");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  expect((await row(page, "shop").count()) === 1, "Escape removes");

  await page.getByRole("button", { name: "Remove shop" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await page.getByText("Removed shop", { exact: false }).waitFor();
  await row(page, "shop").waitFor({ state: "detached" });

  await page.getByRole("button", { name: "Reload configuration" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Reload" }).click();
  await page.getByText("Reloaded: 1 created, 0 replaced, 0 removed.").waitFor();
  await row(page, "shop").waitFor();
}

/** An app in quarantine has a button more; quarantines are short, so this one is made up on the way to the page. */
async function releases(page) {
  expect(await page.getByRole("button", { name: "Release hello" }).isHidden(), "an app that is served can be released");
  await page.route("**/admin/apps", async (route) => {
    const response = await route.fetch();
    const told = await response.json();
    told.apps.find((app) => app.name === "hello").state = "quarantined";
    await route.fulfill({ response, json: told });
  });
  await page.getByRole("button", { name: "Release hello" }).click();
  await judge(page, "an app in quarantine");
  await page.getByRole("dialog").getByRole("button", { name: "Release" }).click();
  await page.getByText("hello was not in quarantine any more.").waitFor();
  await page.unroute("**/admin/apps");
  await page.getByRole("button", { name: "Release hello" }).waitFor({ state: "hidden" });
}

async function forgets(page) {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Admin token").waitFor();
  await page.reload();
  await page.getByLabel("Admin token").waitFor();
  expect(await page.locator("#status").isHidden(), "what was signed out is shown after a reload");
}

await withBrowser(async (browser) => {
  const page = await openTab(browser, base, { allowed });
  page.setDefaultTimeout(20_000);
  await refuses(page);
  await signIn(page);
  await reads(page);
  await judge(page, "the status page");
  await filters(page);
  if (folder) {
    await page.getByLabel("Level").focus();
    await page.waitForTimeout(90_000);
    await page.setViewportSize({ width: 1280, height: 1110 });
    await page.screenshot({ path: `${folder}/status-light.png` });
    await page.emulateMedia({ colorScheme: "dark" });
    await page.screenshot({ path: `${folder}/status-dark.png` });
    await page.setViewportSize(DESKTOP);
  }
  await releases(page);
  await changes(page);
  expect((await text(page, "#note")) === "", "a note where nothing was changed");
  await forgets(page);

  const phone = await openTab(browser, base, { viewport: PHONE, colorScheme: "dark", allowed });
  await signIn(phone);
  await reads(phone);
  await judge(phone, "the status page");
});
