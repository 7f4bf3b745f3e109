/** Licences whose code may be in the bundle, each with words that its full text contains. */
const BUNDLED: Readonly<Record<string, RegExp>> = {
  MIT: /Permission is hereby granted, free of charge/,
  "MIT-0": /Permission is hereby granted, free of charge/,
  ISC: /Permission to use, copy, modify, and(?:\/or)? distribute this software/,
  "0BSD": /Permission to use, copy, modify, and(?:\/or)? distribute this software/,
  "BSD-2-Clause": /Redistribution and use in source and binary forms/,
  "BSD-3-Clause": /Redistribution and use in source and binary forms/,
  "Apache-2.0": /Apache License\s+Version 2\.0, January 2004/,
  "BlueOak-1.0.0": /Blue Oak Model License/,
  "CC0-1.0": /CC0 1\.0 Universal/,
  "Python-2.0": /PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2/,
  Unlicense: /free and unencumbered software released into the public domain/,
  Zlib: /This software is provided ['"]as-is['"]/,
};

/** What may lie beside it besides: a library that can be exchanged, as sharp's libvips. */
const CARRIED: Readonly<Record<string, RegExp>> = {
  ...BUNDLED,
  "LGPL-3.0-or-later": /GNU LESSER GENERAL PUBLIC LICENSE\s+Version 3/,
};

/** Whether code is part of the bundle, or a package beside it. */
export type Place = "bundled" | "carried";

/**
 * What is wrong with a package's declared licence and its texts; undefined where nothing is. Of
 * alternatives (`OR`) one is enough, of a sum (`AND`) each is needed.
 */
export function licenceProblem(
  licence: string,
  texts: readonly string[],
  place: Place,
): string | undefined {
  const allowed = place === "bundled" ? BUNDLED : CARRIED;
  const parts = partsOf(licence);
  const fitting = parts.ids.filter((id) => Object.hasOwn(allowed, id));
  const isAllowed = parts.needsAll ? fitting.length === parts.ids.length : fitting.length > 0;
  if (!isAllowed) return `its licence ${licence || "(none)"} is not on the list of allowed ones`;
  if (texts.every((text) => text.trim() === "")) return "it has no licence text";
  const whole = texts.join("\n");
  const isThere = (id: string) => allowed[id]?.test(whole) === true;
  const lacking = fitting.filter((id) => !isThere(id));
  const isComplete = parts.needsAll ? lacking.length === 0 : lacking.length < fitting.length;
  return isComplete ? undefined : `the text of ${lacking.join(" and ")} is missing`;
}

/** Nested expressions are not read: they stay one unknown name, which no list allows. */
function partsOf(licence: string): { ids: string[]; needsAll: boolean } {
  const plain = licence.trim().replace(/^\(([^()]*)\)$/, "$1");
  const isChoice = / OR /.test(plain);
  if (isChoice && / AND /.test(plain)) return { ids: [plain], needsAll: true };
  return {
    ids: plain.split(isChoice ? " OR " : " AND ").map((id) => id.trim()),
    needsAll: !isChoice,
  };
}
