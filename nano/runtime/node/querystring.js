// node:querystring.
//
// Contract: https://nodejs.org/docs/latest-v22.x/api/querystring.html

/** @param {any} text */
export const escape = (text) =>
  encodeURIComponent(typeof text === "string" ? text.toWellFormed() : `${text}`);

/** Percent-decoding that lets be what is wrong. @param {string} text */
export function unescape(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    const bytes = text.replace(/%([0-9a-f]{2})/gi, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)));
    return new TextDecoder().decode(Uint8Array.from(bytes, (character) => character.charCodeAt(0)));
  }
}

/** @param {any} value */
function primitive(value) {
  if (typeof value === "string") return value;
  if (typeof value === "number") return Number.isFinite(value) ? `${value}` : "";
  return typeof value === "bigint" || typeof value === "boolean" ? `${value}` : "";
}

/**
 * @param {any} object
 * @param {string} [separator]
 * @param {string} [equals]
 * @param {{ encodeURIComponent?: (text: string) => string }} [options]
 */
export function stringify(object, separator = "&", equals = "=", options = {}) {
  if (typeof object !== "object" || object === null) return "";
  const encode = options?.encodeURIComponent ?? escape;
  const pairs = Object.keys(object).flatMap((key) =>
    (Array.isArray(object[key]) ? object[key] : [object[key]]).map(
      (/** @type {any} */ value) => encode(key) + equals + encode(primitive(value)),
    ),
  );
  return pairs.join(separator);
}

/**
 * @param {string} text
 * @param {string} [separator]
 * @param {string} [equals]
 * @param {{ decodeURIComponent?: (text: string) => string, maxKeys?: number }} [options]
 * @returns {any} without a prototype
 */
export function parse(text, separator = "&", equals = "=", options = {}) {
  const result = Object.create(null);
  if (typeof text !== "string" || text === "") return result;
  const decode = options?.decodeURIComponent ?? unescape;
  const most = options?.maxKeys ?? 1000;
  const parts = text.split(separator || "&");
  for (const part of most > 0 ? parts.slice(0, most) : parts) {
    if (part === "") continue;
    const at = part.indexOf(equals || "=");
    const [key, value] = (at < 0 ? [part, ""] : [part.slice(0, at), part.slice(at + (equals || "=").length)]).map((side) =>
      decode(side.replaceAll("+", " ")),
    );
    if (!(key in result)) result[key] = value;
    else if (Array.isArray(result[key])) result[key].push(value);
    else result[key] = [result[key], value];
  }
  return result;
}

export { parse as decode, stringify as encode };
export default { decode: parse, encode: stringify, escape, parse, stringify, unescape };
