/// <reference lib="dom" />
import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";

/** What the test gives the page; see `viewer-host.ts`. */
declare global {
  interface Window {
    hostCall(kind: string, params: unknown): Promise<Record<string, unknown>>;
    openViewer(html: string, capabilities: Record<string, object>, theme: string): Promise<void>;
    giveResult(result: unknown): Promise<void>;
    changeTheme(theme: string): Promise<void>;
  }
}

let bridge: AppBridge | undefined;

/** Shows a page as hosts do: in a frame with scripts and nothing else. */
window.openViewer = async (html, capabilities, theme) => {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts");
  frame.title = "viewer";
  document.body.replaceChildren(frame);
  const made = new AppBridge(null, { name: "test-host", version: "1" }, capabilities, {
    hostContext: { theme: theme === "dark" ? "dark" : "light", displayMode: "inline" },
  });
  const forward = (kind: string) => async (params: unknown) => window.hostCall(kind, params);
  made.oncalltool = async (params) => {
    const result = await forward("tools/call")(params);
    return { content: [], ...result };
  };
  made.onreadresource = async (params) => {
    const result = await forward("resources/read")(params);
    return { contents: [], ...result };
  };
  made.ondownloadfile = async (params) => forward("ui/download-file")(params);
  made.onupdatemodelcontext = async (params) => {
    await forward("ui/update-model-context")(params);
    return {};
  };
  made.onsizechange = ({ height }) => {
    if (height !== undefined) frame.style.height = `${height}px`;
  };
  const initialized = new Promise<void>((resolve) => {
    made.oninitialized = () => resolve();
  });
  const view = frame.contentWindow;
  if (!view) return;
  await made.connect(new PostMessageTransport(view, view));
  frame.srcdoc = html;
  bridge = made;
  await initialized;
};

window.giveResult = async (result) => {
  await bridge?.sendToolResult({ content: [], ...Object(result) });
};

window.changeTheme = async (theme) => {
  await bridge?.sendHostContextChange({ theme: theme === "dark" ? "dark" : "light" });
};
