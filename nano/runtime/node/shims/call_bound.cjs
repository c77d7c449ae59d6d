// For npm's "assert", in the place of call-bind.

/** @param {string} name "RegExp.prototype.test" */
module.exports = (name) => {
  const method = name.split(".").reduce((/** @type {any} */ object, key) => object[key], globalThis);
  return Function.prototype.call.bind(method);
};
