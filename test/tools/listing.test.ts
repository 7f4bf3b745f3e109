import { describe, expect, it } from "vitest";
import { listTools } from "../../src/tools/listing.ts";
import { createTools } from "../../src/tools/tool-list.ts";
import { idleToolDeps } from "../support/tool-deps.ts";

describe("what is listed of the tools", () => {
  const deps = idleToolDeps();
  const toolsets = [["images", "chat"], ["chat", "images"], ["images"], ["chat"]] as const;
  const cases = toolsets.flatMap((chosen) => [0, 1, 20, 45, 600].map((wait) => ({ chosen, wait })));

  it.each(cases)("is what they are, with $chosen and a longest wait of $wait s", (settings) => {
    const chosen = { toolsets: settings.chosen, maxWaitSeconds: settings.wait };
    const real = createTools({ ...deps, settings: { ...deps.settings, ...chosen } });
    const here = real.filter((tool) => !tool.isForElsewhere);
    const shown = here.map(({ name, title, description, annotations, meta, inputSchema }) => ({
      name,
      title,
      description,
      annotations,
      meta,
      inputSchema,
    }));
    expect(JSON.stringify(listTools(chosen))).toBe(JSON.stringify(shown));
  });
});
