// For npm's "assert", in the place of object-is/polyfill.

module.exports = () => Object.is;
