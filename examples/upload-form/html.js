// HTML in template strings: whatever is inserted is escaped, unless it is HTML itself.

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

class Html {
  #text;

  constructor(text) {
    this.#text = text;
  }

  toString() {
    return this.#text;
  }
}

/** @param {unknown} value text, HTML, or a list of such */
function insert(value) {
  if (Array.isArray(value)) return value.map(insert).join("");
  return value instanceof Html ? `${value}` : `${value}`.replace(/[&<>"']/g, (character) => ESCAPES[character]);
}

/** @returns {Html} */
export const html = (strings, ...values) => new Html(String.raw({ raw: strings }, ...values.map(insert)));
