import type { MediaStore } from "../../src/media/media-store.ts";
import { hostedActs } from "./hosted-acts.ts";
import type { Stores } from "./kit.ts";

/** What a racing process is asked to do, all at once. */
export interface Race {
  store: "jobs" | "threads" | "hosted" | "uploads" | "questions" | "media";
  method: string;
  calls: readonly (readonly unknown[])[];
}

/** What a process has open; what it does not race for may be missing. */
type Opened = Partial<Stores> & { media?: MediaStore };

/** What came of one call. */
export type Outcome = { value: unknown } | { code: unknown };

export const valuesOf = (outcomes: readonly Outcome[]) =>
  outcomes.flatMap((one) => ("value" in one && one.value !== undefined ? [one.value] : []));
export const codesOf = (outcomes: readonly Outcome[]) =>
  outcomes.flatMap((one) => ("code" in one ? [one.code] : []));

/** Runs in a process of its own: opens a place, says so, and does what it is told. */
export async function race(open: (place: string) => Promise<Opened>): Promise<void> {
  const place = process.argv[2] ?? "";
  const stores = await open(place);
  const targets: { [name in Race["store"]]?: object | undefined } = {
    ...stores,
    hosted: stores.hosting && hostedActs(stores.hosting, place),
  };
  process.on("message", async ({ store, method, calls }: Race) => {
    const target = targets[store] ?? {};
    const run = async (args: readonly unknown[]): Promise<Outcome> => {
      try {
        return { value: await Reflect.apply(Reflect.get(target, method), target, args) };
      } catch (error) {
        return { code: error instanceof Error && "code" in error ? error.code : String(error) };
      }
    };
    process.send?.(await Promise.all(calls.map(run)));
  });
  process.on("disconnect", () => void stores.jobs?.close());
  process.send?.("ready");
}
