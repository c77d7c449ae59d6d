// Figures as people read them.

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** @param {number} value */
export function bytes(value) {
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(unit && value < 100 ? 1 : 0)} ${UNITS[unit]}`;
}

/** @param {number | null} value in milliseconds; null if there is none */
export function milliseconds(value) {
  if (value === null) return "–";
  if (value >= 1000) return `${(value / 1000).toFixed(value < 10_000 ? 2 : 1)} s`;
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ms`;
}

/** @param {number} value in percent of one processor */
export const percent = (value) => `${value.toFixed(value < 10 ? 1 : 0)} %`;

/** @param {number} value */
export const rate = (value) => value.toFixed(value && value < 10 ? 1 : 0);

/** @param {number} value */
export const count = (value) => value.toLocaleString("en");

/** @param {number} seconds */
export function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return `${Math.floor(seconds)} s`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

/** @param {string} timestamp */
export const time = (timestamp) => new Date(timestamp).toLocaleTimeString("en-GB");
