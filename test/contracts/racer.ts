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

/** Runs in a process of its own: opens a place, says so, does what it is told, and closes it. */
export function race(open: (place: string) => Promise<Opened>): void {
  let place = "";
  let stores: Opened = {};
  const run = async (
    target: object,
    method: string,
    args: readonly unknown[],
  ): Promise<Outcome> => {
    try {
      return { value: await Reflect.apply(Reflect.get(target, method), target, args) };
    } catch (error) {
      return { code: error instanceof Error && "code" in error ? error.code : String(error) };
    }
  };
  process.on("message", async (told: { place: string } | Race) => {
    if ("place" in told) {
      place = told.place;
      stores = await open(place);
      process.send?.("ready");
      return;
    }
    const { store, method, calls } = told;
    const targets: { [name in Race["store"]]?: object | undefined } = {
      ...stores,
      hosted: stores.hosting && hostedActs(stores.hosting, place),
    };
    const found = await Promise.all(calls.map((args) => run(targets[store] ?? {}, method, args)));
    await stores.jobs?.close();
    process.send?.(found);
  });
}
