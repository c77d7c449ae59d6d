// navigator: who we are.
//
// Standard: https://html.spec.whatwg.org/multipage/system-state.html#the-navigator-object, in the part that
// the WinterTC Minimum Common Web API and Workers have.

import { ObjectFreeze } from "./primordials.js";
import { exposeInterface, illegalConstructor } from "./webidl.js";

const INTERNAL = {};

/** @type {(value: string) => void} */
let setUserAgent;

export class Navigator {
  #userAgent = "Cloudflare-Workers";
  /** One thread runs an isolate, and apps cannot start others. */
  #hardwareConcurrency = 1;
  #language = "en";
  /** @type {readonly string[]} */
  #languages = ObjectFreeze(["en"]);

  /** @param {object} [token] */
  constructor(token = undefined) {
    if (token !== INTERNAL) throw illegalConstructor();
  }

  get userAgent() {
    return this.#userAgent;
  }

  get hardwareConcurrency() {
    return this.#hardwareConcurrency;
  }

  get language() {
    return this.#language;
  }

  get languages() {
    return this.#languages;
  }

  static {
    setUserAgent = (value) => {
      navigator.#userAgent = value;
    };
  }
}

exposeInterface(Navigator, { name: "Navigator", length: 0 });

export const navigator = new Navigator(INTERNAL);

/** Set the value of `navigator.userAgent`, which is the app's `user_agent`. */
export { setUserAgent };
