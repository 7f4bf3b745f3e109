import { readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { AppError } from "../core/errors.ts";
import { createRedact } from "../core/redact.ts";
import { oneLine } from "../core/text.ts";
import { isOurs, keysIn, type Launch, renewed, shownEntry } from "../hosts/host-entry.ts";
import { HostText } from "../hosts/host-text.ts";
import { HOSTS, type HostPlace, SERVER_NAME } from "../hosts/hosts.ts";
import type { HostName } from "../settings/commands.ts";
import {
  type HostFile,
  readHostFile,
  removeEmptyFolders,
  textOf,
  writeHostFile,
  writePrivately,
} from "./host-file.ts";
import { chooseKeys, KEY_NAMES, type KeySources } from "./host-keys.ts";
import {
  backupPath,
  digestOf,
  type InstallRecord,
  InstallRecords,
  missingFolderAbove,
} from "./install-record.ts";
import { KeyFiles } from "./key-files.ts";

/** Where hosts are changed, and how. */
export interface HostChanges {
  place: HostPlace;
  dataDir: string;
  /** Whether the change is shown only. */
  isDryRun: boolean;
  /** Tells the user something. */
  write: (text: string) => void;
}

export interface Addition extends Pick<KeySources, "settings" | "surroundings" | "ask"> {
  launch: Launch;
}

const DRY_RUN = "Dry run: nothing is changed.";

/**
 * Puts this server into a host's configuration. Keys never come into it: it names files of ours.
 * @throws {configuration, storage} with nothing changed
 */
export async function addToHost(
  name: HostName,
  changes: HostChanges,
  { settings, surroundings, ask, launch }: Addition,
): Promise<void> {
  const { place, dataDir, isDryRun } = changes;
  const host = HOSTS[name];
  const named = host.file(place);
  const file = await readHostFile(named);
  const text = new HostText(host, named, textOf(file.bytes, named));
  const existing = text.entry;
  requireOurs(existing, text, named, launch);
  const files = new KeyFiles(dataDir);
  const keys = await chooseKeys({ settings, surroundings, files, existing, ask });
  const env = { ...launch.env, ...keys.env };
  const entry = renewed(existing, host.entry({ ...launch, env }), KEY_NAMES);
  const written = text.with(entry);
  const literal = Object.values(keysIn(existing, KEY_NAMES));
  const redact = createRedact([...Object.values(keys.toKeep), ...literal]);
  const write = (line: string) => changes.write(redact(line));

  if (isDryRun) write(DRY_RUN);
  if (written === text.text) {
    write(`${host.title} has it already: ${oneLine(named)}`);
  } else {
    write(`${host.title}: ${oneLine(named)}${file.bytes ? "" : ", which is made"}`);
    if (existing !== undefined) show("-", text.rendered(shownEntry(existing)), write);
    show("+", text.rendered(shownEntry(entry)), write);
  }
  for (const note of keys.notes) write(note);
  if (isDryRun) return;
  for (const [variable, key] of Object.entries(keys.toKeep)) await files.keep(variable, key);
  if (written === text.text) return;
  const backup = await replace(name, changes, file, {
    bytes: Buffer.from(written),
    isFirst: existing === undefined,
    madeSection: !text.hasSection,
  });
  if (backup) write(`What the file was before is in ${oneLine(backup)}`);
  write(
    `Start ${host.title} anew, and it has the server \`${SERVER_NAME}\`. \`longcat-mcp uninstall ${name}\` undoes this.`,
  );
}

/** Takes this server out of a host's configuration. @throws {configuration, storage} */
export async function takeFromHost(name: HostName, changes: HostChanges): Promise<void> {
  const { place, dataDir, isDryRun, write } = changes;
  const host = HOSTS[name];
  const records = new InstallRecords(dataDir);
  const record = await records.read(name);
  const named = record?.path ?? host.file(place);
  const file = await readHostFile(named);
  const text = new HostText(host, named, textOf(file.bytes, named));
  const { entry } = text;
  requireOurs(entry, text, named);
  if (isDryRun) write(DRY_RUN);
  if (entry === undefined) {
    write(`${host.title} does not have it: ${oneLine(named)}`);
  } else {
    write(`${host.title}: ${oneLine(named)}`);
    show("-", text.rendered(shownEntry(entry)), write);
  }
  if (isDryRun) return;
  if (entry !== undefined) {
    const former = await formerBytes(file, record);
    if (former) {
      await writeHostFile(file, former.bytes);
      if (record?.backup) await rm(record.backup, { force: true });
      if (record?.madeFolder) await removeEmptyFolders(dirname(file.path), record.madeFolder);
      write(
        former.bytes
          ? "The file is as it was before."
          : "The file, which was made for it, is gone.",
      );
    } else {
      const backup = backupPath(file.path);
      await writePrivately(backup, file.bytes ?? "");
      await writeHostFile(file, Buffer.from(text.without(record?.madeSection ?? false)));
      write(`What the file was before is in ${oneLine(backup)}`);
    }
  }
  await records.remove(name);
  if (await records.areThereAny()) return;
  await new KeyFiles(dataDir).forget(KEY_NAMES);
  await removeEmptyFolders(dataDir, dataDir);
}

function show(sign: "+" | "-", lines: readonly string[], write: (line: string) => void): void {
  for (const line of lines) write(`${sign} ${line}`);
}

/** Another program's entry of this name is neither changed nor removed. */
function requireOurs(entry: unknown, text: HostText, named: string, launch?: Launch): void {
  if (entry === undefined || isOurs(entry, launch)) return;
  throw new AppError(
    "configuration",
    `${oneLine(named)} has another program at ${text.place.join(".")}.`,
    { next: "Give that one another name; nothing was changed." },
  );
}

/**
 * Writes a host's file, its backup and what undoes it, in an order in which a crash loses nothing.
 * @returns where the backup is, if the file was there
 */
async function replace(
  name: HostName,
  { place, dataDir }: HostChanges,
  file: HostFile,
  {
    bytes,
    isFirst,
    madeSection,
  }: Pick<InstallRecord, "isFirst" | "madeSection"> & { bytes: Buffer },
): Promise<string | undefined> {
  const records = new InstallRecords(dataDir);
  const written = digestOf(bytes);
  const known = await records.read(name);
  const isLast = known?.path === file.path && file.bytes && digestOf(file.bytes) === known.written;
  // One more change of ours: what was before the first stays what can come back.
  let record = known && isLast && !isFirst ? { ...known, written } : undefined;
  if (!record) {
    const backup = file.bytes && backupPath(file.path);
    const madeFolder = missingFolderAbove(file.path, place.isThere);
    if (backup && file.bytes) await writePrivately(backup, file.bytes);
    record = {
      path: file.path,
      ...(backup ? { backup } : {}),
      ...(madeFolder ? { madeFolder } : {}),
      written,
      isFirst,
      madeSection,
    };
  }
  await records.write(name, record);
  await writeHostFile(file, bytes);
  return record.backup;
}

/** What the file was before the server came into it, as long as nobody has changed it since. */
async function formerBytes(
  file: HostFile,
  record: InstallRecord | undefined,
): Promise<{ bytes: Buffer | undefined } | undefined> {
  if (!record?.isFirst || !file.bytes || digestOf(file.bytes) !== record.written) return undefined;
  if (record.backup === undefined) return { bytes: undefined };
  const bytes = await readFile(record.backup).catch(() => undefined);
  return bytes && { bytes };
}
