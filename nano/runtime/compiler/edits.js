// Replacements in a source text that never change its lines.

const TERMINATOR = /[\n\r\u2028\u2029]/;
const ALL_BUT_TERMINATORS = /[^\n\r\u2028\u2029]/g;

export class Edits {
  /** @type {{ start: number, end: number, text: string }[]} */
  #edits = [];
  #source;

  /** @param {string} source */
  constructor(source) {
    this.#source = source;
  }

  /**
   * Put *text* in the place of a range. A shorter text is padded so that what follows keeps its column;
   * the line terminators of the range stay.
   *
   * @param {number} start
   * @param {number} end
   * @param {string} text
   */
  overwrite(start, end, text) {
    const blank = this.#source.slice(start, end).replace(ALL_BUT_TERMINATORS, " ");
    const covered = blank.slice(0, text.length);
    const rest = !TERMINATOR.test(covered) ? blank.slice(text.length) : blank;
    this.#edits.push({ start, end, text: text + rest });
  }

  /**
   * Put *text* in the place of a range within one line, whatever its length.
   *
   * @param {number} start
   * @param {number} end
   * @param {string} text
   */
  replace(start, end, text) {
    this.#edits.push({ start, end, text });
  }

  /**
   * @param {number} at
   * @param {string} text
   */
  insert(at, text) {
    this.#edits.push({ start: at, end: at, text });
  }

  /** The edited text. */
  apply() {
    this.#edits.sort((a, b) => a.start - b.start);
    const parts = [];
    let position = 0;
    for (const { start, end, text } of this.#edits) {
      parts.push(this.#source.slice(position, start), text);
      position = end;
    }
    parts.push(this.#source.slice(position));
    return parts.join("");
  }
}
