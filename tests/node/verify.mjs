// Verifies DKIM with mailauth. Standard input: {"zone": {name: record}, "files": [path]}; standard output: for
// each file the results of its signatures, as [domain, selector, algorithm, result, comment].
import { readFileSync } from "node:fs";
import mailauth from "mailauth/lib/dkim/verify.js";

const { zone, files } = JSON.parse(readFileSync(0, "utf8"));

async function resolver(name, type) {
  const record = zone[`${name.toLowerCase()}.`];
  if (type !== "TXT" || record === undefined) {
    throw Object.assign(new Error(`no ${type} record of ${name}`), { code: "ENOTFOUND" });
  }
  return [[record]];
}

const answers = [];
for (const file of files) {
  const { results } = await mailauth.dkimVerify(readFileSync(file), { resolver });
  answers.push(
    results
      .filter(({ signingDomain }) => signingDomain)
      .map(({ signingDomain, selector, algo, status }) => [
        signingDomain, selector, algo, status.result, status.comment ?? "",
      ]),
  );
}
process.stdout.write(JSON.stringify(answers));
