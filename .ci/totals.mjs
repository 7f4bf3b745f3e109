// Adds up vitest's JSON reports and names what failed: `node .ci/totals.mjs report.json …`.
import { readFileSync } from "node:fs";
import { basename } from "node:path";

let passed = 0;
let failed = 0;
process.stdout.write("\n");
for (const path of process.argv.slice(2)) {
  const run = read(path);
  for (const failure of run.failures) {
    process.stdout.write(`FAILED ${failure.split("\n").slice(0, 8).join("\n")}\n`);
  }
  process.stdout.write(
    `${basename(path, ".json")}: ${run.passed} passed, ${run.failures.length} failed\n`,
  );
  passed += run.passed;
  failed += run.failures.length;
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

/** A file that could not even be loaded counts as one failure, and so does a missing report. */
function read(path) {
  try {
    const report = JSON.parse(readFileSync(path, "utf8"));
    const failures = report.testResults.flatMap((file) => {
      const failed = file.assertionResults.filter((one) => one.status === "failed");
      if (failed.length === 0 && file.status === "failed") return [`${file.name}: ${file.message}`];
      return failed.map((one) => `${file.name}: ${one.fullName}: ${one.failureMessages[0]}`);
    });
    return { passed: report.numPassedTests, failures };
  } catch (error) {
    return { passed: 0, failures: [`${path}: ${error}`] };
  }
}
