"use strict";
// Sends pictures or texts to the network behind this page, and shows its answers.

const about = JSON.parse(document.getElementById("about").textContent);
const element = (id) => document.getElementById(id);
const MOST_SHOWN = 60; // answers that stay on the page

function refuse(line) {
  element("refused").textContent = line || "";
  element("refused").hidden = !line;
}

async function ask(body, type, signal) {
  let answer;
  try {
    answer = await fetch("/api/predict", { method: "POST", body, headers: { "content-type": type }, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("the server does not answer; was it ended?");
  }
  if (!answer.ok) {
    const refusal = await answer.json().catch(() => ({}));
    throw new Error(refusal.error || `the server answers ${answer.status}`);
  }
  return answer;
}

function bars(prediction) {
  const list = document.createElement("div");
  list.className = "bars";
  prediction.classes.forEach((one, place) => {
    const name = document.createElement("span"), track = document.createElement("div"), bar = document.createElement("div");
    const number = document.createElement("span");
    name.textContent = one.name;
    track.className = "track";
    bar.className = "bar";
    bar.style.width = `${100 * one.probability}%`;
    track.append(bar);
    number.className = "number";
    number.textContent = `${(100 * one.probability).toFixed(1)} %`;
    if (place === 0) for (const cell of [name, number]) cell.classList.add("first");
    list.append(name, track, number);
  });
  return list;
}

// Pictures: dropped, chosen, pasted, or drawn.
if (about.kind === "pictures") {
  const drop = element("drop"), files = element("files");

  async function negative(file) {
    const bitmap = await createImageBitmap(file);
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height), pen = canvas.getContext("2d");
    pen.fillStyle = "#fff"; // behind what is transparent, as the network has it
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(bitmap, 0, 0);
    pen.globalCompositeOperation = "difference";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    return canvas.convertToBlob({ type: "image/png" });
  }

  function card(blob, name) {
    const place = document.createElement("div"), figure = document.createElement("figure");
    const image = document.createElement("img"), caption = document.createElement("figcaption");
    place.className = "answer";
    figure.className = "picture";
    image.src = URL.createObjectURL(blob);
    image.alt = caption.textContent = name;
    image.addEventListener("load", () => figure.classList.toggle("pixels", image.naturalWidth < 100));
    figure.append(image, caption);
    place.append(figure);
    return place;
  }

  function remove(place) {
    URL.revokeObjectURL(place.querySelector("img").src);
    place.remove();
  }

  // Shows a picture, in the place of another one if that is still there.
  function show(blob, name, old) {
    const place = card(blob, name);
    if (old?.isConnected) { old.before(place); remove(old); } else element("answers").prepend(place);
    while (element("answers").children.length > MOST_SHOWN) remove(element("answers").lastElementChild);
    return place;
  }

  async function classify(blob, place) {
    try {
      const { predictions } = await (await ask(blob, "application/octet-stream")).json();
      place.append(bars(predictions[0]));
    } catch (error) {
      const line = document.createElement("p");
      line.className = "refused";
      line.textContent = error.message;
      place.append(line);
    }
  }

  async function take(list) {
    refuse("");
    const pictures = [...list].filter((file) => file.type.startsWith("image/") || file.type === "");
    if (!pictures.length) refuse("no picture among these");
    for (const file of pictures) {
      try {
        const blob = element("invert")?.checked ? await negative(file) : file;
        classify(blob, show(blob, file.name || "pasted"));
      } catch {
        refuse(`${file.name}: this browser cannot read it, and so cannot take its negative`);
      }
    }
  }

  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop") take(event.dataTransfer.files);
    });
  }
  files.addEventListener("change", () => { take(files.files); files.value = ""; });
  document.addEventListener("paste", (event) => { if (event.clipboardData.files.length) take(event.clipboardData.files); });

  const canvas = element("canvas");
  if (canvas) {
    const pen = canvas.getContext("2d");
    let drawing = false, drawn = null, waiting = null;
    const empty = () => { pen.fillStyle = "#000"; pen.fillRect(0, 0, canvas.width, canvas.height); };
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [(event.clientX - box.left) * canvas.width / box.width, (event.clientY - box.top) * canvas.height / box.height];
    };
    empty();
    Object.assign(pen, { strokeStyle: "#fff", lineWidth: 15, lineCap: "round", lineJoin: "round" });
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      drawing = true;
      pen.beginPath();
      pen.moveTo(...at(event));
      pen.lineTo(...at(event));
      pen.stroke();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!drawing) return;
      pen.lineTo(...at(event));
      pen.stroke();
    });
    canvas.addEventListener("pointerup", () => {
      drawing = false;
      clearTimeout(waiting);
      waiting = setTimeout(() => canvas.toBlob((blob) => {
        drawn = show(blob, "drawn", drawn);
        classify(blob, drawn);
      }), 150);
    });
    element("clear").addEventListener("click", () => { clearTimeout(waiting); empty(); drawn = null; });
  }
}

// Documents: classes of what is typed.
if (about.kind === "documents") {
  const text = element("text");
  let waiting = null, asked = 0;
  async function classify() {
    const number = ++asked, typed = text.value;
    if (!typed.trim()) { element("answers").replaceChildren(); return; }
    try {
      const { predictions } = await (await ask(JSON.stringify({ texts: [typed] }), "application/json")).json();
      if (number !== asked) return; // another has been asked since
      const place = document.createElement("div");
      place.className = "answer";
      place.append(bars(predictions[0]));
      element("answers").replaceChildren(place);
      refuse("");
    } catch (error) {
      refuse(error.message);
    }
  }
  text.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(classify, 250); });
  if (text.value) classify();
}

// Texts that the network writes, letter by letter.
if (about.kind === "symbols") {
  const range = element("temperature"), shown = document.querySelector("output[for=temperature]");
  const rounded = () => Number(range.value).toFixed(2);
  const show = () => { shown.textContent = Number(rounded()) === Number(range.value) ? rounded() : range.value; };
  range.addEventListener("input", () => { range.value = rounded(); show(); });
  show();
  let ending = null;
  async function write() {
    const written = element("written"), prime = element("prime").value;
    const begun = document.createElement("span"), rest = document.createElement("span");
    begun.className = "prime";
    begun.textContent = prime;
    rest.className = "writing";
    refuse("");
    ending = new AbortController();
    element("write").disabled = true;
    element("stop").disabled = false;
    written.replaceChildren(begun, rest);
    try {
      const wish = { prime, length: Number(element("length").value), seed: Number(element("seed").value), temperature: Number(range.value), stream: true };
      const answer = await ask(JSON.stringify(wish), "application/json", ending.signal);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) rest.append(part.value);
    } catch (error) {
      if (error.name !== "AbortError") refuse(error.message);
    } finally {
      rest.className = "";
      element("write").disabled = false;
      element("stop").disabled = true;
    }
  }
  element("write").addEventListener("click", write);
  element("stop").addEventListener("click", () => ending.abort());
  element("prime").addEventListener("keydown", (event) => { if (event.key === "Enter" && event.ctrlKey && !element("write").disabled) write(); });
}
