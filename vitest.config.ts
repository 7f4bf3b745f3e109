import { defineConfig } from "vitest/config";

/** Folders whose tests start the built program. */
const PROGRAM = ["test/{attack,cli,demo,e2e}/**/*.test.ts"];
/** Kills and full disks at many points, attacks of a thousand requests: minutes, not seconds. */
const SOAK = [
  "test/faults/**/*.test.ts",
  "test/attack/{hostile-names,hostile-requests,keys-in-program,memory}.test.ts",
];

/** Ends what hangs; long enough for a machine with much else to do. */
const limits = { testTimeout: 180_000, hookTimeout: 180_000 };
const ANNOUNCE = "test/support/announce.ts";
const built = { globalSetup: [ANNOUNCE, "test/support/build.ts"], ...limits };

export default defineConfig({
  test: {
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [...PROGRAM, ...SOAK],
          globalSetup: [ANNOUNCE],
          ...limits,
        },
      },
      { test: { name: "program", include: PROGRAM, exclude: SOAK, ...built } },
      { test: { name: "soak", include: SOAK, ...built } },
    ],
  },
});
