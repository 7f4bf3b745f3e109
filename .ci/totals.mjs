// Adds up vitest's JSON reports: `node .ci/totals.mjs report.json …`.
import { readFileSync } from "node:fs";
import { basename } from "node:path";

let passed = 0;
let failed = 0;
process.stdout.write("\n");
for (const path of process.argv.slice(2)) {
  const run = read(path);
  process.stdout.write(`${basename(path, ".json")}: ${run.passed} passed, ${run.failed} failed\n`);
  passed += run.passed;
  failed += run.failed;
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

/** A file that could not even be loaded counts as one failure, and so does a missing report. */
function read(path) {
  try {
    const report = JSON.parse(readFileSync(path, "utf8"));
    const broken = report.testResults.filter(
      (file) =>
        file.status === "failed" && !file.assertionResults.some((one) => one.status === "failed"),
    );
    return { passed: report.numPassedTests, failed: report.numFailedTests + broken.length };
  } catch {
    return { passed: 0, failed: 1 };
  }
}
