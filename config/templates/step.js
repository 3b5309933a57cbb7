// Finds the number that makes the SHA-256 of "STAMP.NUMBER" begin with enough zero bits (gateway/web/stamp.py).
// It works in short turns, so that the page stays alive; whoever presses the button before it is done is sent on
// when it is. crypto.subtle is for secure pages only, and slower for so short a text.
"use strict";
(() => {
  const form = document.getElementById("step");
  const state = document.getElementById("state");
  const stamp = form.elements.stamp.value;
  const bits = Number(form.dataset.bits);

  // FIPS 180-4: the first 32 bits of the fractions of roots of primes.
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
  const fraction = (x) => (x - Math.floor(x)) * 4294967296 | 0;
  const K = primes.map((p) => fraction(Math.cbrt(p)));
  const H = primes.slice(0, 8).map((p) => fraction(Math.sqrt(p)));
  const turn = (x, n) => (x >>> n) | (x << (32 - n));
  const W = new Int32Array(64);

  // The first word of the digest of a text of ASCII within one block: 55 characters.
  function first(text) {
    W.fill(0, 0, 16);
    for (let i = 0; i < text.length; i++) W[i >> 2] |= text.charCodeAt(i) << (24 - (i & 3) * 8);
    W[text.length >> 2] |= 0x80 << (24 - (text.length & 3) * 8);
    W[15] = text.length * 8;
    for (let i = 16; i < 64; i++) {
      const x = W[i - 15], y = W[i - 2];
      W[i] = W[i - 16] + (turn(x, 7) ^ turn(x, 18) ^ (x >>> 3)) + W[i - 7] + (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = H;
    for (let i = 0; i < 64; i++) {
      const t = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
      const u = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + t) | 0; d = c; c = b; b = a; a = (t + u) | 0;
    }
    return (a + H[0]) >>> 0;
  }

  let number = 0, sending = false;
  form.addEventListener("submit", (event) => {
    if (form.elements.work.value) return;
    event.preventDefault();
    sending = true;
  });
  state.textContent = state.dataset.busy;
  (function work() {
    for (const until = performance.now() + 30; performance.now() < until;) {
      for (let i = 0; i < 200; i++, number++) {
        if (first(stamp + "." + number) < 2 ** (32 - bits)) {
          form.elements.work.value = number;
          state.textContent = state.dataset.done;
          if (sending) form.submit();
          return;
        }
      }
    }
    setTimeout(work);
  })();
})();
