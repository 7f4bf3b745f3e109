import sax from "sax";

/** A page of what a bucket has. */
export interface ListedPage {
  objects: ListedObject[];
  /** What the next page is asked for with; there is none where it is absent. */
  next: Readonly<Record<string, string>> | undefined;
}

export interface ListedObject {
  key: string;
  sizeBytes: number;
  /** Milliseconds since 1970, by the server's clock. */
  modifiedAt: number;
}

/** An upload in parts that was begun and not ended. */
export interface ListedUpload {
  key: string;
  uploadId: string;
  /** Milliseconds since 1970, by the server's clock. */
  begunAt: number;
}

/** Far deeper than any reply of S3. */
const MAX_DEPTH = 16;
/** A page has a thousand entries of a dozen elements each. */
const MAX_ELEMENTS = 50_000;
const CODE = /^\w{1,60}$/;

/** An element, by the names on the way to it, and the text directly in it. */
interface Found {
  name: string;
  text: string;
  children: Found[];
}

/**
 * Reads an answer. It is a stranger's: no entity but those of XML itself is known, and it ends at a
 * bound of depth and number.
 * @returns `undefined` for what is none.
 */
function readXml(text: string): Found | undefined {
  const parser = sax.parser(true, { position: false });
  const top: Found = { name: "", text: "", children: [] };
  const open = [top];
  let elements = 0;
  let isBroken = false;
  parser.onerror = () => {
    isBroken = true;
    parser.resume();
  };
  parser.onopentag = ({ name }) => {
    if (++elements > MAX_ELEMENTS || open.length > MAX_DEPTH) isBroken = true;
    if (isBroken) return;
    const found: Found = { name: name.replace(/^.*:/, ""), text: "", children: [] };
    open.at(-1)?.children.push(found);
    open.push(found);
  };
  parser.onclosetag = () => {
    if (!isBroken) open.pop();
  };
  const take = (more: string) => {
    const last = open.at(-1);
    if (last) last.text += more;
  };
  parser.ontext = take;
  parser.oncdata = take;
  parser.write(text).close();
  return isBroken ? undefined : top.children[0];
}

function textOf(found: Found, name: string): string {
  return found.children.find((child) => child.name === name)?.text ?? "";
}

/** What an answer says is wrong; `undefined` where it is no error, or cannot be read. */
export function readErrorCode(text: string): string | undefined {
  const found = readXml(text);
  if (found?.name !== "Error") return undefined;
  const code = textOf(found, "Code").trim();
  return CODE.test(code) ? code : "Error";
}

/** @returns `undefined` for anything but a list. */
export function readList(text: string): ListedPage | undefined {
  const found = readXml(text);
  if (found?.name !== "ListBucketResult") return undefined;
  const objects = found.children.flatMap((child): ListedObject[] => {
    if (child.name !== "Contents") return [];
    const sizeBytes = Number(textOf(child, "Size"));
    const key = keyOf(found, child);
    return key === undefined || !Number.isSafeInteger(sizeBytes)
      ? []
      : [{ key, sizeBytes, modifiedAt: Date.parse(textOf(child, "LastModified")) }];
  });
  const token = textOf(found, "NextContinuationToken");
  const goesOn = isTrue(found) && token !== "";
  return { objects, next: goesOn ? { "continuation-token": token } : undefined };
}

/** @returns `undefined` for anything but a list of uploads. */
export function readUploads(
  text: string,
): { uploads: ListedUpload[]; next: Readonly<Record<string, string>> | undefined } | undefined {
  const found = readXml(text);
  if (found?.name !== "ListMultipartUploadsResult") return undefined;
  const uploads = found.children.flatMap((child): ListedUpload[] => {
    if (child.name !== "Upload") return [];
    const key = keyOf(found, child);
    const uploadId = textOf(child, "UploadId");
    if (key === undefined || uploadId === "") return [];
    return [{ key, uploadId, begunAt: Date.parse(textOf(child, "Initiated")) }];
  });
  const marker = keyNamed(found, textOf(found, "NextKeyMarker"));
  const next = {
    "key-marker": marker ?? "",
    "upload-id-marker": textOf(found, "NextUploadIdMarker"),
  };
  return { uploads, next: isTrue(found) && marker ? next : undefined };
}

/** The id of an upload in parts that has begun. */
export function readUploadId(text: string): string | undefined {
  const found = readXml(text);
  if (found?.name !== "InitiateMultipartUploadResult") return undefined;
  return textOf(found, "UploadId") || undefined;
}

/** Whether an upload in parts has become a file; a server may say that it has not with a 200. */
export function isCompleted(text: string): boolean {
  return readXml(text)?.name === "CompleteMultipartUploadResult";
}

/** The body that ends an upload in parts. */
export function completion(etags: readonly string[]): string {
  const parts = etags.map(
    (etag, position) =>
      `<Part><PartNumber>${position + 1}</PartNumber><ETag>${escaped(etag)}</ETag></Part>`,
  );
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join("")}</CompleteMultipartUpload>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

function isTrue(found: Found): boolean {
  return textOf(found, "IsTruncated").trim().toLowerCase() === "true";
}

function keyOf(list: Found, entry: Found): string | undefined {
  return keyNamed(list, textOf(entry, "Key"));
}

/** A key as it is: it may be listed as in an address, since XML has no word for some characters. */
function keyNamed(list: Found, key: string): string | undefined {
  if (key === "") return undefined;
  if (textOf(list, "EncodingType") !== "url") return key;
  try {
    return decodeURIComponent(key.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}
