/**
 * Opens a page of the gallery in the browser of whoever sits at this machine, who is let in.
 * @param path of the gallery's own, as {@link settlePath} makes one.
 * @returns whether a browser was asked to open it; nothing is ever thrown.
 */
export type OpenPage = (path: string) => Promise<boolean>;

/** Where a person says what an uncertain job has cost. */
export function settlePath(jobId: string): string {
  return `/jobs/${jobId}#settle`;
}
