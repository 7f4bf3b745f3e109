import { CHAT_OPERATION } from "../chat/chat-operation.ts";
import type { Caller } from "../core/caller.ts";
import { readUri } from "../core/uris.ts";
import type { Medium, WholeJob } from "../jobs/job.ts";
import type { ListedJob } from "../jobs/job-store.ts";
import { namedIn, namesOf } from "../jobs/lineage.ts";
import { OPERATIONS } from "../models/catalogue.ts";
import { seesJob } from "../tools/scopes.ts";
import { isPicture } from "./cards.ts";
import type { GalleryParts } from "./visit.ts";

/** More than a page shows beside a picture. */
const MAX_CHILDREN = 24;
const MAX_PARENTS = 12;

/** What takes files, and so can be made of others. */
const TAKES_FILES: readonly string[] = [
  ...OPERATIONS.filter(({ files }) => files.length > 0).map(({ name }) => name),
  CHAT_OPERATION,
];

/** A file that a job was given, which another one has made. */
export interface Parent {
  job: WholeJob;
  medium: Medium;
}

/** What a job was made from, and what was made from it. */
export interface Family {
  parents: readonly Parent[];
  children: readonly ListedJob[];
}

export async function familyOf(
  job: WholeJob,
  caller: Caller,
  { store, lineage }: Pick<GalleryParts, "store" | "lineage">,
): Promise<Family> {
  const { owner } = caller;
  const parents: Parent[] = [];
  for (const name of namedIn(job)) {
    const parent = parents.length < MAX_PARENTS && (await parentOf(name));
    if (parent && parent.job.jobId !== job.jobId && seesJob(caller, parent.job)) {
      parents.push(parent);
    }
  }
  const names = job.media.flatMap((medium) => namesOf(job, medium));
  const children = await lineage.thatName(owner, names, job, TAKES_FILES, MAX_CHILDREN);
  return { parents, children: children.filter((one) => seesJob(caller, one)) };

  async function parentOf(name: string): Promise<Parent | undefined> {
    const named = readUri(name);
    if (named && named.kind !== "medium") return undefined;
    const jobId = named ? named.jobId : await idOf(name);
    const found = jobId === undefined ? undefined : await store.get(owner, jobId);
    const medium = found?.media.find((one) =>
      named ? one.index === named.index : namesOf(found, one).includes(name),
    );
    return found && medium && { job: found, medium };
  }

  async function idOf(name: string): Promise<string | undefined> {
    // What was sent as bytes, or is a word like "png", is the name of no file.
    if (/^data:/i.test(name) || !/[/\\]/.test(name)) return undefined;
    return (await lineage.thatHas(owner, name))?.jobId;
  }
}

/** The one picture that was edited, for a look at before and after. */
export function beforeOf(job: WholeJob, { parents }: Family): Parent | undefined {
  const [only, ...others] = parents.filter(({ medium }) => isPicture(medium));
  const isEdit = OPERATIONS.some(
    ({ name, media, files }) => name === job.operation && media === "images" && files.length > 0,
  );
  return isEdit && others.length === 0 ? only : undefined;
}
