/* What stands in a variable before anyone asks what it means. */

const QUOTED = /^(["'])(.*)\1$/s;
/** How a bundle passes an optional field that was left empty. */
const LEFT_EMPTY = /^\$\{user_config\.[^}]*\}$/;

/** A value without blanks and quotes around it; nothing where that leaves nothing. */
export function cleanValue(value: string | undefined): string | undefined {
  const trimmed = value?.trim() ?? "";
  const bare = QUOTED.exec(trimmed)?.[2]?.trim() ?? trimmed;
  return bare === "" || LEFT_EMPTY.test(bare) ? undefined : bare;
}

/** What a host was to replace and did not: `${X}`, `${env:X}`, `$(X)`, `{{X}}`, `$X`, `<x>`. */
const UNFILLED = /\$\{[^}]*\}|\$\([^)]*\)|\{\{[^}]*\}\}|^\$[A-Za-z_]\w*|^<[^<>]*>$/;
/** The same of Windows. */
const BETWEEN_PERCENTS = /%[A-Za-z_][\w()]*%/;
/** An address in which every percent sign begins a byte, as in a password with an umlaut. */
const ESCAPED_ADDRESS = /^[\w+.-]+:\/\/(?:[^%]|%[\dA-Fa-f]{2})*$/;

/** Whether a value is one that a host has left for someone to fill in. */
export function isUnfilled(value: string): boolean {
  return UNFILLED.test(value) || (BETWEEN_PERCENTS.test(value) && !ESCAPED_ADDRESS.test(value));
}

/** What example files and documents write where a key belongs. */
const KEY_EXAMPLES = [
  /^\W*(?:your|my|insert|enter|paste|put|add|replace)\b.*\b(?:keys?|tokens?|secrets?)\b/,
  /^\W*your\b/,
  /\bhere\W*$/,
  /^(?:[a-z]{2,4} )?(?:\.{2,}|…|\*{2,}|x{3,}[x ]*)$/,
  /^(?:api ?)?(?:keys?|tokens?|secrets?)$/,
  /^(?:change ?me|replace ?me|to ?do|placeholder|example|none|null|nil|undefined|unset)$/,
  /^\[.*\]$/,
];

/** Whether what stands where a key belongs only says that one belongs there. */
export function isPlaceholderKey(value: string): boolean {
  const words = value
    .replace(/^Bearer\s+/i, "")
    .replaceAll(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .replaceAll(/[\s_-]+/g, " ")
    .trim();
  return isUnfilled(value) || KEY_EXAMPLES.some((example) => example.test(words));
}
