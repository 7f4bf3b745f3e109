// The suites import `globSync` of `node:fs`, which Node 20 lacks, and use it in commands that are not
// run here. Loaded before a suite, this gives them the module with a function of that name.
import { register } from "node:module";

const MODULE = `
export * from "node:fs";
export { default } from "node:fs";
export const globSync = () => [];
`;
const HOOK = `
const SUITE = /\\/node_modules\\/(?:@modelcontextprotocol\\/conformance|conformance-alpha)\\/dist\\//;
export const resolve = (name, context, next) =>
  (name === "fs" || name === "node:fs") && SUITE.test(context.parentURL ?? "")
    ? { url: ${JSON.stringify(`data:text/javascript,${encodeURIComponent(MODULE)}`)}, shortCircuit: true }
    : next(name, context);
`;
register(`data:text/javascript,${encodeURIComponent(HOOK)}`);
