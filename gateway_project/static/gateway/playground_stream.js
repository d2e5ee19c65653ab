/* Server-sent events of one answer, as they arrive: cut anywhere, with any line ends, with comments between them. */
"use strict";
window.gatewayPlayground = {};

(() => {
  /** Feed it text in pieces; it calls `told` with the data of each whole event. */
  class Events {
    constructor(told) {
      this.told = told;
      this.rest = "";
      this.data = [];
    }

    feed(text) {
      this.rest += text;
      for (;;) {
        const end = this.rest.search(/[\r\n]/);
        // A carriage return at the very end may be half of a line end.
        if (end < 0 || (this.rest[end] === "\r" && end === this.rest.length - 1)) return;
        const long = this.rest.startsWith("\r\n", end) ? 2 : 1;
        const line = this.rest.slice(0, end);
        this.rest = this.rest.slice(end + long);
        this.line(line);
      }
    }

    line(line) {
      if (line === "") {
        if (this.data.length) this.told(this.data.join("\n"));
        this.data = [];
      } else if (line.startsWith("data:")) {
        this.data.push(line.slice(line[5] === " " ? 6 : 5));
      }
    }

    end() {
      if (this.rest) this.line(this.rest.replace(/\r$/, ""));
      this.rest = "";
      this.line("");
    }
  }

  /**
   * Read a response's stream to its end. `heard` gets each chunk; the outcome is "complete", "cut" or "error":
   * {outcome, problem, error}. Only a stream with its last event is complete. Rejects as fetch does (also AbortError).
   */
  async function read(response, heard) {
    const over = { outcome: "", problem: "", error: null };
    const events = new Events((data) => {
      if (over.outcome) return;
      if (data === "[DONE]") {
        over.outcome = "complete";
        return;
      }
      let chunk;
      try {
        chunk = JSON.parse(data);
      } catch {
        over.outcome = "cut";
        over.problem = "not_json";
        return;
      }
      if (chunk && chunk.error) {
        over.outcome = "error";
        over.error = chunk.error;
        return;
      }
      heard(chunk);
    });
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      events.feed(decoder.decode(value, { stream: true }));
    }
    events.feed(decoder.decode());
    events.end();
    if (!over.outcome) {
      over.outcome = "cut";
      over.problem = "no_end";
    }
    return over;
  }

  Object.assign(window.gatewayPlayground, { Events, read });
})();
