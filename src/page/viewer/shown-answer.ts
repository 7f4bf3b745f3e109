import { TOKEN } from "../../core/id-patterns.ts";
import { VIEWER_KEY } from "../../core/viewer-key.ts";
import { UNFINISHED_STATES } from "../../jobs/job.ts";
import { type Fields, fieldsOf, isFields, listOf, numberOf, textOf } from "./json.ts";

export interface Picture {
  uri: string;
  /** `composite`, `sheet` or `manifest` for what was made here; none for the provider's own. */
  role: string | undefined;
  mimeType: string;
  width: number | undefined;
  height: number | undefined;
  /** What is known of its bytes without asking: a data URI. */
  src: string | undefined;
}

/** A tool that takes a picture. */
export interface Action {
  tool: string;
  argument: string;
  isList: boolean;
  /** What it costs, in words. */
  price: string;
}

export interface ShownJob {
  kind: "job";
  jobId: string;
  operation: string;
  /** Its operation as people call it. */
  title: string;
  state: string;
  isFinal: boolean;
  args: Fields;
  createdAt: string;
  costUsd: number | undefined;
  charge: string;
  error: string | undefined;
  pictures: readonly Picture[];
  /** Files that are no pictures. */
  others: readonly string[];
  areLayers: boolean;
  /** The picture that was edited: an address of ours or a data URI. */
  before: string | undefined;
  /** How long such jobs take, in seconds. */
  usualSeconds: number | undefined;
  isSandbox: boolean;
  edit: Action | undefined;
  layers: Action | undefined;
  /** Whether the job was started by a tool that can be called again. */
  canRepeat: boolean;
}

export interface ShownRow {
  jobId: string;
  createdAt: string;
  operation: string;
  state: string;
  prompt: string;
}

export type Shown =
  | ShownJob
  | { kind: "jobs"; rows: readonly ShownRow[] }
  /** What carries nothing for this page but what everybody sees of it. */
  | { kind: "plain"; jobId: string | undefined; text: string; srcs: readonly string[] };

const JOB_ID = new RegExp(`\\bjob_${TOKEN}\\b`);

/** What an answer of the server's shows. */
export function shownIn(result: Fields): Shown {
  const content = listOf(result["content"]).filter(isFields);
  const srcs = content.flatMap(srcOf);
  const text = content.flatMap(({ type, text: own }) => (type === "text" ? [String(own)] : []));
  const meta = fieldsOf(fieldsOf(result["_meta"])[VIEWER_KEY]);
  if (Array.isArray(meta["jobs"])) {
    return { kind: "jobs", rows: meta["jobs"].filter(isFields).map(rowOf) };
  }
  if (isFields(meta["job"])) return jobOf(meta["job"], meta, srcs);
  const whole = text.join("\n");
  return { kind: "plain", jobId: JOB_ID.exec(whole)?.[0], text: whole, srcs };
}

function jobOf(job: Fields, meta: Fields, srcs: readonly string[]): ShownJob {
  const all = listOf(job["media"]).filter(isFields).map(pictureOf);
  const pictures = all.filter(({ mimeType }) => mimeType.startsWith("image/"));
  const own = pictures.filter(({ role }) => role === undefined);
  // One block per picture comes in their order; fewer are a sheet, or leave some out.
  const known = own.length === srcs.length ? own : [];
  const state = textOf(job["state"]) ?? "";
  return {
    kind: "job",
    jobId: textOf(job["job_id"]) ?? "",
    operation: textOf(job["operation"]) ?? "",
    title: textOf(meta["title"]) ?? textOf(job["operation"]) ?? "",
    state,
    isFinal: !UNFINISHED_STATES.some((one) => one === state),
    args: fieldsOf(job["arguments"]),
    createdAt: textOf(job["created_at"]) ?? "",
    costUsd: numberOf(job["cost_usd"]),
    charge: textOf(job["charge"]) ?? "",
    error: textOf(fieldsOf(job["error"])["message"]),
    pictures: pictures.map((one) => ({ ...one, src: srcs[known.indexOf(one)] })),
    others: all.filter((one) => !pictures.includes(one)).map(({ uri }) => uri),
    areLayers: meta["layers"] === true,
    before: textOf(meta["before"]),
    usualSeconds: numberOf(meta["usual_seconds"]) || undefined,
    isSandbox: meta["sandbox"] === true,
    edit: actionOf(meta["edit"]),
    layers: actionOf(meta["split"]),
    canRepeat: meta["repeatable"] === true,
  };
}

function pictureOf(medium: Fields): Picture {
  return {
    uri: textOf(medium["uri"]) ?? "",
    role: textOf(medium["role"]),
    mimeType: textOf(medium["mime_type"]) ?? "",
    width: numberOf(medium["width"]),
    height: numberOf(medium["height"]),
    src: undefined,
  };
}

function actionOf(value: unknown): Action | undefined {
  if (!isFields(value)) return undefined;
  const { tool, argument, list, price } = value;
  return typeof tool === "string" && typeof argument === "string"
    ? { tool, argument, isList: list === true, price: textOf(price) ?? "" }
    : undefined;
}

function rowOf(row: Fields): ShownRow {
  return {
    jobId: textOf(row["job_id"]) ?? "",
    createdAt: (textOf(row["created_at"]) ?? "").slice(0, 16).replace("T", " "),
    operation: textOf(row["operation"]) ?? "",
    state: textOf(row["state"]) ?? "",
    prompt: textOf(row["prompt"]) ?? "",
  };
}

/** A picture in an answer, as an address that an image takes. */
function srcOf({ type, data, mimeType }: Fields): string[] {
  const isPicture = type === "image" && typeof data === "string" && isImageType(mimeType);
  return isPicture ? [`data:${mimeType};base64,${data}`] : [];
}

export function isImageType(type: unknown): type is string {
  return typeof type === "string" && /^image\/[\w.+-]{1,40}$/.test(type);
}

/** The picture that a resource holds, as a data URI; `undefined` where it holds none. */
export function srcOfResource(result: Fields): string | undefined {
  const [first] = listOf(result["contents"]).filter(isFields);
  const { blob, mimeType } = first ?? {};
  return typeof blob === "string" && isImageType(mimeType)
    ? `data:${mimeType};base64,${blob}`
    : undefined;
}

/** What a call of the same tool takes, for another picture of the same. */
export function repeatArgs({ args }: ShownJob, prompt?: string): Fields {
  const { save_to: _, ...own } = args;
  return { ...own, ...(prompt === undefined ? {} : { prompt }), force_new: true, previews: "on" };
}

/** What a call takes that does something with a picture. */
export function actionArgs({ argument, isList }: Action, uri: string, prompt?: string): Fields {
  return {
    [argument]: isList ? [uri] : uri,
    ...(prompt === undefined ? {} : { prompt }),
    previews: "on",
  };
}
