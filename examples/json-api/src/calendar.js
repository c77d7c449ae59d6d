// What is known about dates.  Nothing here knows of HTTP but the status that a bad date deserves.

import { HttpError } from "./router.js";

const DAY = 24 * 60 * 60 * 1000;

/** A date from its text, such as "2026-07-14". */
export function parseDate(text) {
  const date = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : new Date(NaN);
  // Out of "2026-02-30" Date makes the 2nd of March.
  if (Number.isNaN(date.getTime()) || toText(date) !== text) throw new HttpError(400, `${text} is no date`);
  return date;
}

export const toText = (date) => date.toISOString().slice(0, 10);

export const daysBetween = (from, to) => Math.round((to - from) / DAY);

/** The name of a date's weekday in any language. */
export function weekday(date, locale) {
  try {
    return new Intl.DateTimeFormat(locale, { weekday: "long", timeZone: "UTC" }).format(date);
  } catch {
    throw new HttpError(400, `${locale} is no locale`);
  }
}

/**
 * Easter Sunday in the Gregorian calendar, after the algorithm that "Nature" published anonymously in 1876.
 *
 * @see https://en.wikipedia.org/wiki/Date_of_Easter#Anonymous_Gregorian_algorithm
 * @param {number} year
 */
export function easter(year) {
  const a = year % 19;
  const b = Math.floor(year / 100);
  const c = year % 100;
  const g = Math.floor((8 * b + 13) / 25);
  const h = (19 * a + b - Math.floor(b / 4) - g + 15) % 30;
  const l = (32 + 2 * (b % 4) + 2 * Math.floor(c / 4) - h - (c % 4)) % 7;
  const m = Math.floor((a + 11 * h + 19 * l) / 433);
  const month = Math.floor((h + l - 7 * m + 90) / 25);
  const day = (h + l - 7 * m + 33 * month + 19) % 32;
  return new Date(Date.UTC(year, month - 1, day));
}
