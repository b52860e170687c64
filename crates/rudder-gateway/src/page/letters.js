"use strict";

let oldest = null;
/** The codes with which it can help to replay. */
let replayable = [];
let letters = [];

const helps = (letter) => ["replay", "mend_then_replay"].includes(letter.why?.remedy);

function letterLine(letter) {
  const id = letter.event_number;
  const link = id ? make("a", { href: `#events/${id}`, textContent: id, ariaLabel: `Event ${id}` }) : make("span", { textContent: "–" });
  link.dataset.place = `letter-${letter.id}`;
  const { operation, status, path, attribute, request_id: request } = letter.detail;
  const detail = [path && `at ${path}`, attribute && `attribute ${attribute}`, operation && `${operation.replaceAll("_", " ")} was answered ${status ?? "by nobody"}`, request && `request ${request}`].filter(Boolean).join(" · ");
  const replay = make("button", { type: "button", textContent: "Replay", ariaLabel: `Replay dead letter ${letter.id}` });
  replay.addEventListener("click", () => act("replay", { ids: [letter.id] }, $("as-new").checked));
  const drop = make("button", { type: "button", className: "danger", textContent: "Drop", ariaLabel: `Drop dead letter ${letter.id}` });
  drop.addEventListener("click", () => act("drop", { ids: [letter.id] }));
  const change = make("button", { type: "button", className: "plain", textContent: "Edit", ariaLabel: `Edit and replay dead letter ${letter.id}` });
  change.addEventListener("click", () => edit({ number: id, dead_letter: letter.id, code: letter.code }));
  return make("tr", {}, make("td", { className: "number" }, link), make("td", { className: "time", textContent: moment(letter.at) }), make("td", { className: "kind", textContent: letter.event_type ?? "–" }),
    make("td", {}, make("code", { className: KINDS[letter.kind], textContent: letter.code }), make("span", { className: "soft block", textContent: detail })),
    make("td", {}, make("span", { className: "block", textContent: letter.why?.advice ?? "" }), make("span", { className: "buttons" }, helps(letter) ? replay : null, id ? change : null, drop)));
}

function drawLetters() {
  ifNew("letters", letters, () => $("letter-lines").tBodies[0].replaceChildren(...letters.map(letterLine)));
  $("letter-lines").hidden = letters.length === 0;
  $("all-buttons").hidden = letters.length === 0;
  $("replay-all").hidden = !letters.some(helps);
  $("no-letters").hidden = letters.length > 0;
  $("no-letters").textContent = $("code").value ? "There are none with this code." : "There are none.";
}

async function loadLetters(more = false) {
  const code = encodeURIComponent($("code").value);
  const found = await ask(`dead-letters?code=${code}${more && oldest ? `&before=${oldest}` : ""}`);
  letters = more ? [...letters, ...found] : found;
  oldest = letters.at(-1)?.id ?? null;
  $("more").hidden = found.length < 50;
  drawLetters();
}

const these = () => ($("code").value ? { code: $("code").value } : "all");
/** Of all of them, those are replayed whom it can help. */
const helped = () => ($("code").value ? these() : { codes: replayable });
$("replay-all").addEventListener("click", () => act("replay", helped(), $("as-new").checked));
$("drop-all").addEventListener("click", () => act("drop", these()));
$("more").addEventListener("click", () => told(() => loadLetters(true)));
$("code").addEventListener("change", () => told(loadLetters));

// Whoever has asked for older ones keeps what they see.
show.letters = async () => { if (letters.length <= 50) await loadLetters(); };
