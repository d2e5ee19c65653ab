/* One answer as it is shown: its text, what was told of its way, its curl line. Everything is text, nothing is HTML. */
"use strict";

(() => {
  const page = JSON.parse(document.getElementById("playground-page").textContent);

  const say = (key, values = {}) =>
    page.words[key].replace(/%\((\w+)\)s/g, (_, name) => String(values[name] ?? ""));

  function make(parent, tag, className, text = "") {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.textContent = text;
    parent.append(made);
    return made;
  }

  const seconds = (ms) => (ms / 1000).toFixed(ms < 10000 ? 2 : 1);
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

  function curlLine(body) {
    return [
      `curl -N ${quoted(page.public)}`,
      '  -H "Authorization: Bearer $GATEWAY_API_KEY"',
      '  -H "Content-Type: application/json"',
      `  -d ${quoted(JSON.stringify(body))}`,
    ].join(" \\\n");
  }

  class Answer {
    constructor(parent, model, body) {
      this.text = "";
      this.reasoning = "";
      this.calls = [];
      this.finish = "";
      this.usage = null;
      this.started = performance.now();
      this.first = null;
      this.box = make(parent, "article", "gw-card play-answer");
      this.box.setAttribute("aria-busy", "true");
      make(this.box, "h2", "", model);
      this.thought = make(this.box, "div", "play-reasoning");
      this.thought.hidden = true;
      this.said = make(this.box, "div", "play-text");
      this.tools = make(this.box, "div", "gw-stack");
      this.status = make(this.box, "p", "play-status");
      this.state = make(this.status, "span", "gw-chip info", say("waiting"));
      this.trouble = make(this.box, "p", "play-problem");
      this.trouble.hidden = true;
      this.facts = make(this.box, "p", "gw-row play-facts");
      this.chips = {};
      this.tries = make(this.box, "div", "");
      this.addCurl(body);
    }

    addCurl(body) {
      const details = make(this.box, "details", "play-curl");
      make(details, "summary", "", say("curl"));
      const line = make(details, "pre", "gw-code", curlLine(body));
      line.tabIndex = 0;
      const copy = make(details, "button", "gw-button plain", say("copy"));
      copy.type = "button";
      copy.addEventListener("click", async () => {
        await navigator.clipboard.writeText(line.textContent);
        copy.textContent = say("copied");
      });
    }

    /** A fact in a chip of its own; told again, it replaces what was said. */
    fact(name, text, look = "") {
      this.chips[name] ??= make(this.facts, "span", "");
      this.chips[name].className = `gw-chip ${look}`;
      this.chips[name].dataset.fact = name;
      this.chips[name].textContent = text;
    }

    begun(headers) {
      const told = (name) => headers.get(`x-gateway-${name}`) ?? "";
      this.number = headers.get("x-request-id") ?? "";
      if (told("endpoint") && told("endpoint") !== "none") {
        this.fact("endpoint", `${told("provider")} · ${decodeURIComponent(told("endpoint"))}`, "info");
      }
      if (told("category")) this.fact("category", say("category", { name: decodeURIComponent(told("category")) }));
      if (told("attempts")) {
        this.fact("attempts", say("attempts", { count: told("attempts") }), Number(told("attempts")) > 1 ? "warn" : "");
      }
      const dropped = told("dropped-params");
      if (dropped) this.fact("dropped", say("dropped", { names: decodeURIComponent(dropped) }), "warn");
    }

    heard(chunk) {
      if (chunk.usage) this.usage = chunk.usage;
      for (const choice of chunk.choices ?? []) {
        if (choice.index) continue;
        if (choice.finish_reason) this.finish = choice.finish_reason;
        this.delta(choice.delta ?? {});
      }
    }

    delta(delta) {
      const thought = delta.reasoning_content ?? delta.reasoning;
      const reasoning = typeof thought === "string" ? thought : "";
      const text = (delta.content ?? "") + (delta.refusal ?? "");
      if (!reasoning && !text && !delta.tool_calls) return;
      if (this.first === null) {
        this.first = performance.now() - this.started;
        this.state.textContent = say("streaming");
        this.fact("first", say("first", { seconds: seconds(this.first) }));
      }
      if (reasoning) {
        this.reasoning += reasoning;
        this.thought.hidden = false;
        this.thought.textContent = this.reasoning;
      }
      this.text += text;
      if (text) this.said.append(text);
      for (const call of delta.tool_calls ?? []) this.call(call);
    }

    call(said) {
      const known = (this.calls[said.index ?? 0] ??= { name: "", arguments: "", box: null });
      known.name += said.function?.name ?? "";
      known.arguments += said.function?.arguments ?? "";
      if (!known.box) {
        known.box = make(this.tools, "div", "play-tool");
        known.title = make(known.box, "strong", "");
        known.code = make(known.box, "pre", "gw-code");
      }
      known.title.textContent = say("tool_call", { name: known.name });
      known.code.textContent = known.arguments;
    }

    /** `key` of the words, `look` of the chip; `trouble`: what went wrong, in the gateway's own words. */
    over(key, look, values = {}, trouble = "") {
      this.box.setAttribute("aria-busy", "false");
      this.box.dataset.outcome = key;
      this.state.className = `gw-chip ${look}`;
      this.state.textContent = say(key, values);
      this.trouble.textContent = trouble;
      this.trouble.hidden = !trouble;
      this.fact("total", say("total", { seconds: seconds(performance.now() - this.started) }));
      if (this.finish) this.fact("finish", say("finish", { reason: this.finish }));
      if (this.usage) this.tokens(this.usage.prompt_tokens, this.usage.completion_tokens, false);
      if (this.number) this.fact("cost", say("cost_waiting"));
    }

    tokens(input, output, estimated) {
      const text = say("tokens", { input: input ?? "?", output: output ?? "?" });
      this.fact("tokens", estimated ? `${text} (${say("estimated")})` : text);
    }

    /** What an error or a record says was tried, and what was left out, with reasons. */
    showTries(attempts, skipped = []) {
      this.tries.textContent = "";
      if (!attempts.length && !skipped.length) return;
      const details = make(this.tries, "details", "");
      make(details, "summary", "", say("tries"));
      const list = make(details, "ol", "play-tries");
      for (const tried of attempts) {
        const status = tried.status ? ` ${tried.status}` : "";
        const ms = tried.end_ms == null ? "" : ` · ${seconds(tried.end_ms - tried.started_ms)} s`;
        const error = tried.error ? `: ${tried.error}` : "";
        make(list, "li", "", `${tried.endpoint} · ${tried.outcome}${status}${ms}${error}`);
      }
      for (const skip of skipped) {
        const why = say("skipped", { reason: skip.reason ?? skip.code ?? "" });
        make(list, "li", "play-skip", `${skip.endpoint} · ${why}`);
      }
      details.open = attempts.length > 1 || this.box.dataset.outcome !== "complete";
    }

    recorded(row) {
      if (row.cost === null) this.fact("cost", say("cost_unknown"), "warn");
      else this.fact("cost", say("cost", { cost: `${row.cost} ${row.currency}` }));
      if (row.prompt_tokens !== null || row.completion_tokens !== null) {
        this.tokens(row.prompt_tokens, row.completion_tokens, row.usage_source === "estimated");
      }
      if (row.endpoint) this.fact("endpoint", `${row.provider} · ${row.endpoint}`, "info");
      this.showTries(row.attempts, row.skipped);
      if (row.link && !this.link) {
        this.link = make(this.facts, "a", "play-link", say("request"));
        this.link.href = row.link;
      }
    }

    unrecorded() {
      this.chips.cost?.remove();
      delete this.chips.cost;
    }
  }

  Object.assign(window.gatewayPlayground, { Answer, make, page, say });
})();
