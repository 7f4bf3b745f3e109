/** A way to write a secret so that a reader still gets it. */
export interface Disguise {
  name: string;
  text: string;
  /** How many characters of base64 may stay at its ends: they say nothing of the secret alone. */
  left: number;
}

const hex = (character: string) => (character.codePointAt(0) ?? 0).toString(16).padStart(2, "0");

/** All forms of a secret that must never be shown, stored or logged. */
export function disguises(secret: string): Disguise[] {
  const each = (write: (character: string, position: number) => string) =>
    [...secret].map(write).join("");
  const percent = each((one) => `%${hex(one).toUpperCase()}`);
  const json = each((one) => `\\u00${hex(one)}`);
  const plain: readonly (readonly [string, string])[] = [
    ["as it is", secret],
    ["behind Bearer", `Bearer ${secret}`],
    ["in capitals", secret.toUpperCase()],
    ["in small letters", secret.toLowerCase()],
    ["as encodeURIComponent writes it", encodeURIComponent(secret)],
    ["percent-encoded", percent],
    ["percent-encoded in small digits", percent.toLowerCase()],
    ["percent-encoded here and there", each((one, i) => (i % 3 ? one : `%${hex(one)}`))],
    ["percent-encoded twice", percent.replaceAll("%", "%25")],
    ["percent-encoded three times", percent.replaceAll("%", "%2525")],
    ["JSON-escaped", json],
    ["JSON-escaped twice", json.replaceAll("\\", "\\\\")],
    ["JSON-escaped here and there", each((one, i) => (i % 2 ? one : `\\u00${hex(one)}`))],
    ["as a JSON string", JSON.stringify(secret)],
    ["as a JSON string in a JSON string", JSON.stringify(JSON.stringify(secret))],
    ["in entities", each((one) => `&#x${hex(one)};`)],
    ["in decimal entities", each((one) => `&#${one.codePointAt(0)};`)],
    ["in entities of entities", each((one) => `&amp;#x${hex(one)};`)],
    ["in hexadecimal digits", each(hex)],
    ["in large hexadecimal digits", each(hex).toUpperCase()],
    ["torn apart by what is not seen", each((one) => `${one}\u200b`)],
    ["in lines", each((one, i) => (i % 8 ? one : `\n${one}`))],
  ];
  return [
    ...plain.map(([name, text]) => ({ name, text, left: 10 })),
    ...[0, 1, 2, 3, 4].flatMap((before) => {
      const around = Buffer.from(`${"x".repeat(before)}${secret}${"y".repeat(before)}`);
      const standard = around.toString("base64");
      const url = around.toString("base64url");
      const left = before * 4 + 8;
      return [
        { name: `in base64, behind ${before} bytes`, text: standard, left },
        { name: `in base64url, behind ${before} bytes`, text: url, left },
        {
          name: `in percent-encoded base64, behind ${before} bytes`,
          text: encodeURIComponent(standard),
          left: left + 4,
        },
        {
          name: `in base64 in lines, behind ${before} bytes`,
          text: standard.replaceAll(/.{10}/g, "$&\r\n"),
          left: left + 4,
        },
      ];
    }),
  ];
}
