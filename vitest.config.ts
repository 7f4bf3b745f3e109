import { defineConfig } from "vitest/config";
import { MENDED, mended } from "./scripts/mended-driver.mjs";
import { LongestFirst } from "./test/support/longest-first.ts";

/** Tests that start the built program. */
const PROGRAM = ["test/{cli,demo,e2e}/**/*.test.ts"];
/** What someone hostile tries, every operation to its end, every way an input can be wrong, what is refused, fails or is left behind. */
const ATTACK = [
  "test/attack/**/*.test.ts",
  "test/e2e/{again,arguments,books,chat,deletion,deletion-command,dry-run,ending}.test.ts",
  "test/e2e/{failed-turns,failures,failures-in-sandbox}.test.ts",
  "test/e2e/{four-ways,history,inputs,keep-prompts,looking}.test.ts",
  "test/e2e/{modes,money,network,operations,results,training}.test.ts",
];
/** Whole rooms at work: several processes on one folder, pictures drawn and decoded, jobs from start to end. */
const ROOMS = [
  "test/{inputs,packaging,purchases,scripts,storage}/**/*.test.ts",
  "test/sandbox/{painter,routes}/*.test.ts",
  "test/sandbox/input-loader.test.ts",
  "test/media/{contact-sheet,disk-store,layer-composition,preview,resume,sheet-layout,thumbnail}.test.ts",
  "test/jobs/leases.test.ts",
  "test/public/download-route.test.ts",
  "test/chat/{attachments,ignore-rules,live-answer}.test.ts",
];
/** Those that put something in place of a module: each has modules of its own. */
const ALONE = ["test/media/no-links.test.ts", "test/models/room-to-grow.test.ts"];
/** Parts that work together in one process: a store, files, a provider, clients, all tools, all pages. */
const TOGETHER = [
  "test/{access,docs,hosts,prompts,transports}/**/*.test.ts",
  "test/generated.test.ts",
  "test/chat/{answer-file,asking,delegate,fitting,one-by-one,owner,stopping}.test.ts",
  "test/chat/{thread,thread-pages,turn-draft,turn-price}.test.ts",
  "test/gateway/{answer-reader,chat-outcome,gateway-reply,http-client,purchase-outcome}.test.ts",
  "test/gallery/{opened-pages,pages}.test.ts",
  "test/jobs/{hints,job,job-kind}.test.ts",
  "test/media/{allowed-files,conversion,download,fetch-file,fetch-to-failing-bucket}.test.ts",
  "test/sandbox/*.test.ts",
  "test/sandbox/{contract,faults}/*.test.ts",
  "test/tools/{answers,chat,doubt,found,icons,job-list,reading-threads,shown-pictures,spending}.test.ts",
  "test/tools/{tool-list,waiting}.test.ts",
];
/** Behind a reverse proxy, which must be installed. */
const PROXY = ["test/proxy/**/*.test.ts"];
/** Pages in a real browser, which must be there. */
const BROWSER = ["test/browser/**/*.test.ts"];
/** What Claude Desktop installs, which must have been packed. */
const BUNDLE = ["test/bundle/**/*.test.ts"];
/** The protocol's own suites, against the HTTP server. */
const CONFORMANCE = ["test/conformance/**/*.test.ts"];
/** Kills and full disks at many points. */
const SOAK = ["test/faults/**/*.test.ts"];

/** On a PostgreSQL and an S3 server, which must be installed. */
const CLUSTER = ["test/cluster/**/*.test.ts"];

/** Ends what hangs; long enough for a machine with much else to do. */
const limits = {
  testTimeout: 180_000,
  hookTimeout: 180_000,
  expect: { poll: { timeout: 150_000 } },
};
const ANNOUNCE = "test/support/announce.ts";
const built = { globalSetup: [ANNOUNCE, "test/support/build.ts"], ...limits };
/** Everything that matters happens in programs of their own; loading both clients takes a second. */
const outside = { ...built, isolate: false };

/** Modules have no state but constants: loaded once, they serve all files. */
const shared = { globalSetup: [ANNOUNCE], isolate: false, ...limits };
const LONGER = [
  ...[...PROGRAM, ...ATTACK, ...SOAK, ...BROWSER, ...PROXY, ...BUNDLE, ...CONFORMANCE],
  ...CLUSTER,
];

export default defineConfig({
  test: {
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [...LONGER, ...TOGETHER, ...ROOMS, ...ALONE],
          ...shared,
        },
      },
      { test: { name: "together", include: TOGETHER, exclude: ROOMS, ...shared } },
      { test: { name: "rooms", include: ROOMS, ...shared } },
      { test: { name: "alone", include: ALONE, globalSetup: [ANNOUNCE], ...limits } },
      { test: { name: "program", include: PROGRAM, exclude: ATTACK, ...outside } },
      { test: { name: "attack", include: ATTACK, ...outside } },
      { test: { name: "soak", include: SOAK, ...built } },
      { test: { name: "proxy", include: PROXY, ...built } },
      { test: { name: "conformance", include: CONFORMANCE, globalSetup: [ANNOUNCE], ...limits } },
      {
        // As the program has it.
        plugins: [
          {
            name: "mended-driver",
            transform: (code, id) => (MENDED.test(id) ? mended(id, code) : undefined),
          },
        ],
        test: {
          name: "cluster",
          include: CLUSTER,
          server: { deps: { inline: ["postgres"] } },
          ...limits,
          globalSetup: [
            ANNOUNCE,
            "test/support/build.ts",
            "test/cluster/with-postgres.ts",
            "test/cluster/with-bucket.ts",
          ],
        },
      },
      { test: { name: "browser", include: BROWSER, ...built } },
      { test: { name: "bundle", include: BUNDLE, globalSetup: [ANNOUNCE], ...limits } },
    ],
  },
});
