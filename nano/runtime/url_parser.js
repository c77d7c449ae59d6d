// The URL parser, and the changes that the setters of URL make to a record.
//
// Standard: https://url.spec.whatwg.org/#url-parsing
// Other modules parse with parse_url.js, which tries url_plain_http.js first. The interface is in url.js, records are in
// url_record.js, hosts in url_host.js.
//
// The standard's state machine walks code point by code point, with a buffer and a pointer that goes back.
// Here every state is a function that looks for the end of its part and handles it in one piece; the names
// and the order of decisions are the standard's. A path is kept as its serialisation ("/a/b"): the empty list
// is "", and a segment ends where the next slash is, since no segment can contain one.
//
// Revision: the platform's tests that we are held to, Node.js and Deno follow the standard as of 2024-10. What
// came later, and is not done here: "^" is percent-encoded in paths; spaces at the end of an opaque path become
// %20 where query or fragment follow, instead of being stripped when these go; ASCII domains with malformed
// Punycode are let through.

import { parseURL } from "./parse_url.js";
import {
  StringPrototypeCharCodeAt,
  StringPrototypeIndexOf,
  StringPrototypeLastIndexOf,
  StringPrototypeSlice,
  StringPrototypeToLowerCase,
} from "./primordials.js";
import { parseHost } from "./url_host.js";
import {
  C0_CONTROL,
  FRAGMENT,
  PATH,
  QUERY,
  SPECIAL_QUERY,
  USERINFO,
  percentEncode,
} from "./url_percent.js";
import {
  URLRecord,
  at,
  isAlpha,
  isDelimiter,
  isDigit,
  isSpecial,
  leadingPort,
  serializeHostAndPort,
  specialPort,
} from "./url_record.js";

/** @param {number} unit @param {boolean} special */
const isSlash = (unit, special) => unit === 0x2f || (special && unit === 0x5c);

/** @param {string} input */
function removeTabsAndNewlines(input) {
  let output = "";
  let done = 0;
  for (let i = 0; i < input.length; i++) {
    const unit = StringPrototypeCharCodeAt(input, i);
    if (unit !== 0x09 && unit !== 0x0a && unit !== 0x0d) continue;
    output += StringPrototypeSlice(input, done, i);
    done = i + 1;
  }
  return done === 0 ? input : output + StringPrototypeSlice(input, done);
}

/** @param {string} input */
function trimC0AndSpace(input) {
  let start = 0;
  let end = input.length;
  while (start < end && StringPrototypeCharCodeAt(input, start) <= 0x20) start++;
  while (end > start && StringPrototypeCharCodeAt(input, end - 1) <= 0x20) end--;
  return start === 0 && end === input.length ? input : StringPrototypeSlice(input, start, end);
}

/** Whether two code units are a Windows drive letter ("C:", "C|"). @param {string} input @param {number} start */
const isDriveLetter = (input, start) =>
  isAlpha(at(input, start)) && (at(input, start + 1) === 0x3a || at(input, start + 1) === 0x7c);

/** @see https://url.spec.whatwg.org/#start-with-a-windows-drive-letter @param {string} input @param {number} start */
function startsWithDriveLetter(input, start) {
  return isDriveLetter(input, start) && isDelimiter(at(input, start + 2), true);
}

/** Whether a path begins with a normalised Windows drive letter as its first segment. @param {string} path */
const beginsWithDrive = (path) =>
  isAlpha(at(path, 1)) && at(path, 2) === 0x3a && (path.length === 3 || at(path, 3) === 0x2f);

/** @see https://url.spec.whatwg.org/#shorten-a-urls-path @param {URLRecord} url */
function shortenPath(url) {
  const { path } = url;
  if (url.scheme === "file" && path.length === 3 && beginsWithDrive(path)) return;
  if (path !== "") url.path = StringPrototypeSlice(path, 0, StringPrototypeLastIndexOf(path, "/"));
}

/**
 * The basic URL parser, for any text; others call it through parse_url.js.
 *
 * @see https://url.spec.whatwg.org/#concept-basic-url-parser
 * @param {string} text without lone surrogates
 * @param {URLRecord | null} base
 * @returns {URLRecord | null} null for failure
 */
export function parseUnusualURL(text, base) {
  const input = removeTabsAndNewlines(trimC0AndSpace(text));
  const end = schemeEnd(input);
  const url = new URLRecord();
  if (end < 0) return noSchemeState(url, input, base);
  url.scheme = StringPrototypeToLowerCase(StringPrototypeSlice(input, 0, end));
  return schemeState(url, input, end + 1, base);
}

/** Where the ":" behind a scheme stands, or -1 if there is no scheme. @param {string} input */
function schemeEnd(input) {
  if (!isAlpha(at(input, 0))) return -1;
  for (let i = 1; i < input.length; i++) {
    const unit = StringPrototypeCharCodeAt(input, i);
    if (unit === 0x3a) return i;
    if (!isAlpha(unit) && !isDigit(unit) && unit !== 0x2b && unit !== 0x2d && unit !== 0x2e) return -1;
  }
  return -1;
}

/**
 * The second half of the scheme state.
 *
 * @param {URLRecord} url
 * @param {string} input
 * @param {number} p behind the ":"
 * @param {URLRecord | null} base
 */
function schemeState(url, input, p, base) {
  const { scheme } = url;
  if (scheme === "file") return fileState(url, input, p, base);
  if (isSpecial(url)) {
    const twoSlashes = at(input, p) === 0x2f && at(input, p + 1) === 0x2f;
    // Special relative or authority state.
    if (base !== null && base.scheme === scheme && !twoSlashes) return relativeState(url, input, p, base);
    return specialAuthorityIgnoreSlashesState(url, input, p);
  }
  if (at(input, p) === 0x2f) {
    // Path or authority state.
    if (at(input, p + 1) === 0x2f) return authorityState(url, input, p + 2);
    return pathState(url, input, p + 1);
  }
  return opaquePathState(url, input, p);
}

/** @param {URLRecord} url @param {string} input @param {URLRecord | null} base */
function noSchemeState(url, input, base) {
  if (base === null) return null;
  if (base.opaquePath) {
    if (at(input, 0) !== 0x23) return null;
    url.scheme = base.scheme;
    url.path = base.path;
    url.opaquePath = true;
    url.query = base.query;
    return fragmentState(url, input, 1);
  }
  return base.scheme === "file" ? fileState(url, input, 0, base) : relativeState(url, input, 0, base);
}

/** @param {URLRecord} url @param {URLRecord} base */
function copyAuthority(url, base) {
  url.username = base.username;
  url.password = base.password;
  url.host = base.host;
  url.port = base.port;
}

/** @param {URLRecord} url @param {string} input @param {number} p @param {URLRecord} base */
function relativeState(url, input, p, base) {
  url.scheme = base.scheme;
  const special = isSpecial(url);
  const unit = at(input, p);
  if (isSlash(unit, special)) {
    // Relative slash state.
    const next = at(input, p + 1);
    if (special && isSlash(next, true)) return specialAuthorityIgnoreSlashesState(url, input, p + 2);
    if (next === 0x2f) return authorityState(url, input, p + 2);
    copyAuthority(url, base);
    return pathState(url, input, p + 1);
  }
  copyAuthority(url, base);
  url.path = base.path;
  url.query = base.query;
  if (unit === 0x3f) return queryState(url, input, p + 1);
  if (unit === 0x23) return fragmentState(url, input, p + 1);
  if (unit === -1) return url;
  url.query = null;
  shortenPath(url);
  return pathState(url, input, p);
}

/** @param {URLRecord} url @param {string} input @param {number} p */
function specialAuthorityIgnoreSlashesState(url, input, p) {
  while (isSlash(at(input, p), true)) p++;
  return authorityState(url, input, p);
}

/** @param {URLRecord} url @param {string} input @param {number} p */
function authorityState(url, input, p) {
  const special = isSpecial(url);
  let end = p;
  let lastAt = -1;
  for (; ; end++) {
    const unit = at(input, end);
    if (isDelimiter(unit, special)) break;
    if (unit === 0x40) lastAt = end;
  }
  if (lastAt >= 0) {
    setCredentials(url, StringPrototypeSlice(input, p, lastAt));
    if (lastAt + 1 === end) return null;
  }
  return hostState(url, input, lastAt < 0 ? p : lastAt + 1, end) ? pathStartState(url, input, end) : null;
}

/** @param {URLRecord} url @param {string} text */
function setCredentials(url, text) {
  const colon = StringPrototypeIndexOf(text, ":");
  url.username = percentEncode(colon < 0 ? text : StringPrototypeSlice(text, 0, colon), USERINFO);
  if (colon >= 0) url.password = percentEncode(StringPrototypeSlice(text, colon + 1), USERINFO);
}

/**
 * Where the host ends: at the first ":" outside of brackets, or where it has to.
 *
 * @param {string} input
 * @param {number} start
 * @param {number} end
 */
function portColon(input, start, end) {
  let insideBrackets = false;
  for (let i = start; i < end; i++) {
    const unit = StringPrototypeCharCodeAt(input, i);
    if (unit === 0x5b) insideBrackets = true;
    else if (unit === 0x5d) insideBrackets = false;
    else if (unit === 0x3a && !insideBrackets) return i;
  }
  return end;
}

/**
 * Host state and port state.
 *
 * @param {URLRecord} url
 * @param {string} input
 * @param {number} start
 * @param {number} end of the authority
 * @returns {boolean} false for failure
 */
function hostState(url, input, start, end) {
  const special = isSpecial(url);
  const colon = portColon(input, start, end);
  if (colon === start && (special || colon < end)) return false;
  url.host = start === colon ? "" : parseHost(StringPrototypeSlice(input, start, colon), !special);
  if (url.host === null) return false;
  const digits = leadingPort(input, colon + 1);
  return colon >= end || (digits.end === end && acceptPort(url, digits));
}

/**
 * The end of the port state.
 *
 * @param {URLRecord} url
 * @param {{ value: number }} port
 * @returns {boolean} false for failure
 */
function acceptPort(url, { value }) {
  if (value > 0xffff) return false;
  if (value >= 0) url.port = value === specialPort(url.scheme) && url.scheme !== "file" ? -1 : value;
  return true;
}

/** @param {URLRecord} url @param {string} input @param {number} p @param {URLRecord | null} base */
function fileState(url, input, p, base) {
  url.scheme = "file";
  url.host = "";
  const unit = at(input, p);
  if (isSlash(unit, true)) {
    // File slash state.
    if (isSlash(at(input, p + 1), true)) return fileHostState(url, input, p + 2);
    if (base !== null && base.scheme === "file") {
      url.host = base.host;
      if (!startsWithDriveLetter(input, p + 1) && beginsWithDrive(base.path)) {
        url.path = StringPrototypeSlice(base.path, 0, 3);
      }
    }
    return pathState(url, input, p + 1);
  }
  if (base === null || base.scheme !== "file") return pathState(url, input, p);
  url.host = base.host;
  url.path = base.path;
  url.query = base.query;
  if (unit === 0x3f) return queryState(url, input, p + 1);
  if (unit === 0x23) return fragmentState(url, input, p + 1);
  if (unit === -1) return url;
  url.query = null;
  if (startsWithDriveLetter(input, p)) url.path = "";
  else shortenPath(url);
  return pathState(url, input, p);
}

/** @param {URLRecord} url @param {string} input @param {number} p */
function fileHostState(url, input, p) {
  let end = p;
  while (!isDelimiter(at(input, end), true)) end++;
  // A drive letter is the first segment of the path.
  if (end === p + 2 && isDriveLetter(input, p)) return pathState(url, input, p);
  return setFileHost(url, StringPrototypeSlice(input, p, end)) ? pathStartState(url, input, end) : null;
}

/** @param {URLRecord} url @param {string} text @returns {boolean} false for failure */
function setFileHost(url, text) {
  const host = text === "" ? "" : parseHost(text, false);
  if (host === null) return false;
  url.host = host === "localhost" ? "" : host;
  return true;
}

/** @param {URLRecord} url @param {string} input @param {number} p */
function pathStartState(url, input, p) {
  const unit = at(input, p);
  if (isSpecial(url)) return pathState(url, input, isSlash(unit, true) ? p + 1 : p);
  if (unit === -1) return url;
  if (unit === 0x3f) return queryState(url, input, p + 1);
  if (unit === 0x23) return fragmentState(url, input, p + 1);
  return pathState(url, input, unit === 0x2f ? p + 1 : p);
}

/** @param {URLRecord} url @param {string} input @param {number} p */
function pathState(url, input, p) {
  const end = parsePath(url, input, p, false);
  const unit = at(input, end);
  if (unit === 0x3f) return queryState(url, input, end + 1);
  if (unit === 0x23) return fragmentState(url, input, end + 1);
  return url;
}

/**
 * Append segments to the path.
 *
 * @see https://url.spec.whatwg.org/#path-state
 * @param {URLRecord} url
 * @param {string} input
 * @param {number} p
 * @param {boolean} override whether "?" and "#" are part of the path
 * @returns {number} where it ends
 */
function parsePath(url, input, p, override) {
  const special = isSpecial(url);
  for (;;) {
    const start = p;
    let unit = at(input, p);
    while (!(override ? unit === -1 || isSlash(unit, special) : isDelimiter(unit, special))) unit = at(input, ++p);
    const more = isSlash(unit, special);
    const segment = percentEncode(StringPrototypeSlice(input, start, p), PATH);
    const dots = dotSegment(segment);
    if (dots === 2) shortenPath(url);
    if (dots > 0) {
      if (!more) url.path += "/";
    } else if (url.path === "" && segment.length === 2 && url.scheme === "file" && isDriveLetter(segment, 0)) {
      url.path = `/${segment[0]}:`;
    } else url.path += `/${segment}`;
    if (!more) return p;
    p++;
  }
}

/**
 * How many dots a segment consists of, if it is a single-dot or double-dot URL path segment, else 0.
 *
 * @param {string} segment
 */
function dotSegment(segment) {
  const { length } = segment;
  if (length === 0 || length > 6) return 0;
  const first = dotLength(segment, 0);
  if (first === 0 || first === length) return first === 0 ? 0 : 1;
  const second = dotLength(segment, first);
  return second > 0 && first + second === length ? 2 : 0;
}

/** How long the "." or "%2e" at a place is, 0 for anything else. @param {string} segment @param {number} p */
function dotLength(segment, p) {
  const unit = at(segment, p);
  if (unit === 0x2e) return 1;
  return unit === 0x25 && at(segment, p + 1) === 0x32 && (at(segment, p + 2) | 0x20) === 0x65 ? 3 : 0;
}

/** @param {URLRecord} url @param {string} input @param {number} p */
function opaquePathState(url, input, p) {
  let end = p;
  while (end < input.length && at(input, end) !== 0x3f && at(input, end) !== 0x23) end++;
  url.opaquePath = true;
  url.path = percentEncode(StringPrototypeSlice(input, p, end), C0_CONTROL);
  if (at(input, end) === 0x3f) return queryState(url, input, end + 1);
  return end < input.length ? fragmentState(url, input, end + 1) : url;
}

/** @param {URLRecord} url @param {string} input @param {number} p behind the "?" */
function queryState(url, input, p) {
  const hash = StringPrototypeIndexOf(input, "#", p);
  const text = StringPrototypeSlice(input, p, hash < 0 ? input.length : hash);
  url.query = percentEncode(text, isSpecial(url) ? SPECIAL_QUERY : QUERY);
  return hash < 0 ? url : fragmentState(url, input, hash + 1);
}

/** @param {URLRecord} url @param {string} input @param {number} p behind the "#" */
function fragmentState(url, input, p) {
  url.fragment = percentEncode(StringPrototypeSlice(input, p), FRAGMENT);
  return url;
}

/**
 * @see https://url.spec.whatwg.org/#concept-url-origin
 * @param {URLRecord} url
 * @returns {string} serialised; "null" for an opaque origin
 */
export function serializeOrigin(url) {
  const { scheme } = url;
  if (scheme === "blob") {
    const inner = parseURL(url.path);
    return inner !== null && (inner.scheme === "http" || inner.scheme === "https") ? serializeOrigin(inner) : "null";
  }
  return specialPort(scheme) > 0 ? `${scheme}://${serializeHostAndPort(url)}` : "null";
}

// What follows are the parser's runs with a state override; each leaves the record as it was on failure, and
// those of which somebody wants to know return false then.

/** Scheme start state as override. @param {URLRecord} url @param {string} value */
export function overrideScheme(url, value) {
  const input = `${removeTabsAndNewlines(value)}:`;
  const end = schemeEnd(input);
  if (end < 0) return;
  const scheme = StringPrototypeToLowerCase(StringPrototypeSlice(input, 0, end));
  if (isSpecial(url) !== specialPort(scheme) >= 0) return;
  if (scheme === "file" && (url.username !== "" || url.password !== "" || url.port >= 0)) return;
  if (url.scheme === "file" && url.host === "") return;
  url.href = null;
  url.scheme = scheme;
  if (url.port === specialPort(scheme)) url.port = -1;
}

/**
 * Host state or hostname state as override.
 *
 * @param {URLRecord} url
 * @param {string} value
 * @param {boolean} hostnameOnly
 * @returns {boolean}
 */
export function overrideHost(url, value, hostnameOnly) {
  const input = removeTabsAndNewlines(value);
  const special = isSpecial(url);
  let end = 0;
  while (!isDelimiter(at(input, end), special)) end++;
  url.href = null;
  if (url.scheme === "file") {
    return setFileHost(url, StringPrototypeSlice(input, 0, end));
  }
  const colon = portColon(input, 0, end);
  if (colon < end ? colon === 0 || hostnameOnly : colon === 0 && cannotBeEmpty(url)) return false;
  const host = colon === 0 ? "" : parseHost(StringPrototypeSlice(input, 0, colon), !special);
  if (host === null) return false;
  url.host = host;
  return colon === end || acceptPort(url, leadingPort(input, colon + 1));
}

/** Whether an empty host would lose something. @param {URLRecord} url */
const cannotBeEmpty = (url) => isSpecial(url) || url.username !== "" || url.password !== "" || url.port >= 0;

/** Port state as override. @param {URLRecord} url @param {string} value not empty @returns {boolean} */
export function overridePort(url, value) {
  const port = leadingPort(removeTabsAndNewlines(value), 0);
  url.href = null;
  return port.value >= 0 && acceptPort(url, port);
}

/** Path start state as override, with an empty path before. @param {URLRecord} url @param {string} value */
export function overridePath(url, value) {
  const input = removeTabsAndNewlines(value);
  const special = isSpecial(url);
  url.href = null;
  url.path = "";
  if (special || input !== "") parsePath(url, input, isSlash(at(input, 0), special) ? 1 : 0, true);
  else if (url.host === null) url.path = "/";
}

/** @param {URLRecord} url */
export function clearPort(url) {
  url.href = null;
  url.port = -1;
}

/** Opaque path state as override, on a fresh record. @param {string} value @returns {string} the path */
export const overrideOpaquePath = (value) =>
  /** @type {URLRecord} */ (opaquePathState(new URLRecord(), removeTabsAndNewlines(value), 0)).path;

/** Query state as override. @param {URLRecord} url @param {string | null} value without its "?" */
export function overrideQuery(url, value) {
  if (value !== null) value = percentEncode(removeTabsAndNewlines(value), isSpecial(url) ? SPECIAL_QUERY : QUERY);
  setQuery(url, value);
}

/** Put a query that is already encoded. @param {URLRecord} url @param {string | null} query */
export function setQuery(url, query) {
  url.href = null;
  url.query = query;
  stripTrailingSpaces(url);
}

/** Fragment state as override. @param {URLRecord} url @param {string | null} value without its "#" */
export function overrideFragment(url, value) {
  url.href = null;
  url.fragment = value === null ? null : percentEncode(removeTabsAndNewlines(value), FRAGMENT);
  stripTrailingSpaces(url);
}

/**
 * "Potentially strip trailing spaces from an opaque path": when nothing follows them, parsing the serialisation
 * again would lose them.
 *
 * @param {URLRecord} url
 */
function stripTrailingSpaces(url) {
  if (!url.opaquePath || url.query !== null || url.fragment !== null) return;
  let end = url.path.length;
  while (end > 0 && StringPrototypeCharCodeAt(url.path, end - 1) === 0x20) end--;
  url.path = StringPrototypeSlice(url.path, 0, end);
}

/**
 * "Set the username", "set the password".
 *
 * @param {URLRecord} url
 * @param {"username" | "password"} part
 * @param {string} value
 */
export function setCredential(url, part, value) {
  url.href = null;
  url[part] = percentEncode(value, USERINFO);
}
