// Drives Chromium as a person uses it. Standard input: a command in JSON a line; standard output: for each one a
// line of JSON, what is seen then or what was asked for. The first command is {"executable"}; the others:
//   {"open": {"scripts", "scheme", "width", "height", "locale", "touch"}}   a fresh visitor, without history
//   {"read": HTML, "link": URL}    show a mail, and click the link in it
//   {"go": URL}  {"again": true}   open a page; reload it
//   {"press": NAME}                click the button of that name
//   {"show": HTML}                 show a page of somebody else
//   {"submit": true}               send the form, whatever is in it
//   {"fill": {LABEL: TEXT}}        write into fields
//   {"until": TEXT}                wait until the page says so by itself
//   {"keys": [KEY, ...]}           press keys; a page that follows is waited for
//   {"focused": true}              what has the focus
//   {"axe": true}                  what axe-core finds wrong
//   {"shot": PATH}                 keep a picture of the whole page
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { executable } = JSON.parse((await lines.next()).value);
const browser = await chromium.launch({
  executablePath: executable,
  headless: true,
  chromiumSandbox: false,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
});

let context, page, status;
const requests = [];
const complaints = [];

async function open({ scripts = true, scheme = "light", width = 1280, height = 800, locale = "en-GB", touch = false }) {
  await context?.close();
  context = await browser.newContext({
    javaScriptEnabled: scripts, colorScheme: scheme, viewport: { width, height }, locale, hasTouch: touch,
  });
  page = await context.newPage();
  page.on("request", (request) => requests.push([request.method(), request.url()]));
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  status = 0;
  return {};
}

async function see(response) {
  status = response?.status() ?? status;
  return {
    status,
    url: page.url(),
    title: await page.title(),
    language: await page.locator("html").getAttribute("lang"),
    heading: await page.locator("h1").innerText(),
    text: await page.locator("body").innerText(),
    buttons: await page.getByRole("button").allInnerTexts(),
    links: await page.locator("a[href]").evaluateAll((all) => all.map((one) => one.href)),
    forms: await page.locator("form").evaluateAll((all) => all.map((one) => one.action)),
    scripts: await page.locator("script").count(),
    cookies: (await context.cookies()).length,
    sideways: await page.evaluate("document.documentElement.scrollWidth > innerWidth"),
    requests: requests.splice(0),
    complaints: complaints.splice(0),
  };
}

async function follow(act) {
  const [response] = await Promise.all([page.waitForNavigation(), act()]);
  return see(response);
}

async function keys(pressed) {
  for (const key of pressed.slice(0, -1)) await page.keyboard.press(key);
  const last = pressed.at(-1);
  if (last === "Enter") return follow(() => page.keyboard.press(last));
  await page.keyboard.press(last);
  return focused();
}

async function focused() {
  return page.evaluate(() => {
    const one = document.activeElement;
    const style = getComputedStyle(one);
    return { name: one.innerText.trim(), tag: one.localName, outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) };
  });
}

async function judge() {
  const found = await page.evaluate(`${axe}; axe.run(document, { runOnly: ${JSON.stringify(RULES)} })`);
  return {
    violations: found.violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html).join(" ")}`),
    passes: found.passes.length,
  };
}

async function obey(command) {
  if (command.open) return open(command.open);
  if (command.read) {
    await page.setContent(command.read);
    return follow(() => page.locator(`a[href="${command.link}"]`).click());
  }
  if (command.go) return see(await page.goto(command.go));
  if (command.again) return see(await page.reload());
  if (command.press) return follow(() => page.getByRole("button", { name: command.press, exact: true }).click());
  if (command.show) {
    await page.goto("about:blank");
    await page.setContent(command.show);
    return {};
  }
  if (command.submit) return follow(() => page.locator("form").evaluate((form) => form.submit()));
  if (command.fill) {
    for (const [label, text] of Object.entries(command.fill)) await page.getByLabel(label).fill(text);
    return {};
  }
  if (command.until) {
    await page.getByText(command.until).waitFor();
    return see();
  }
  if (command.keys) return keys(command.keys);
  if (command.focused) return focused();
  if (command.axe) return judge();
  if (command.shot) return { octets: (await page.screenshot({ path: command.shot, fullPage: true })).length };
  throw new Error(`no such command: ${Object.keys(command)}`);
}

for await (const line of lines) {
  let said;
  try {
    said = await obey(JSON.parse(line));
  } catch (error) {
    said = { failed: String(error) };
  }
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
await browser.close();
