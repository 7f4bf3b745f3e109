/** What a search knows of a tool. */
export interface Found {
  name: string;
  title: string;
  description: string;
  hint: string;
  /** The names of its arguments. */
  fields: readonly string[];
}

export type Search = (query: string, tools: readonly Found[]) => Found[];

const K1 = 1.2;
const B = 0.75;

/** BM25 over name, title, description and hint. */
export const byWords: Search = (query, tools) =>
  ranked(query, tools, words, ({ name, title, description, hint }) => [
    name,
    title,
    description,
    hint,
  ]);

/** The same as one host does it: without words that say nothing, by their stems, over arguments too. */
export const byStems: Search = (query, tools) =>
  ranked(query, tools, stems, ({ name, title, description, fields }) => [
    name,
    title,
    description,
    ...fields,
  ]);

/**
 * As another host does it: points for each word in a part of the name, the hint and the description.
 * Its models send the words that say something.
 */
export const byPoints: Search = (query, tools) => {
  const terms = words(query).filter((term) => !EMPTY.has(term));
  return sorted(tools, ({ name, description, hint }) => {
    const parts = `longcat_${name}`.split("_");
    return terms.reduce((points, term) => {
      const whole = new RegExp(`\\b${term}\\b`, "i");
      const inName = parts.includes(term) ? 12 : parts.some((part) => part.includes(term)) ? 6 : 0;
      return points + inName + (whole.test(hint) ? 4 : 0) + (whole.test(description) ? 2 : 0);
    }, 0);
  });
};

function ranked(
  query: string,
  tools: readonly Found[],
  split: (text: string) => string[],
  textsOf: (tool: Found) => readonly string[],
): Found[] {
  const documents = new Map(tools.map((tool) => [tool, split(textsOf(tool).join(" "))]));
  const lengths = [...documents.values()].map(({ length }) => length);
  const average = lengths.reduce((sum, one) => sum + one, 0) / lengths.length;
  const holding = (term: string) =>
    [...documents.values()].filter((document) => document.includes(term)).length;
  return sorted(tools, (tool) => {
    const document = documents.get(tool) ?? [];
    return split(query).reduce((score, term) => {
      const often = document.filter((word) => word === term).length;
      const among = holding(term);
      const rare = Math.log(1 + (tools.length - among + 0.5) / (among + 0.5));
      const long = 1 - B + (B * document.length) / average;
      return score + (rare * often * (K1 + 1)) / (often + K1 * long);
    }, 0);
  });
}

function sorted(tools: readonly Found[], scoreOf: (tool: Found) => number): Found[] {
  return tools
    .map((tool) => ({ tool, score: scoreOf(tool) }))
    .filter(({ score }) => score > 0)
    .sort((one, other) => other.score - one.score)
    .map(({ tool }) => tool);
}

function words(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
}

const EMPTY = new Set(
  "a an and are as at be but by can do for from get how i if in into is it its me my no not of on or please so some such that the their then there these this to up us was we what when where which will with you your".split(
    " ",
  ),
);

function stems(text: string): string[] {
  return words(text)
    .filter((word) => !EMPTY.has(word))
    .map((word) => word.replace(/(?:ies|y)$/, "i").replace(/(?:ing|ed|es|s|e)$/, ""));
}
