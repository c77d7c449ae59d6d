// FormData.
//
// Standard: https://xhr.spec.whatwg.org/#interface-formdata
// Its form on the wire is in multipart.js.

import { blobParts, blobType, createFile, fileLastModified, isBlob, isFile } from "./blob.js";
import { declarePairIterable } from "./pair_iterator.js";
import { ArrayPrototypePush, ArrayPrototypeSlice, ArrayPrototypeSplice } from "./primordials.js";
import { converters, exposeInterface, isObject, requiredArguments, typeError } from "./webidl.js";

/** @typedef {import("./blob.js").Blob} Blob */
/** @typedef {import("./blob.js").File} File */

/** The entry list, flat: `[name, value, name, value, …]`. @typedef {(string | File)[]} EntryList */

/** @type {(value: any) => value is FormData} */
export let isFormData;
/** The entry list itself, not to be changed. @type {(form: FormData) => EntryList} */
export let formEntries;
/** @type {(entries: EntryList) => FormData} */
export let createFormData;

export class FormData {
  /** @type {EntryList} */
  #entries = [];

  /** @param {any} [form] there are no form elements here, so nothing but undefined will do */
  constructor(form = undefined) {
    if (form !== undefined) {
      throw typeError({ prefix: "Failed to construct 'FormData'", name: "Argument 1" }, "is not of type 'HTMLFormElement'.");
    }
  }

  /** @param {string} name @param {string | Blob} value @param {string} [filename] */
  append(name, value, filename = undefined) {
    const entries = this.#entries;
    const entry = createEntry(name, value, filename, arguments.length, "Failed to execute 'append' on 'FormData'");
    ArrayPrototypePush(entries, entry.name, entry.value);
  }

  /** @param {string} name */
  delete(name) {
    const entries = this.#entries;
    name = nameArgument(name, arguments.length, "Failed to execute 'delete' on 'FormData'");
    for (let i = 0; i < entries.length; ) {
      if (entries[i] === name) ArrayPrototypeSplice(entries, i, 2);
      else i += 2;
    }
  }

  /** @param {string} name */
  get(name) {
    const entries = this.#entries;
    name = nameArgument(name, arguments.length, "Failed to execute 'get' on 'FormData'");
    for (let i = 0; i < entries.length; i += 2) if (entries[i] === name) return entries[i + 1];
    return null;
  }

  /** @param {string} name */
  getAll(name) {
    const entries = this.#entries;
    name = nameArgument(name, arguments.length, "Failed to execute 'getAll' on 'FormData'");
    /** @type {(string | File)[]} */
    const values = [];
    for (let i = 0; i < entries.length; i += 2) if (entries[i] === name) ArrayPrototypePush(values, entries[i + 1]);
    return values;
  }

  /** @param {string} name */
  has(name) {
    const entries = this.#entries;
    name = nameArgument(name, arguments.length, "Failed to execute 'has' on 'FormData'");
    for (let i = 0; i < entries.length; i += 2) if (entries[i] === name) return true;
    return false;
  }

  /** @param {string} name @param {string | Blob} value @param {string} [filename] */
  set(name, value, filename = undefined) {
    const entries = this.#entries;
    const entry = createEntry(name, value, filename, arguments.length, "Failed to execute 'set' on 'FormData'");
    let placed = false;
    for (let i = 0; i < entries.length; ) {
      if (entries[i] !== entry.name) {
        i += 2;
      } else if (placed) {
        ArrayPrototypeSplice(entries, i, 2);
      } else {
        entries[i + 1] = entry.value;
        placed = true;
        i += 2;
      }
    }
    if (!placed) ArrayPrototypePush(entries, entry.name, entry.value);
  }

  static {
    isFormData = (value) => isObject(value) && #entries in value;
    formEntries = (form) => form.#entries;
    createFormData = (entries) => {
      const form = new FormData();
      form.#entries = entries;
      return form;
    };
  }
}

declarePairIterable(FormData, "FormData", formEntries);
exposeInterface(FormData, { name: "FormData" });

/** @param {any} name @param {number} given @param {string} prefix */
function nameArgument(name, given, prefix) {
  requiredArguments(given, 1, prefix);
  return converters.USVString(name, { prefix, name: "Argument 1" });
}

/**
 * Convert the arguments of append and set, which are overloaded: a string, or a blob and perhaps its name.
 *
 * @see https://xhr.spec.whatwg.org/#create-an-entry
 * @param {any} name
 * @param {any} value
 * @param {any} filename
 * @param {number} given how many arguments there were
 * @param {string} prefix
 * @returns {{ name: string, value: string | File }}
 */
function createEntry(name, value, filename, given, prefix) {
  requiredArguments(given, 2, prefix);
  if (!isBlob(value)) {
    if (given > 2) throw typeError({ prefix, name: "Argument 2" }, "is not of type 'Blob'.");
    name = converters.USVString(name, { prefix, name: "Argument 1" });
    return { name, value: converters.USVString(value, { prefix, name: "Argument 2" }) };
  }
  name = converters.USVString(name, { prefix, name: "Argument 1" });
  const given3 = given > 2 && filename !== undefined;
  const rename = given3 ? converters.USVString(filename, { prefix, name: "Argument 3" }) : undefined;
  if (isFile(value) && rename === undefined) return { name, value };
  const lastModified = isFile(value) ? fileLastModified(value) : undefined;
  return { name, value: createFile(ArrayPrototypeSlice(blobParts(value)), blobType(value), rename ?? "blob", lastModified) };
}

