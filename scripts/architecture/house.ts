import type { Rules } from "./rules.ts";

/** Who may lean on whom, from the ground up, and what only some rooms may touch. */
export const HOUSE: Rules = {
  rooms: [
    { path: "src/core/", about: "errors, time, ids, text, secrets", uses: [] },
    { path: "src/models/", about: "the catalogue: operations as data", uses: ["src/core/"] },
    {
      path: "src/settings/",
      about: "settings, read and checked once",
      uses: ["src/core/", "src/models/"],
    },
    {
      path: "src/arguments/",
      about: "arguments between the wire and a tool",
      uses: ["src/core/", "src/models/"],
    },
    { path: "src/gateway/", about: "all HTTP to the provider", uses: ["src/core/", "src/models/"] },
    {
      path: "src/media/",
      about: "files in and out",
      uses: ["src/core/", "src/models/", "src/gateway/"],
    },
    {
      path: "src/jobs/",
      about: "the life of any job",
      uses: ["src/core/", "src/models/", "src/gateway/", "src/media/"],
    },
    {
      path: "src/chat/",
      about: "the delegate",
      uses: ["src/core/", "src/models/", "src/gateway/", "src/media/", "src/jobs/"],
    },
    {
      path: "src/tools/",
      about: "what an assistant calls",
      uses: [
        "src/core/",
        "src/models/",
        "src/arguments/",
        "src/settings/",
        "src/gateway/",
        "src/media/",
        "src/jobs/",
        "src/chat/",
      ],
    },
    {
      path: "src/resources/",
      about: "what an assistant reads",
      uses: ["src/core/", "src/models/", "src/media/", "src/jobs/", "src/chat/", "src/tools/"],
    },
    { path: "src/prompts/", about: "prompts", uses: ["src/core/", "src/models/"] },
    {
      path: "src/server.ts",
      about: "one MCP server instance",
      uses: ["src/core/", "src/jobs/", "src/chat/", "src/tools/", "src/resources/", "src/prompts/"],
    },
    {
      path: "src/runtime.ts",
      about: "everything opened at first use",
      uses: [
        "src/core/",
        "src/models/",
        "src/settings/",
        "src/gateway/",
        "src/media/",
        "src/jobs/",
        "src/chat/",
        "src/tools/",
        "src/server.ts",
      ],
    },
    {
      path: "src/transports/",
      about: "stdio and HTTP",
      uses: ["src/core/", "src/jobs/", "src/server.ts"],
    },
    { path: "src/sandbox/", about: "the imitated provider", uses: ["src/core/", "src/models/"] },
    { path: "src/demo/", about: "the demonstration", uses: ["src/core/"] },
    {
      path: "src/docs/",
      about: "pages made of the program's own tables",
      uses: ["src/arguments/", "src/core/", "src/models/", "src/settings/", "src/tools/"],
    },
    {
      path: "src/cli/",
      about: "one file per command",
      uses: [
        "src/core/",
        "src/models/",
        "src/settings/",
        "src/gateway/",
        "src/media/",
        "src/jobs/",
        "src/chat/",
        "src/runtime.ts",
        "src/server.ts",
        "src/transports/",
        "src/sandbox/",
        "src/demo/",
        "src/docs/",
      ],
    },
  ],
  reserved: [],
};
