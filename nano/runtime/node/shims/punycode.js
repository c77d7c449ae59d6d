// For npm's "url": what it needs of punycode.

/** @param {string} domain */
export function toASCII(domain) {
  try {
    return new URL(`ws://${domain}`).hostname;
  } catch {
    return domain;
  }
}
