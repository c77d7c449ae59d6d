// Errors: the stack, the cause and what else they carry, for inspect.js.

import { shortName } from "./inspect_names.js";
import { indentLines } from "./inspect_text.js";
import { StringPrototypeIncludes, StringPrototypeIndexOf, StringPrototypeSlice, StringPrototypeSplit } from "./primordials.js";

/** @typedef {import("./inspect_names.js").Kind} Kind */
/** @typedef {import("./inspect_names.js").Names} Names */
/** @typedef {import("./inspect.js").Inspection} Inspection */

/** @param {any} value @param {PropertyKey} key @returns {any} its value, wherever it comes from */
function read(value, key) {
  try {
    return value[key];
  } catch {
    return undefined;
  }
}

/** @param {any} value @param {Names} names @param {Inspection} inspection @returns {Kind} */
export function errorKind(value, names, inspection) {
  const name = read(value, "name");
  const message = read(value, "message");
  const stack = read(value, "stack");
  const text = errorText(value, names, name, message, stack);
  /** @param {PropertyKey} key */
  const skipKey = (key) =>
    key === "stack" || key === "cause" || key === "errors" ||
    ((key === "message" || key === "name") && StringPrototypeIncludes(text, asText(read(value, key))));
  return {
    name: shortName(names, "Error"),
    open: "{",
    close: "}",
    whole: indentLines(text, inspection.indentation),
    skipKey,
    extra: ["cause", "errors"],
  };
}

/** @param {any} value */
const asText = (value) => (typeof value === "string" ? value : "");

/** The stack, whose first line is made to name the error as it is now. @param {any} value @param {Names} names @param {any} name @param {any} message @param {any} stack */
function errorText(value, names, name, message, stack) {
  const title = errorTitle(names.constructor ?? "Error", typeof name === "string" ? name : "");
  const heading = typeof message === "string" && message !== "" ? `${title}: ${message}` : title;
  if (typeof stack !== "string" || stack === "") return `[${heading}]`;
  const frames = framesOf(stack, asText(message));
  if (frames === undefined) return stack;
  return frames === "" ? `[${heading}]` : `${heading}${appFrames(frames)}`;
}

/** What is left of frames without the runtime's own, which tell the author of an app nothing. @param {string} frames */
function appFrames(frames) {
  const lines = StringPrototypeSplit(frames, /** @type {any} */ ("\n"));
  let kept = "";
  for (let i = 1; i < lines.length; i++) {
    const own = StringPrototypeIncludes(lines[i], "(nano:") || StringPrototypeIncludes(lines[i], " nano:");
    if (!own) kept += `\n${lines[i]}`;
  }
  return kept;
}

/** The name of an error beside that of its class, if one does not tell the other. @param {string} constructor @param {string} name */
function errorTitle(constructor, name) {
  if (name === "" || name === "Error" || StringPrototypeIncludes(constructor, name)) return constructor;
  return constructor === "Error" || StringPrototypeIncludes(name, constructor) ? name : `${constructor} [${name}]`;
}

/** The stack after its first message, which begins with a line end. @param {string} stack @param {string} message @returns {string | undefined} */
function framesOf(stack, message) {
  const from = message === "" ? 0 : StringPrototypeIndexOf(stack, message);
  const at = StringPrototypeIndexOf(stack, "\n    at ", from < 0 ? 0 : from);
  if (at >= 0) return StringPrototypeSlice(stack, at);
  return StringPrototypeIncludes(stack, "\n") ? undefined : "";
}
