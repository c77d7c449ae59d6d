// Hosts: domains, IPv4 and IPv6 addresses, and the opaque hosts of other schemes.
//
// Standard: https://url.spec.whatwg.org/#host-parsing
// Host half: nano/ops/url.py. It answers `url.domain_to_ascii` for the domains that need the tables of
// Unicode; what is ASCII and has no "xn--" does not.
//
// A host is kept as its serialisation, which is unambiguous: "[" begins an IPv6 address.

import { hostCallSync } from "./host.js";
import {
  ArrayPrototypePop,
  MathFloor,
  MathPow,
  NumberPrototypeToString,
  StringPrototypeCharCodeAt,
  StringPrototypeEndsWith,
  StringPrototypeIncludes,
  StringPrototypeLastIndexOf,
  StringPrototypeNormalize,
  StringPrototypeSlice,
  StringPrototypeSplit,
  StringPrototypeToLowerCase,
} from "./primordials.js";
import { C0_CONTROL, percentDecode, percentEncode } from "./url_percent.js";
import { utf8DecodeWithoutBom } from "./utf8.js";

/** @param {number} unit */
const isDigit = (unit) => unit >= 0x30 && unit <= 0x39;

/** The value of a hexadecimal digit, or -1. @param {number} unit */
function hexValue(unit) {
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30;
  const lower = unit | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

const FORBIDDEN_HOST = "\0\t\n\r #/:<>?@[\\]^|";

/**
 * @see https://url.spec.whatwg.org/#concept-host-parser
 * @param {string} input
 * @param {boolean} isOpaque
 * @returns {string | null} null for failure
 */
export function parseHost(input, isOpaque) {
  if (StringPrototypeCharCodeAt(input, 0) === 0x5b) {
    if (!StringPrototypeEndsWith(input, "]")) return null;
    const pieces = parseIPv6(StringPrototypeSlice(input, 1, -1));
    return pieces === null ? null : `[${serializeIPv6(pieces)}]`;
  }
  if (isOpaque) return parseOpaqueHost(input);
  const domain = StringPrototypeIncludes(input, "%") ? utf8DecodeWithoutBom(percentDecode(input)) : input;
  const ascii = domainToASCII(domain);
  if (ascii === "" || hasForbiddenDomainCodePoint(ascii)) return null;
  return endsInNumber(ascii) ? parseIPv4(ascii) : ascii;
}

/** @see https://url.spec.whatwg.org/#concept-opaque-host-parser @param {string} input */
function parseOpaqueHost(input) {
  for (let i = 0; i < input.length; i++) if (StringPrototypeIncludes(FORBIDDEN_HOST, input[i])) return null;
  return percentEncode(input, C0_CONTROL);
}

/**
 * The domain parser's ToASCII; empty for failure. ASCII domains are checked as well where they contain
 * Punycode, as browsers and the platform's tests have it.
 *
 * @see https://url.spec.whatwg.org/#concept-domain-to-ascii
 * @param {string} domain
 */
function domainToASCII(domain) {
  for (let i = 0; i < domain.length; i++) {
    if (StringPrototypeCharCodeAt(domain, i) > 0x7f) return askHost(domain);
  }
  const lower = StringPrototypeToLowerCase(domain);
  return StringPrototypeIncludes(lower, "xn--") ? askHost(lower) : lower;
}

/** Far beyond what DNS allows (253); Punycode takes quadratic time. */
const LONGEST_DOMAIN = 1024;

/** @param {string} domain */
function askHost(domain) {
  return domain.length > LONGEST_DOMAIN ? "" : hostCallSync("url.domain_to_ascii", StringPrototypeNormalize(domain));
}

/** @see https://url.spec.whatwg.org/#forbidden-domain-code-point @param {string} domain */
function hasForbiddenDomainCodePoint(domain) {
  for (let i = 0; i < domain.length; i++) {
    const unit = StringPrototypeCharCodeAt(domain, i);
    // Nearly always it is one of these; only then are the rest worth a look.
    if ((unit >= 0x61 && unit <= 0x7a) || isDigit(unit) || unit === 0x2e || unit === 0x2d) continue;
    if (unit <= 0x20 || unit === 0x25 || unit === 0x7f || StringPrototypeIncludes(FORBIDDEN_HOST, domain[i])) return true;
  }
  return false;
}

/** @see https://url.spec.whatwg.org/#ends-in-a-number-checker @param {string} input */
function endsInNumber(input) {
  const end = StringPrototypeEndsWith(input, ".") ? input.length - 1 : input.length;
  const start = StringPrototypeLastIndexOf(input, ".", end - 1) + 1;
  // A number begins with a digit, so this decides nearly everything; "." alone has no last part.
  if (start >= end || !isDigit(StringPrototypeCharCodeAt(input, start))) return false;
  const last = StringPrototypeSlice(input, start, end);
  for (let i = 0; ; i++) {
    if (i === last.length) return true;
    if (!isDigit(StringPrototypeCharCodeAt(last, i))) break;
  }
  return parseIPv4Number(last) >= 0;
}

/** @see https://url.spec.whatwg.org/#ipv4-number-parser @param {string} input @returns {number} -1 for failure */
function parseIPv4Number(input) {
  if (input === "") return -1;
  let radix = 10;
  let i = 0;
  if (input.length >= 2 && StringPrototypeCharCodeAt(input, 0) === 0x30) {
    const hex = (StringPrototypeCharCodeAt(input, 1) | 0x20) === 0x78;
    radix = hex ? 16 : 8;
    i = hex ? 2 : 1;
  }
  let value = 0;
  for (; i < input.length; i++) {
    const digit = hexValue(StringPrototypeCharCodeAt(input, i));
    if (digit < 0 || digit >= radix) return -1;
    value = value * radix + digit;
  }
  return value;
}

/** @see https://url.spec.whatwg.org/#concept-ipv4-parser @param {string} input @returns {string | null} */
function parseIPv4(input) {
  const parts = StringPrototypeSplit(input, /** @type {any} */ ("."));
  if (parts[parts.length - 1] === "" && parts.length > 1) ArrayPrototypePop(parts);
  if (parts.length > 4) return null;
  let address = 0;
  for (let i = 0; i < parts.length; i++) {
    const number = parseIPv4Number(parts[i]);
    if (number < 0) return null;
    if (i < parts.length - 1) {
      if (number > 255) return null;
      address += number * MathPow(256, 3 - i);
    } else {
      if (number >= MathPow(256, 5 - parts.length)) return null;
      address += number;
    }
  }
  const byte = (/** @type {number} */ shift) => MathFloor(address / MathPow(256, shift)) % 256;
  return `${byte(3)}.${byte(2)}.${byte(1)}.${byte(0)}`;
}

/**
 * @see https://url.spec.whatwg.org/#concept-ipv6-parser
 * @param {string} input
 * @returns {number[] | null} eight pieces, or null for failure
 */
function parseIPv6(input) {
  const address = [0, 0, 0, 0, 0, 0, 0, 0];
  const { length } = input;
  let pieceIndex = 0;
  let compress = -1;
  let pointer = 0;
  /** @param {number} at */
  const unit = (at) => (at < length ? StringPrototypeCharCodeAt(input, at) : -1);
  if (unit(0) === 0x3a) {
    if (unit(1) !== 0x3a) return null;
    pointer = 2;
    compress = ++pieceIndex;
  }
  while (pointer < length) {
    if (pieceIndex === 8) return null;
    if (unit(pointer) === 0x3a) {
      if (compress >= 0) return null;
      pointer++;
      compress = ++pieceIndex;
      continue;
    }
    let value = 0;
    const start = pointer;
    for (; pointer < start + 4 && hexValue(unit(pointer)) >= 0; pointer++) value = value * 16 + hexValue(unit(pointer));
    if (unit(pointer) === 0x2e) {
      if (pointer === start || pieceIndex > 6 || !parseTrailingIPv4(input, start, address, pieceIndex)) return null;
      pieceIndex += 2;
      break;
    }
    if (unit(pointer) === 0x3a) {
      if (++pointer === length) return null;
    } else if (pointer < length) return null;
    address[pieceIndex++] = value;
  }
  if (compress < 0) return pieceIndex === 8 ? address : null;
  // Move what follows the "::" to the end.
  for (let from = pieceIndex - 1, to = 7; from >= compress && to !== from; from--, to--) {
    address[to] = address[from];
    address[from] = 0;
  }
  return address;
}

/**
 * The dotted form at the end of an IPv6 address, into two pieces.
 *
 * @param {string} input
 * @param {number} start
 * @param {number[]} address
 * @param {number} pieceIndex
 * @returns {boolean} whether it was one
 */
function parseTrailingIPv4(input, start, address, pieceIndex) {
  let pointer = start;
  for (let seen = 0; seen < 4; seen++) {
    if (seen > 0 && StringPrototypeCharCodeAt(input, pointer++) !== 0x2e) return false;
    const first = pointer;
    let value = 0;
    for (; pointer < input.length && isDigit(StringPrototypeCharCodeAt(input, pointer)); pointer++) {
      if (pointer > first && value === 0) return false;
      value = value * 10 + StringPrototypeCharCodeAt(input, pointer) - 0x30;
      if (value > 255) return false;
    }
    if (pointer === first) return false;
    const at = pieceIndex + (seen >> 1);
    address[at] = address[at] * 256 + value;
  }
  return pointer === input.length;
}

/** @see https://url.spec.whatwg.org/#concept-ipv6-serializer @param {number[]} address */
function serializeIPv6(address) {
  const compress = compressedPieceIndex(address);
  let output = "";
  let ignore0 = false;
  for (let i = 0; i < 8; i++) {
    if (ignore0 && address[i] === 0) continue;
    ignore0 = false;
    if (compress === i) {
      output += i === 0 ? "::" : ":";
      ignore0 = true;
      continue;
    }
    output += NumberPrototypeToString(address[i], 16);
    if (i !== 7) output += ":";
  }
  return output;
}

/** The first of the longest runs of zeros with more than one. @param {number[]} address @returns {number} or -1 */
function compressedPieceIndex(address) {
  let longest = -1;
  let longestSize = 1;
  for (let i = 0; i < 8; ) {
    if (address[i] !== 0) {
      i++;
      continue;
    }
    const start = i;
    while (i < 8 && address[i] === 0) i++;
    if (i - start > longestSize) {
      longest = start;
      longestSize = i - start;
    }
  }
  return longest;
}
