import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { compareMoved, copyRecord } from "../../src/moving/move.ts";
import type {
  Move,
  MovedRow,
  MoveSource,
  MoveTarget,
  Part,
  PlacedRow,
  TableProgress,
} from "../../src/moving/move-ends.ts";
import { MovedFiles } from "../../src/moving/moved-files.ts";
import { MOVED_TABLES, type MovedTable } from "../../src/moving/moved-tables.ts";
import { takeBack } from "../../src/moving/undo.ts";

type Rows = Partial<Record<string, Partial<Record<Part, MovedRow[]>>>>;

const job = (jobId: string, owner = "local") => ({
  ...{ job_id: jobId, owner, operation: "z_image_turbo_generate", created_at: 1, media: "[]" },
});

/** Two rows at a time. */
function sourceOf(rows: Rows): MoveSource {
  const all = ({ name }: MovedTable, part: Part) => rows[name]?.[part] ?? [];
  return {
    id: "a-record",
    secret: new Uint8Array(),
    count: (table, part) => all(table, part).length,
    rows: (table, part, after) =>
      all(table, part)
        .map((row, at) => ({ at: at + 1, row }))
        .slice(after, after + 2),
    highest: () => 0,
    owners: () => [
      ...new Set(
        MOVED_TABLES.flatMap((one) => all(one, "settled").map((row) => String(row["owner"]))),
      ),
    ],
    users: () => [],
    answered: () => [],
    closedAt: () => undefined,
    protecting: (now) => ({ jobs: 0, untilMs: now }),
    needHosting: () => 0,
    close: () => {},
  };
}

/** Keeps what it is given, by table; and what has happened, in order. */
class Kept implements MoveTarget {
  readonly shown = "there";
  readonly rows = new Map<string, MovedRow[]>();
  readonly happened: string[] = [];
  readonly tables = new Map<string, TableProgress>();
  state: Move["state"] = "copying";
  localOwner = "local";
  hasFiles = false;
  followed = false;
  /** After so many more batches the connection breaks. */
  batches = Number.POSITIVE_INFINITY;

  async standing() {
    return { hadUsers: false, users: [], hasDigests: false, isInUse: false };
  }

  async move(): Promise<Move> {
    const { state, localOwner, hasFiles } = this;
    const bases = { jobs: 0, chat_turns: 0, audit_log: 0 };
    return { state, localOwner, hasFiles, endedAt: null, bases, tables: new Map(this.tables) };
  }

  async begin() {
    return this.move();
  }

  async put(_: string, table: MovedTable, rows: readonly PlacedRow[], progress: TableProgress) {
    if (this.batches-- <= 0) throw new AppError("storage", "The connection is gone.");
    this.#add(table, rows);
    const at = rows.at(-1)?.at ?? 0;
    const next = { upTo: at, rows: progress.rows + rows.length, digest: "" };
    this.tables.set(table.name, next);
    return next;
  }

  async finish(_: string, tables: readonly (readonly [MovedTable, readonly PlacedRow[]])[]) {
    for (const [table, rows] of tables) this.#add(table, rows);
    this.happened.push("finished");
    this.state = "done";
  }

  async countOf({ name, key = "" }: MovedTable, keys: readonly string[]) {
    return (this.rows.get(name) ?? []).filter((row) => keys.includes(String(row[key]))).length;
  }

  async hasFollowed() {
    return this.followed;
  }

  async beginLeaving() {
    if (this.followed) return false;
    this.state = "leaving";
    return true;
  }

  async filesOf() {
    return [
      { owner: "user_a", ref: "there/1.png" },
      { owner: "user_a", ref: "here/2.png" },
    ];
  }

  async remove({ name, key = "" }: MovedTable, keys: readonly string[]) {
    const left = (this.rows.get(name) ?? []).filter((row) => !keys.includes(String(row[key])));
    this.rows.set(name, left);
  }

  async noteUndone() {
    this.state = "undone";
  }

  async close() {}

  #add({ name }: MovedTable, rows: readonly PlacedRow[]) {
    if (rows.length === 0) return;
    this.rows.set(name, [...(this.rows.get(name) ?? []), ...rows.map(({ row }) => row)]);
    this.happened.push(`${rows.length} ${name}`);
  }
}

const NO_FILES = new MovedFiles(
  {
    from: { open: unasked, stat: unasked, thumbnail: unasked },
    to: {
      ...{ put: unasked, stat: unasked, open: unasked, delete: unasked, keepThumbnail: unasked },
      ...{ clearDrafts: unasked, makeRoom: unasked },
      async *list() {},
    },
    isElsewhere: () => false,
  },
  false,
  () => {},
);

async function unasked(): Promise<never> {
  return expect.unreachable();
}

async function copy(source: MoveSource, target: Kept) {
  const said: string[] = [];
  const say = (text: string) => said.push(text);
  const parts = { source, target, localOwner: "local", now: () => 5, say };
  const sum = await copyRecord({ ...parts, files: NO_FILES, move: await target.move() });
  return { said, sum, parts };
}

const RECORD: Rows = {
  jobs: {
    settled: [job("a"), job("b"), job("c", "user_x")],
    "under way": [job("d"), job("e")],
  },
  job_bodies: {
    settled: ["a", "b", "c"].map((one) => ({ job_id: one })),
    "under way": ["d", "e"].map((one) => ({ job_id: one })),
  },
  audit_log: {
    settled: [
      { seq: 1, owner: "local" },
      { seq: 2, owner: null },
    ],
  },
};

describe("a record", () => {
  it("goes in batches, what is under way last and at once", async () => {
    const target = new Kept();
    const { said, sum } = await copy(sourceOf(RECORD), target);
    expect(target.happened).toEqual([
      ...["2 jobs", "1 jobs", "2 job_bodies", "1 job_bodies", "2 audit_log"],
      ...["2 jobs", "2 job_bodies", "finished"],
    ]);
    expect(said).toEqual([
      ...["jobs: 5 rows, compared", "job_bodies: 5 rows, compared", "audit_log: 2 rows, compared"],
    ]);
    expect(sum.rows.get("jobs")).toBe(5);
  });

  it("becomes the named owner's where it was nobody's in particular, in every table", async () => {
    const target = new Kept();
    target.localOwner = "user_a";
    await copy(sourceOf(RECORD), target);
    const owners = (name: string) => target.rows.get(name)?.map((row) => row["owner"]);
    expect(owners("jobs")).toEqual(["user_a", "user_a", "user_x", "user_a", "user_a"]);
    expect(owners("audit_log")).toEqual(["user_a", null]);
  });

  it.each([0, 1, 2, 3, 4])("goes on where it was cut off, after %i batches", async (batches) => {
    const target = new Kept();
    target.batches = batches;
    await expect(copy(sourceOf(RECORD), target)).rejects.toThrow("connection is gone");
    expect(target.state).toBe("copying");
    target.batches = Number.POSITIVE_INFINITY;
    await copy(sourceOf(RECORD), target);
    const whole = new Kept();
    await copy(sourceOf(RECORD), whole);
    expect(target.rows).toEqual(whole.rows);
  });

  it("is not there before every row is", async () => {
    const target = new Kept();
    target.countOf = async () => 4;
    await expect(copy(sourceOf(RECORD), target)).rejects.toThrow(
      "Of jobs, 4 of 5 rows are at there",
    );
  });
});

describe("a record of which nobody heard that it is there", () => {
  const again = async (target: Kept) => {
    const { parts } = await copy(sourceOf(RECORD), target);
    const said: string[] = [];
    const say = (text: string) => said.push(text);
    const move = await target.move();
    return { said, compared: () => compareMoved({ ...parts, say, move }) };
  };

  it("is compared when that is asked for again, and nothing of it is copied twice", async () => {
    const target = new Kept();
    const { said, compared } = await again(target);
    const rows = structuredClone(target.rows);
    expect((await compared()).rows.get("jobs")).toBe(5);
    expect(said).toEqual([
      ...["jobs: 5 rows, compared", "job_bodies: 5 rows, compared", "audit_log: 2 rows, compared"],
    ]);
    expect(target.rows).toEqual(rows);
    target.countOf = async () => 4;
    await expect(compared()).rejects.toThrow("Of jobs, 4 of 5 rows are at there");
  });

  it("need not be as it came once it is gone on with there", async () => {
    const target = new Kept();
    const { said, compared } = await again(target);
    target.followed = true;
    target.countOf = async () => 4;
    expect((await compared()).rows.get("jobs")).toBe(5);
    expect(said).toEqual([]);
  });
});

describe("a record that comes back", () => {
  it("leaves nothing there but what only grows, and takes only files that are copies", async () => {
    const target = new Kept();
    target.hasFiles = true;
    const media = JSON.stringify([{ index: 1, path: "here/2.png", sizeBytes: 1, sha256: "" }]);
    const record = { ...RECORD, jobs: { settled: [{ ...job("a"), media }] }, job_bodies: {} };
    const { parts } = await copy(sourceOf(record), target);
    const deleted: string[] = [];
    await takeBack(parts, { delete: async (_, ref) => void deleted.push(ref) });
    expect(target.rows.get("jobs")).toEqual([]);
    expect(target.rows.get("audit_log")).toHaveLength(2);
    expect(deleted).toEqual(["there/1.png"]);
    expect(target.state).toBe("undone");
    // Once more does nothing.
    target.remove = unasked;
    await takeBack(parts, undefined);
  });

  it("stays there once anything has become of it, unless it was leaving already", async () => {
    const target = new Kept();
    const { parts } = await copy(sourceOf(RECORD), target);
    target.followed = true;
    await expect(takeBack(parts, undefined)).rejects.toThrow(/have been followed, made or deleted/);
    expect(target.state).toBe("done");
    expect(target.rows.get("jobs")).toHaveLength(5);
    target.state = "leaving";
    await takeBack(parts, undefined);
    expect(target.rows.get("jobs")).toEqual([]);
  });
});
