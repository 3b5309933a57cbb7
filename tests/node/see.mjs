// Says of pieces of HTML whether a person at a browser sees a link in them. Standard input: a line of JSON
// {"executable"}, then a line {"name", "html", "width", "height"} for each piece. Standard output: a line of JSON
// for each with what decided, as the browser has laid it out and painted it.
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { executable } = JSON.parse((await lines.next()).value);
const browser = await chromium.launch({
  executablePath: executable,
  headless: true,
  chromiumSandbox: false,
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"],
});
const context = await browser.newContext();
const page = await context.newPage();
const easel = await context.newPage();
const camera = await context.newCDPSession(page);
// Each piece is a page of its own, with nothing left of the one before. Images are broken, as where they are not
// loaded; a link's line below it is no letter.
let html = "";
const PLAIN = "<style>*{text-decoration:none!important}</style>";
await page.route("**/*", (route) =>
  route.request().isNavigationRequest()
    ? route.fulfill({ contentType: "text/html; charset=utf-8", body: PLAIN + html })
    : route.abort(),
);

// Runs in the page: where each link's texts and images lie, what is on top there, and what the style says.
function look() {
  const links = [...document.querySelectorAll("a[href], area[href]")].filter((link) =>
    /unsub|example\.com\/t\//.test(link.href),
  );
  return links.map((link) => {
    const leaves = [];
    const walker = document.createTreeWalker(link, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      if (node.nodeType === Node.TEXT_NODE && node.data.trim()) leaves.push(node);
      if (node.nodeName === "IMG") leaves.push(node);
    }
    if (link.nodeName === "AREA") {
      leaves.push(...document.querySelectorAll(`img[usemap="#${link.parentElement.name}"]`));
    }
    return leaves.map((leaf) => place(leaf, link));
  });

  function place(leaf, link) {
    const element = leaf.nodeType === Node.TEXT_NODE ? leaf.parentElement : leaf;
    element.scrollIntoView({ block: "nearest" });
    let rects;
    if (leaf.nodeType === Node.TEXT_NODE) {
      const range = document.createRange();
      range.selectNodeContents(leaf);
      rects = [...range.getClientRects()];
    } else {
      rects = [...leaf.getClientRects()];
    }
    const style = getComputedStyle(element);
    const rect = rects.find((one) => one.width >= 4 && one.height >= 4);
    const facts = {
      size: parseFloat(style.fontSize),
      visibility: style.visibility,
      colour: style.color,
      rects: rects.length,
      image: leaf.nodeName === "IMG",
    };
    if (!rect) return facts;
    const x = rect.left + rect.width / 2;
    const y = rect.top + rect.height / 2;
    const top = document.elementFromPoint(x, y);
    const hit = top !== null && (link.contains(top) || top === link || top === element);
    const { left, top: above, width, height } = rect;
    return { ...facts, hit, on: top?.nodeName ?? "", clip: { x: left + scrollX, y: above + scrollY, width, height } };
  }
}

// Runs in the easel: how much the pixels of a picture differ, 0 to 255.
async function ink(png) {
  const picture = new Image();
  picture.src = `data:image/png;base64,${png}`;
  await picture.decode();
  const canvas = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
  canvas.drawImage(picture, 0, 0);
  const { data } = canvas.getImageData(0, 0, picture.width, picture.height);
  const least = [255, 255, 255];
  const most = [0, 0, 0];
  for (let at = 0; at < data.length; at += 4) {
    for (let channel = 0; channel < 3; channel += 1) {
      least[channel] = Math.min(least[channel], data[at + channel]);
      most[channel] = Math.max(most[channel], data[at + channel]);
    }
  }
  return Math.max(...most.map((one, channel) => one - least[channel]));
}

async function seen(leaf) {
  if (!leaf.hit || leaf.visibility !== "visible" || (!leaf.image && leaf.size < 6)) return false;
  if (leaf.image) return true;
  const clip = { ...leaf.clip, scale: 1 };
  const picture = await camera.send("Page.captureScreenshot", { format: "png", optimizeForSpeed: true, clip });
  leaf.ink = await easel.evaluate(ink, picture.data);
  return leaf.ink > 25;
}

for await (const line of lines) {
  const { name, width, height, ...piece } = JSON.parse(line);
  html = piece.html;
  await page.setViewportSize({ width, height });
  await page.goto("https://piece.invalid/", { waitUntil: "load" }); // an image takes its words' room once it failed
  const links = await page.evaluate(look);
  let visible = false;
  for (const leaf of links.flat()) visible = (await seen(leaf)) || visible;
  process.stdout.write(`${JSON.stringify({ name, visible, links })}\n`);
}
await browser.close();
