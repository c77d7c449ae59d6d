// node:url: the global classes, and the interface of old from https://github.com/defunctzombie/node-url.
//
// Contract: https://nodejs.org/docs/latest-v22.x/api/url.html

import legacy from "url/url.js";

const { URL, URLSearchParams } = globalThis;

export const { Url, parse, resolve, resolveObject } = legacy;

/**
 * @param {any} input a URL, or what parse() gives
 * @param {{ auth?: boolean, fragment?: boolean, search?: boolean, unicode?: boolean }} [options] for a URL
 * @returns {string}
 */
export function format(input, { auth = true, fragment = true, search = true } = {}) {
  if (!(input instanceof URL)) return legacy.format(input);
  const url = new URL(input.href);
  if (!auth) url.username = url.password = "";
  if (!fragment) url.hash = "";
  if (!search) url.search = "";
  return url.href;
}

/** @param {any} url */
export function fileURLToPath(url) {
  const { protocol, hostname, pathname } = new URL(url);
  if (protocol !== "file:") throw Object.assign(new TypeError("The URL must be of scheme file"), { code: "ERR_INVALID_URL_SCHEME" });
  if (hostname !== "") {
    throw Object.assign(new TypeError("File URL host must be empty"), { code: "ERR_INVALID_FILE_URL_HOST" });
  }
  if (/%2f/i.test(pathname)) {
    throw Object.assign(new TypeError("File URL path must not include encoded / characters"), { code: "ERR_INVALID_FILE_URL_PATH" });
  }
  return decodeURIComponent(pathname);
}

/** @param {string} path */
export function pathToFileURL(path) {
  const absolute = new URL("file:///");
  absolute.pathname = path.replace(/[%\\\n\r\t?#]/g, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`);
  return absolute;
}

/** @param {string} domain */
export function domainToASCII(domain) {
  try {
    return new URL(`ws://${domain}`).hostname;
  } catch {
    return "";
  }
}

/** @param {any} url */
export function urlToHttpOptions(url) {
  const { protocol, hostname, hash, search, pathname, href, port, username, password } = url;
  return {
    __proto__: null,
    ...url,
    protocol,
    hostname: hostname.startsWith("[") ? hostname.slice(1, -1) : hostname,
    hash,
    search,
    pathname,
    path: `${pathname}${search}`,
    href,
    ...(port === "" ? {} : { port: Number(port) }),
    ...(username || password ? { auth: `${decodeURIComponent(username)}:${decodeURIComponent(password)}` } : {}),
  };
}

export { URL, URLSearchParams };
export default {
  URL,
  URLSearchParams,
  Url,
  domainToASCII,
  fileURLToPath,
  format,
  parse,
  pathToFileURL,
  resolve,
  resolveObject,
  urlToHttpOptions,
};
