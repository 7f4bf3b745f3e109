import type { CallToolResult } from "@modelcontextprotocol/server";
import { formatUsd } from "../core/money.ts";
import { isOurUri } from "../core/uris.ts";
import { VIEWER_KEY } from "../core/viewer-key.ts";
import { withPicture } from "../inputs/named-picture.ts";
import type { WholeJob } from "../jobs/job.ts";
import { viewJob } from "../jobs/view.ts";
import { makePreview } from "../media/preview.ts";
import { OPERATIONS, operationNamed } from "../models/catalogue.ts";
import type { AnyOperation } from "../models/operation.ts";
import { priceUsd } from "../purchases/prices.ts";
import type { Call, Services, ToolDeps } from "./services.ts";
import type { UsualTime } from "./usual-time.ts";
import { seenBy, standpointIn, whereaboutsFor } from "./whereabouts.ts";

/** A picture that was edited is sent along as small as this, in characters of base64. */
const BEFORE_BASE64 = 60 * 1024;

/** An answer about a job with what the viewer shows of it; as it is for hosts without pages. */
export async function withJobView(
  result: CallToolResult,
  job: WholeJob,
  call: Pick<Call, "showsPages" | "caller">,
  deps: Pick<ToolDeps, "settings">,
  services: Pick<Services, "isServed" | "links">,
  usual: UsualTime | undefined,
): Promise<CallToolResult> {
  if (!call.showsPages) return result;
  const operation = operationNamed(job.operation);
  const { prices, sandbox } = deps.settings;
  const where = await whereaboutsFor(call.caller, deps.settings, services.links);
  return withMeta(result, {
    job: viewJob(
      seenBy(where, job),
      standpointIn(where, job, (url) => services.isServed(job, url)),
    ),
    title: operation?.title,
    sandbox,
    repeatable: operation !== undefined,
    layers: operation?.media === "layers",
    usual_seconds: usual && Math.max(1, Math.round(usual.ms / 1000)),
    before: await beforeOf(job, operation, call, deps),
    ...(operation?.media === "weights" ? {} : nextSteps(prices)),
  });
}

/** What else than a job the viewer shows. */
export function withViewerMeta(
  result: CallToolResult,
  { showsPages }: Pick<Call, "showsPages">,
  meta: Record<string, unknown>,
): CallToolResult {
  return showsPages ? withMeta(result, meta) : result;
}

function withMeta(result: CallToolResult, meta: Record<string, unknown>): CallToolResult {
  return { ...result, _meta: { ...result._meta, [VIEWER_KEY]: meta } };
}

/** What can be done with a finished picture: the first tools of the catalogue that take one. */
function nextSteps(prices: ToolDeps["settings"]["prices"]) {
  const taking = (media: string) =>
    OPERATIONS.find(
      (operation) =>
        operation.media === media && operation.files.some(({ kind }) => kind === "picture"),
    );
  const step = (operation: AnyOperation | undefined) => {
    const field = operation?.files.find(({ kind }) => kind === "picture");
    if (!operation || !field) return undefined;
    const price = priceUsd(operation, prices);
    return {
      tool: operation.name,
      argument: field.name,
      list: takesList(operation, field.name),
      price: price === null ? "Price not published" : formatUsd(price),
    };
  };
  return { edit: step(taking("images")), split: step(taking("layers")) };
}

function takesList({ input }: AnyOperation, argument: string): boolean {
  const schema = input.shape[argument];
  return schema?.safeParse(["https://picture.example/a.png"]).success === true;
}

/**
 * The one picture that was edited: an earlier one by its address, one of this disk as a small
 * rendering of what it is now. Others cannot be shown without fetching them.
 */
async function beforeOf(
  job: WholeJob,
  operation: AnyOperation | undefined,
  { caller }: Pick<Call, "caller">,
  { settings }: Pick<ToolDeps, "settings">,
): Promise<string | undefined> {
  if (job.state !== "completed" || operation?.media !== "images") return undefined;
  const given = operation.files
    .filter(({ kind }) => kind === "picture")
    .flatMap(({ name }) => job.input[name])
    .filter((text) => typeof text === "string");
  const [text] = given;
  if (text === undefined || given.length > 1) return undefined;
  if (isOurUri(text)) return text;
  if (caller.isRemote || /^(?:https?|data):/i.test(text)) return undefined;
  const preview = await withPicture(text, settings, (bytes) =>
    makePreview(bytes, BEFORE_BASE64),
  ).catch(() => undefined);
  return preview && `data:${preview.mimeType};base64,${preview.data.toString("base64")}`;
}
