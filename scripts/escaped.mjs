/**
 * A script in ASCII alone, that means the same: the bundler escapes what is not ASCII in strings, but
 * leaves it in regular expressions and templates, where it is escaped here.
 * @param {string} code
 * @throws {Error} where an escape would mean something else
 */
export function escaped(code) {
  return code.replaceAll(/(\\*)([\u0080-\uffff])/g, (found, slashes, unit) => {
    if (slashes.length % 2 === 1) throw new Error(`${found} in the bundle cannot be escaped`);
    return `${slashes}\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
