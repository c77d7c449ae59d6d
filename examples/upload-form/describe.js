// A guess at what a file is, from its bytes rather than from what the client says.

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** @param {File} file */
export async function describe(file) {
  const image = await pngSize(file);
  if (image !== null) return `a PNG image of ${image.width} × ${image.height}`;
  const text = await textOf(file);
  if (text !== null) return `text of ${text === "" ? 0 : text.split("\n").length} lines`;
  return file.type === "" ? "unknown" : `said to be ${file.type}`;
}

/**
 * Only the first bytes are read, however large the file is.
 *
 * @param {File} file
 */
async function pngSize(file) {
  const head = new DataView(await file.slice(0, 24).arrayBuffer());
  const isPng = head.byteLength === 24 && PNG_SIGNATURE.every((byte, at) => head.getUint8(at) === byte);
  return isPng ? { width: head.getUint32(16), height: head.getUint32(20) } : null;
}

/** @param {File} file */
async function textOf(file) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    return null;
  }
}
