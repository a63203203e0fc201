"use strict";
// Charts by Plotly in the page's colours, drawn one after the other and again whenever the colours change.

const Charts = (() => {
  const drawn = new Map(); // element -> function that returns {data, layout}
  const COLOURS = {
    light: ["#0b62c4", "#d1580b", "#1a8a5a", "#b3327d", "#7a5cd6", "#a37800", "#0f8aa8", "#c0392b", "#5b6770", "#6b8e23"],
    dark: ["#6cb0ff", "#ff9f5a", "#5fd39b", "#f08ac4", "#b4a0ff", "#e3bb4a", "#5fd0e8", "#ff8a80", "#aab4be", "#b5d56a"],
  };
  const isDark = () => getComputedStyle(document.documentElement).colorScheme.includes("dark");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  // Plotly takes some tags and %{...} in texts for its own: a text from outside goes through this
  const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("%{", "%\u200b{");

  // The colour of the n-th of many: distinct ones for a few, a scale from dark to bright for an order
  function ofMany(place, count, ordered) {
    if (!ordered && count <= 10) return COLOURS[isDark() ? "dark" : "light"][place];
    const part = count > 1 ? place / (count - 1) : 0;
    const [from, to] = isDark() ? [45, 85] : [30, 62];
    return `hsl(${Math.round(265 - 230 * part)} ${isDark() ? 75 : 70}% ${Math.round(from + (to - from) * (isDark() ? 0.6 : part * 0.6))}%)`;
  }

  // The part of an axis that shows one value alone, with that as its only label: Plotly would take -1 to 1 around a small one
  function around(value, type) {
    const margin = Math.abs(value) * 0.1 || 1;
    const range = type === "log" ? [-0.5, 0.5].map((part) => Math.log10(value) + part) : [value - margin, value + margin];
    return { range, tickvals: [value], tickformat: ".4~g" };
  }

  // An axis; one of a logarithmic scale is labelled by decades if its values span some, else within the decade
  function axis(more = {}, values = []) {
    const positive = values.filter((value) => value > 0);
    const decades = positive.length ? Math.log10(positive.reduce((a, b) => Math.max(a, b)) / positive.reduce((a, b) => Math.min(a, b))) : 1;
    const log = more.type === "log" ? { tickformat: "~g", dtick: decades > 1.5 ? Math.ceil(decades / 6) : decades > 0.3 ? "D2" : undefined } : {};
    const small = values.length && values.every((value) => Math.abs(value) < 0.1) ? { exponentformat: "e" } : {}; // for Plotly 0.0006 is 600µ
    const alone = values.length && values.every((value) => Number.isFinite(value) && value === values[0]) && (more.type !== "log" || values[0] > 0);
    return { ...log, ...small, ...(alone ? around(values[0], more.type) : {}), gridcolor: colour("line"), linecolor: colour("line"), zerolinecolor: colour("line"), automargin: true, ...more,
      title: more.title ? { text: plain(more.title), standoff: 8, font: { size: 12 } } : undefined };
  }

  function layout(more = {}) {
    return { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, height: 300,
      margin: { l: 48, r: 12, t: 34, b: 40 }, font: { color: colour("text"), family: getComputedStyle(document.body).fontFamily, size: 12 },
      hoverlabel: { bgcolor: colour("raised"), bordercolor: colour("line"), font: { color: colour("text") }, align: "left", namelength: -1 },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("soft"), activecolor: colour("accent") }, hovermode: "closest", ...more,
      title: more.title ? { text: plain(more.title), x: 0, xref: "paper", xanchor: "left", font: { size: 14 } } : undefined };
  }

  const unpacked = (async () => {
    const packed = document.getElementById("plotly");
    const bytes = Uint8Array.from(atob(packed.textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
    packed.remove();
  })();

  async function draw(element, make) {
    drawn.set(element, make);
    await redraw(element);
  }

  async function redraw(element) {
    await unpacked;
    const { data, layout } = drawn.get(element)();
    await Plotly.react(element, data, layout, { displaylogo: false, displayModeBar: "hover", responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] });
    element.dataset.drawn = "yes";
  }

  document.addEventListener("themechange", async () => { for (const element of drawn.keys()) await redraw(element); });
  return { draw, redraw, plain, axis, layout, colour, ofMany, isDark };
})();
