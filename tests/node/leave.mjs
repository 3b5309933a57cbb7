// Reads a mail in Chromium as a person does, and goes where its link leads. Standard input: a line of JSON
// {"executable", "profile", "html", "link"}; then a line for each press of the page's button. Standard output: a
// line of JSON for each page seen.
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { executable, profile, html, link } = JSON.parse((await lines.next()).value);

const context = await chromium.launchPersistentContext(profile, {
  executablePath: executable,
  headless: true,
  chromiumSandbox: false,
  args: [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
});
const page = context.pages()[0] ?? (await context.newPage());
const requests = [];
const complaints = [];
page.on("request", (request) => requests.push([request.method(), request.url()]));
page.on("console", (message) => complaints.push(message.text()));
page.on("pageerror", (error) => complaints.push(String(error)));

async function tell(status) {
  const seen = {
    status,
    url: page.url(),
    title: await page.title(),
    heading: await page.locator("h1").innerText(),
    text: await page.locator("body").innerText(),
    buttons: await page.getByRole("button").allInnerTexts(),
    scripts: await page.locator("script").count(),
    cookies: (await context.cookies()).length,
    requests: requests.splice(0),
    complaints: complaints.splice(0),
  };
  process.stdout.write(`${JSON.stringify(seen)}\n`);
}

async function press(locator) {
  const [response] = await Promise.all([page.waitForNavigation(), locator.click()]);
  return response.status();
}

await page.setContent(html);
await tell(await press(page.locator(`a[href="${link}"]`)));
await tell((await page.reload()).status());
for await (const _ of lines) {
  await tell(await press(page.getByRole("button").first()));
}
await context.close();
