/* The playground: what is written goes to one model or two, each with a conversation of its own. */
"use strict";

(() => {
  const { Answer, make, page, read, say } = window.gatewayPlayground;
  const field = (name) => document.getElementById(`play-${name}`);
  const form = document.getElementById("playground");
  const sides = [0, 1].map((number) => ({ box: field(`side-${number}`), model: "", messages: [] }));
  const RENEW_BEFORE = 60000; // milliseconds
  let token = null; // {text, until}: in memory alone
  let stopping = null;

  async function freshToken() {
    if (token && performance.now() < token.until) return token.text;
    const csrf = form.querySelector("[name=csrfmiddlewaretoken]").value;
    const answer = await fetch(page.token, { method: "POST", headers: { "X-CSRFToken": csrf }, redirect: "manual" });
    if (answer.type === "opaqueredirect") throw new Error(say("signed_out"));
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(told.error ?? `${answer.status}`);
    token = { text: told.token, until: performance.now() + told.seconds * 1000 - RENEW_BEFORE };
    return token.text;
  }

  /** The fields of the request that are the same for both models; null where they are wrong. */
  function parameters() {
    const said = {};
    const temperature = field("temperature").value;
    if (temperature !== "") said.temperature = Number(temperature);
    const most = field("max").value;
    if (most !== "") said.max_tokens = Number(most);
    if (field("stop").value) said.stop = field("stop").value;
    const extras = field("extras").value.trim();
    if (!extras) return said;
    try {
      const more = JSON.parse(extras);
      if (more === null || typeof more !== "object" || Array.isArray(more)) throw new Error(typeof more);
      return { ...said, ...more };
    } catch (error) {
      complain(say("bad_extras", { error: error.message }));
      return null;
    }
  }

  function complain(text) {
    field("problem").textContent = text;
    field("problem").hidden = !text;
  }

  async function post(body, signal) {
    const send = async () =>
      fetch(page.chat, {
        method: "POST",
        headers: { Authorization: `Bearer ${await freshToken()}`, "Content-Type": "application/json" },
        body: JSON.stringify(body),
        signal,
      });
    const answer = await send();
    if (answer.status !== 401) return answer;
    token = null; // too old, or its key was made anew
    return send();
  }

  async function ask(side, text, said, signal) {
    const system = field("system").value.trim();
    side.messages.push({ role: "user", content: text });
    const messages = system ? [{ role: "system", content: system }, ...side.messages] : [...side.messages];
    const body = { model: side.model, messages, stream: true, stream_options: { include_usage: true }, ...said };
    make(side.box, "p", "play-user", text).dataset.who = say("you");
    const answer = new Answer(side.box, side.model, body);
    answer.box.scrollIntoView({ block: "nearest" });
    await listen(answer, body, signal);
    const calls = answer.calls.map((call) => `${call.name}(${call.arguments})`).join("\n");
    if (answer.text || calls) side.messages.push({ role: "assistant", content: answer.text || calls });
    else side.messages.pop();
    if (answer.number) follow(answer);
  }

  async function listen(answer, body, signal) {
    try {
      const response = await post(body, signal);
      answer.begun(response.headers);
      if (!response.ok) return failed(answer, response);
      if (!(response.headers.get("content-type") ?? "").startsWith("text/event-stream")) return whole(answer, response);
      const over = await read(response, (chunk) => answer.heard(chunk));
      if (over.outcome === "complete") return answer.over("complete", "good");
      return answer.over("cut", "bad", {}, over.error?.message ?? say(over.problem));
    } catch (error) {
      if (signal.aborted) return answer.over("stopped", "warn");
      const key = token ? "unreachable" : "no_token";
      return answer.over(answer.first === null ? "failed" : "cut", "bad", { status: "–" },
        say(key, { error: error.message }));
    }
  }

  async function failed(answer, response) {
    const error = (await response.json().catch(() => ({}))).error ?? {};
    answer.over("failed", "bad", { status: response.status }, error.message ?? response.statusText);
    answer.showTries(error.attempts ?? []);
  }

  /** An answer that was not streamed, because the extra fields say so. */
  async function whole(answer, response) {
    const body = await response.json();
    const choice = body.choices?.[0] ?? {};
    answer.heard({ usage: body.usage, choices: [{ delta: choice.message ?? {}, finish_reason: choice.finish_reason }] });
    answer.over("complete", "good");
  }

  /** Its record is there when the gateway has drained it: soon, and not at once. */
  async function follow(answer) {
    for (let tries = 0; tries < 20; tries += 1) {
      const told = await fetch(page.record.replace("ID", encodeURIComponent(answer.number))).catch(() => null);
      if (!told || (told.status !== 200 && told.status !== 202)) break;
      if (told.status === 200) return answer.recorded(await told.json());
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
    return answer.unrecorded();
  }

  async function send() {
    complain("");
    const models = [field("model").value.trim(), field("second").value.trim()];
    const text = field("message").value;
    const said = parameters();
    if (said === null) return;
    if (!models[0]) return complain(say("no_model"));
    if (!text.trim()) return complain(say("no_text"));
    const asked = sides.filter((side, number) => models[number]);
    sides.forEach((side, number) => {
      side.model = models[number];
      side.box.hidden = !models[number];
    });
    stopping = new AbortController();
    busy(true);
    field("message").value = "";
    await freshToken().catch(() => null); // once for both; what is wrong is told by each answer
    await Promise.allSettled(asked.map((side) => ask(side, text, said, stopping.signal)));
    busy(false);
  }

  function busy(now) {
    field("send").disabled = now;
    field("clear").disabled = now;
    field("stop-now").disabled = !now;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!field("send").disabled) send();
  });
  field("message").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  field("stop-now").addEventListener("click", () => stopping?.abort());
  field("clear").addEventListener("click", () => {
    for (const side of sides) {
      side.messages = [];
      side.box.textContent = "";
    }
    complain("");
  });
})();
