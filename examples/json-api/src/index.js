// A JSON API about dates: this file says what there is, router.js finds it, calendar.js knows the answers.

import { daysBetween, easter, parseDate, toText, weekday } from "./calendar.js";
import { HttpError, Router } from "./router.js";

const router = new Router();

router.get("/", () => ({ routes: router.routes }));

router.get("/weekday/:date", ({ params, query }) => ({
  date: params.date,
  weekday: weekday(parseDate(params.date), query.get("locale") ?? "en"),
}));

router.get("/easter/:year", ({ params }) => {
  const year = Number(params.year);
  if (!Number.isInteger(year) || year < 1583 || year > 9999) {
    throw new HttpError(400, "the year must be between 1583 and 9999");
  }
  return { year, easter: toText(easter(year)) };
});

router.post("/between", async ({ request }) => {
  const { from, to } = await readObject(request);
  return { from, to, days: daysBetween(parseDate(from), parseDate(to)) };
});

/** The JSON object in a request's body. */
async function readObject(request) {
  let value;
  try {
    value = await request.json();
  } catch {
    throw new HttpError(400, "the body must be JSON");
  }
  if (value === null || typeof value !== "object") throw new HttpError(400, "the body must be a JSON object");
  return value;
}

export default { fetch: (request) => router.handle(request) };
