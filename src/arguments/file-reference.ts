import { isOurUri, URI_TEMPLATES } from "../core/uris.ts";
import type { ReferenceKind } from "../models/facts.ts";
import { fileOrigin } from "../models/file-origin.ts";
import type { Findings } from "./findings.ts";
import { withoutMarks } from "./marks.ts";
import { pictureFromBase64, plainDataUri } from "./picture-text.ts";
import { shown } from "./shown.ts";
import { looksLikeAddress, readAddress, splitAddresses } from "./web-addresses.ts";

/** No file system and no server knows longer ones. */
const MAX_REFERENCE_CHARACTERS = 8_192;

export interface ReferenceRules {
  /** Whether the provider is on this machine and sees its addresses. */
  mayBeLocal: boolean;
  /** Whether the caller is somewhere else, and no path means a file of theirs. */
  isRemote: boolean;
}

const NEEDED: Readonly<Record<"picture" | "archive" | "address", string>> = {
  picture: `needs an https URL, the path of a file, a data URI such as \`data:image/png;base64,…\`, or \`${URI_TEMPLATES.medium}\` of an earlier job.`,
  archive: "needs an https URL, or the path of a ZIP file or of a folder.",
  address: "needs a public https URL.",
};
/** For callers elsewhere: the same whatever the path that they name, and whether it exists. */
const NEEDED_ELSEWHERE: Readonly<Record<"picture" | "archive" | "pattern", string>> = {
  picture: `needs an https URL, a data URI such as \`data:image/png;base64,…\`, \`${URI_TEMPLATES.medium}\` of an earlier job, or \`${URI_TEMPLATES.upload}\`: \`upload_link\` takes a file.`,
  archive: `needs an https URL of a ZIP file, or \`${URI_TEMPLATES.upload}\`: \`upload_link\` takes one.`,
  pattern: `needs \`${URI_TEMPLATES.upload}\` (\`upload_link\` takes a file), or the address of an earlier result.`,
};
const INSTEAD: Readonly<Record<"picture" | "archive" | "address", string>> = {
  picture: "Give the path of the file instead.",
  archive: "Give the path of the ZIP file or folder instead.",
  address: "Give a public https URL, or leave it out: the job is followed anyway.",
};

/** What one text in a list names: several addresses are several entries. */
export function splitReferences(text: string, kind: ReferenceKind | undefined): string[] {
  return kind === "picture" || kind === "archive" || kind === "pattern"
    ? splitAddresses(withoutMarks(text))
    : [text];
}

/**
 * A reference in its normal form: without marks around it, pictures given as text as data URIs.
 * @returns `undefined` for what names nothing, which is noted as a finding.
 */
export function readReferenceText(
  given: string,
  kind: ReferenceKind,
  at: string,
  { mayBeLocal, isRemote }: ReferenceRules,
  findings: Findings,
): string | undefined {
  const text = withoutMarks(given);
  const refuse = (problem: string) => {
    findings.add(`${at}: ${problem}`);
    return undefined;
  };
  if (kind === "picture" || kind === "archive") {
    const data = plainDataUri(text) ?? (kind === "picture" ? pictureFromBase64(text) : undefined);
    if (data !== undefined) return data;
  }
  if (text.length > MAX_REFERENCE_CHARACTERS) {
    return refuse(
      `${shown(text)} has ${text.length} characters; a reference has at most ${MAX_REFERENCE_CHARACTERS}.`,
    );
  }
  if (isRemote && kind === "pattern" && !isOurUri(text)) {
    return refuse(`${shown(text)} ${NEEDED_ELSEWHERE.pattern}`);
  }
  if (kind === "place" || kind === "pattern" || kind === "id") return text;
  if (looksLikeAddress(text) || kind === "address") {
    const address = readAddress(text, mayBeLocal);
    if ("text" in address) return address.text;
    const needed = isRemote && kind !== "address" ? NEEDED_ELSEWHERE[kind] : NEEDED[kind];
    const next = address.isLocal && !isRemote ? INSTEAD[kind] : `It ${needed}`;
    return refuse(`${shown(text)} ${address.problem} ${next}`);
  }
  const origin = fileOrigin(text);
  if (isRemote && (origin === undefined || origin === "path")) {
    return refuse(`${shown(text)} ${NEEDED_ELSEWHERE[kind]}`);
  }
  return origin === undefined ? refuse(`${shown(text)} ${NEEDED[kind]}`) : text;
}
