// Sends mail with nodemailer: what to send and how comes as JSON on standard input.
import { createTransport } from "nodemailer";
import { readFileSync } from "node:fs";

const { transport, messages } = JSON.parse(readFileSync(0, "utf8"));
if (transport.tls?.caFile) {
  transport.tls.ca = readFileSync(transport.tls.caFile);
}
const mailer = createTransport(transport);
const results = await Promise.allSettled(messages.map((message) => mailer.sendMail(message)));
mailer.close();
process.stdout.write(
  JSON.stringify(
    results.map(({ value, reason }) =>
      value ? { accepted: value.accepted, response: value.response } : { error: reason.response ?? String(reason) },
    ),
  ),
);
