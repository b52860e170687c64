"use strict";

const SERIES = [["received", "Events in"], ["delivered", "Delivered"], ["rejected", "Rejected"], ["failed", "Failed"]];
const BARS = 60;

function svg(name, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** How it goes, in words, and as a colour behind them: red for what needs somebody, amber for what takes time. */
function stateOf({ delivery, queue, now, trouble, outage }) {
  const closed = trouble.find((one) => one.closes_the_intake);
  if (closed) return ["bad", `No events are taken in: ${closed.meaning}. ${closed.advice ?? ""}`];
  if (!delivery) return ["", "Starting …"];
  const of = (code) => trouble.find((one) => one.code === code);
  if (of("token_refused") || delivery.halted) return ["bad", `Intercom does not accept the access token. Events are kept, and it is tried again every minute. ${of("token_refused")?.advice ?? ""}`];
  if (outage) return ["bad", `Intercom cannot be reached at ${outage.host}: ${outage.cause}. Events are kept, and it is tried again every few seconds.`];
  const until = delivery.until ? ` for ${span(Math.max(0, delivery.until - now))}` : "";
  if (delivery.waiting === "outage") return ["bad", "Intercom cannot be reached. Events are kept, and it is tried again every few seconds."];
  const backlog = of("backlog") ? ` The oldest event has waited for ${span(queue.oldest_age_ms ?? 0)}. ${of("backlog").advice}` : "";
  switch (delivery.waiting) {
    case "throttled": return ["slow", `Intercom has had too many calls; waiting${until}.${backlog}`];
    case "rate_limit": return ["slow", `Keeping to the rate limit; waiting${until}.${backlog}`];
    case "backoff": return ["bad", `Calls have failed; trying again${until ? ` in ${until.slice(5)}` : ""}.${backlog}`];
    default:
      if (backlog) return ["slow", `Delivering.${backlog}`];
      if (queue.events) return ["good", "Delivering."];
      return queue.dead_letters ? ["slow", "Some events could not be delivered: see the dead letters."] : ["good", "Everything is delivered."];
  }
}

function buckets(stats, minutes) {
  const width = Math.max(1, Math.ceil(minutes / BARS));
  const last = Math.floor(stats.now / 60000);
  const first = last - minutes + 1;
  const sums = Array.from({ length: Math.ceil(minutes / width) }, (_, at) => ({ at: (first + at * width) * 60000, received: 0, delivered: 0, rejected: 0, failed: 0 }));
  for (const minute of stats.minutes) {
    const bucket = sums[Math.floor((minute.minute - first) / width)];
    if (bucket) for (const [name] of SERIES) bucket[name] += minute[name];
  }
  return sums;
}

/** The next number that is easy to read: 1, 2 or 5 and zeros. */
function roundUp(value) {
  const size = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((step) => step * size >= value) * size;
}

/** A chart; all of them have the same scale, from 0 to `top`. */
function chart(name, title, sums, withDay, width, top) {
  const values = sums.map((sum) => sum[name]);
  const total = values.reduce((a, b) => a + b, 0);
  const step = 300 / values.length;
  const bars = values.map((value, at) => {
    const height = value ? Math.max(1.5, (value / top) * 78) : 0;
    const bar = svg("rect", { x: at * step + 0.5, y: 80 - height, width: Math.max(0.5, step - 1), height });
    bar.append(svg("title", {}, `${clock(sums[at].at, withDay)}: ${number(value)}`));
    return bar;
  });
  const every = width === 1 ? "a minute" : `${span(width * 60000)}`;
  const label = `${title}: ${number(total)} in the time shown, at most ${number(Math.max(...values))} in ${every}`;
  const lines = [2, 41, 80.5].map((y) => svg("line", { x1: 0, x2: 300, y1: y, y2: y }));
  const drawing = svg("svg", { viewBox: "0 0 300 82", preserveAspectRatio: "none", role: "img", "aria-label": label }, ...lines, ...bars);
  const scale = make("div", { className: "scale", ariaHidden: "true" }, ...[top, top / 2, 0].map((value) => make("span", { textContent: number(value) })));
  const middle = sums[Math.floor(sums.length / 2)].at;
  return make("figure", { className: name },
    make("figcaption", {}, make("span", { textContent: title }), make("b", { textContent: number(total) })),
    make("div", { className: "plot" }, scale, drawing),
    make("div", { className: "axis", ariaHidden: "true" }, ...[clock(sums[0].at, withDay), clock(middle, withDay), "now"].map((textContent) => make("span", { textContent }))),
    make("p", { className: "soft", textContent: total ? `peak ${number(Math.max(...values))} in ${every}` : "none in this time" }));
}

function showStats(stats) {
  const { queue, delivery } = stats;
  const [kind, state] = stateOf(stats);
  if ($("state").textContent !== state) $("state").textContent = state;
  $("state").className = kind;
  $("letter-count").hidden = queue.dead_letters === 0;
  $("letter-count").textContent = number(queue.dead_letters);
  $("sandbox").hidden = !stats.sandbox;
  if (stats.sandbox) $("sandbox-link").href = stats.sandbox;
  const minutes = Number($("span").value);
  const sums = buckets(stats, minutes);
  $("start").hidden = stats.minutes.length > 0 || stats.codes.length > 0 || queue.events > 0;
  $("waiting").textContent = number(queue.events);
  $("age").textContent = queue.oldest_age_ms === null ? "–" : span(queue.oldest_age_ms);
  $("awaiting").textContent = number(queue.awaiting);
  $("dead").textContent = number(queue.dead_letters);
  $("delivered").textContent = number(sums.reduce((sum, bucket) => sum + bucket.delivered, 0));
  $("budget").textContent = delivery?.limit ? `${number(delivery.remaining)} of ${number(delivery.limit)}` : "–";
  $("no-budget").hidden = Boolean(delivery?.limit);
  $("calls").textContent = delivery ? number(delivery.calls) : "–";
  ifNew("charts", [sums], () => {
    // Whatever crosses midnight has dates.
    const withDay = new Date(sums[0].at).toDateString() !== new Date(stats.now).toDateString();
    const top = roundUp(Math.max(2, ...sums.flatMap((sum) => SERIES.map(([name]) => sum[name]))));
    $("charts").replaceChildren(...SERIES.map(([name, title]) => chart(name, title, sums, withDay, Math.ceil(minutes / BARS), top)));
    const rows = sums.filter((sum) => SERIES.some(([name]) => sum[name])).reverse();
    $("table").tBodies[0].replaceChildren(...rows.map((sum) => make("tr", {}, make("td", { textContent: clock(sum.at, withDay) }),
      ...SERIES.map(([name]) => make("td", { className: "number", textContent: number(sum[name]) })))));
  });
  replayable = stats.codes.filter((code) => code.can_replay).map((code) => code.code);
  ifNew("codes", stats.codes, () => showCodes(stats.codes, stats.now));
}

function showCodes(codes, now) {
  $("no-codes").hidden = codes.length > 0;
  $("codes").replaceChildren(...codes.map((code) => make("li", {},
    make("h4", {}, make("span", { className: `kind-${code.kind}`, textContent: code.code }), ` – ${number(code.count)} ${code.kind}`),
    make("p", { textContent: code.meaning }), code.advice ? make("p", {}, make("b", { textContent: "What to do: " }), code.advice) : null,
    make("p", { className: "soft", textContent: `last ${span(now - code.last_at)} ago` }))));
  const chosen = $("code").value;
  $("code").replaceChildren(make("option", { value: "", textContent: "all" }),
    ...[...new Set(codes.map((code) => code.code))].map((code) => make("option", { value: code, textContent: code })));
  $("code").value = chosen;
}

$("span").addEventListener("change", () => refresh());

// Before anything has come in ----------------------------------------------------------------------------------------

$("start-browser").textContent = `rudderanalytics.load("KEY", "${location.origin}", { configUrl: "${location.origin}" });
rudderanalytics.identify("ann-1", { email: "ann@example.com" });`;
$("start-curl").textContent = `curl ${location.origin}/v1/identify -u KEY: -H 'Content-Type: application/json' \\
  -d '{"userId": "ann-1", "traits": {"email": "ann@example.com"}}'`;
