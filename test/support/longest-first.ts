import { basename } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files whose tests take a minute or more, the longest first: whatever begins last is waited for. */
const LONGEST = [
  "kill.test.ts",
  "processes.test.ts",
  "front.test.ts",
  "inputs.test.ts",
  "four-ways.test.ts",
  "chat.test.ts",
  "lost-answers.test.ts",
  "questions.test.ts",
  "memory.test.ts",
  "migrate.test.ts",
  "stores.test.ts",
  "full-disk.test.ts",
  "job-store-contract.test.ts",
  "replicas.test.ts",
  "webhooks.test.ts",
];

/** Begins with what takes longest, so that no worker has it left when all others are done. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const placeOf = ({ moduleId }: TestSpecification) => {
      const place = LONGEST.indexOf(basename(moduleId));
      return place === -1 ? LONGEST.length : place;
    };
    return sorted.sort((a, b) => placeOf(a) - placeOf(b));
  }
}
