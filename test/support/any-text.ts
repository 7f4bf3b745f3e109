import fc from "fast-check";

const SURROGATES = { from: 0xd800, count: 0x800 };

/**
 * Texts of any characters that there are, as `fc.string({ unit: "binary" })` makes them, which takes
 * a second of every process that asks for its first.
 */
export function anyText(length: { minLength?: number; maxLength?: number } = {}) {
  const place = fc.integer({ min: 0, max: 0x10ffff - SURROGATES.count });
  const character = (at: number) => at + (at < SURROGATES.from ? 0 : SURROGATES.count);
  // Half of them from where texts mostly are, so that what is special among ASCII comes often.
  const some = fc.oneof(fc.integer({ min: 0, max: 0x17f }), place).map(character);
  return fc.array(some, length).map((codes) => String.fromCodePoint(...codes));
}
