// Reads messages with postal-mime, a parser that has nothing of ours in it, and says what it found.
//
//     node reader.mjs NODE_MODULES
//
// In: the length of a message in decimal digits, a newline, the message; again and again. Out: for each, one
// line of JSON: the tree of its parts, of each the type, the decoded octets as a hash, and the text it shows.
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(path.resolve(process.argv[2]), "anything.js"));
const loaded = require("postal-mime");
const PostalMime = loaded.default ?? loaded;

const READ = new Set(["text/plain", "text/html", "text/x-amp-html", "text/watch-html"]);

// The parser does not say whether the last line end of a part that is not encoded is the part's or the boundary's.
function contentOf(node) {
  const octets = Buffer.from(node.content ?? new ArrayBuffer(0));
  const encoded = /base64|quoted-printable/.test(node.contentTransferEncoding.encoding);
  let end = octets.length;
  while (!encoded && end > 0 && octets[end - 1] === 10) end -= 1;
  return octets.subarray(0, end);
}

function describe(node) {
  const type = node.contentType.parsed;
  const octets = contentOf(node);
  const kind = type.value.toLowerCase();
  const disposition = node.contentDisposition.parsed;
  return {
    type: kind,
    charset: (type.params.charset ?? "").toLowerCase(),
    disposition: disposition.value.toLowerCase(),
    filename: disposition.params.filename ?? type.params.name ?? "",
    octets: octets.length,
    sha256: createHash("sha256").update(octets).digest("hex"),
    text: READ.has(kind) ? node.getTextContent() : null,
    parts: node.childNodes.map(describe),
  };
}

async function read(octets) {
  try {
    const parser = new PostalMime({ forceRfc822Attachments: true });
    await parser.parse(octets);
    return { root: describe(parser.root) };
  } catch (error) {
    return { error: String(error?.message ?? error).slice(0, 200) };
  }
}

let pending = Buffer.alloc(0);
for await (const chunk of process.stdin) {
  pending = pending.length ? Buffer.concat([pending, chunk]) : chunk;
  for (;;) {
    const end = pending.indexOf(10);
    if (end < 0) break;
    const length = Number(pending.subarray(0, end).toString());
    if (pending.length < end + 1 + length) break;
    const octets = pending.subarray(end + 1, end + 1 + length);
    process.stdout.write(JSON.stringify(await read(Uint8Array.from(octets))) + "\n");
    pending = pending.subarray(end + 1 + length);
  }
}
