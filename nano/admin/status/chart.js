// Line charts in SVG.  What a chart shows is also told in words: its figures now beside its title, the rest as its label.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 300;
const HEIGHT = 80;

/**
 * @typedef {object} Line
 * @property {string} name of the line, "" where there is but one
 * @property {(number | null)[]} values the oldest first; null where there is none
 */

/**
 * @param {string} name
 * @param {Record<string, string>} attributes
 */
function svg(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** A chart of one or two lines. */
export class Chart {
  #now = document.createElement("span");
  #most = document.createElement("div");
  #image = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
  #lines = [svg("polyline", { class: "first" }), svg("polyline", { class: "second" })];
  #title;
  #points;
  #show;

  /**
   * @param {string} title
   * @param {number} points how many values the width is for
   * @param {(value: any) => string} show a value as text
   */
  constructor(title, points, show) {
    this.#title = title;
    this.#points = points;
    this.#show = show;
    this.element = document.createElement("figure");
    this.element.className = "chart";
    const caption = document.createElement("figcaption");
    const name = document.createElement("span");
    name.textContent = title;
    this.#now.className = "now";
    this.#most.className = "most";
    caption.append(name, this.#now);
    const ground = svg("line", { class: "ground", x1: "0", x2: `${WIDTH}`, y1: `${HEIGHT - 1}`, y2: `${HEIGHT - 1}` });
    this.#image.append(ground, ...this.#lines);
    this.element.append(caption, this.#image, this.#most);
  }

  /** @param {Line[]} lines */
  draw(lines) {
    const known = lines.flatMap((line) => line.values.filter((value) => value !== null));
    const most = Math.max(0, ...known);
    const now = lines.map((line) => `${line.name} ${this.#show(line.values.at(-1) ?? null)}`.trim()).join(", ");
    this.#lines.forEach((element, index) => {
      element.setAttribute("points", this.#path(lines[index]?.values ?? [], most || 1));
    });
    this.#now.textContent = now;
    this.#most.textContent = known.length ? `at most ${this.#show(most)}` : "nothing yet";
    this.#image.setAttribute("aria-label", `${this.#title}: now ${now}; in five minutes at most ${this.#show(most)}`);
  }

  /**
   * @param {(number | null)[]} values
   * @param {number} most
   */
  #path(values, most) {
    const step = WIDTH / (this.#points - 1);
    const start = this.#points - values.length;
    return values
      .map((value, index) => {
        if (value === null) return "";
        return `${((start + index) * step).toFixed(1)},${(HEIGHT - 2 - (value / most) * (HEIGHT - 6)).toFixed(1)}`;
      })
      .filter(Boolean)
      .join(" ");
  }
}
