/* <arborank-complete model="queries"> around an <input>: completions of a service while one types.

   Attributes: model (its name), service (address; by default that of this script), k, session (queries before, as JSON),
   remember (a name under which this browser keeps the last 500 queries; forget(query) and clear() remove them).
   Events: arborank-send, with the query as detail, when Enter is pressed or a completion is chosen. The query joins the
   session of the element, which changes what is completed next. */
"use strict";
(() => {
  const home = new URL(".", document.currentScript.src).href;
  let elements = 0;

  class Complete extends HTMLElement {
    connectedCallback() {  // which may come before the input is parsed
      if (document.readyState !== "loading") this.begin();
      else document.addEventListener("DOMContentLoaded", () => this.begin(), { once: true });
    }

    begin() {
      if (this.input) return;  // the element was only moved
      this.input = this.querySelector("input");
      this.session = JSON.parse(this.getAttribute("session") || "[]");
      this.list = document.createElement("ul");
      this.list.id = `arborank-list-${++elements}`;
      this.list.hidden = true;
      for (const [name, value] of Object.entries({ role: "listbox", "aria-label": "Completions" }))
        this.list.setAttribute(name, value);
      const combobox = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id };
      for (const [name, value] of Object.entries(combobox)) this.input.setAttribute(name, value);
      this.input.autocomplete = "off";
      this.append(this.list);
      this.chosen = -1;
      this.input.addEventListener("input", () => this.later());
      this.input.addEventListener("focus", () => this.later());
      this.input.addEventListener("blur", () => this.show([]));
      this.input.addEventListener("keydown", (event) => this.key(event));
    }

    later() { clearTimeout(this.timer); this.timer = setTimeout(() => this.ask(), 30); }

    async ask() {
      this.running?.abort();
      this.running = new AbortController();
      const service = new URL(this.getAttribute("service") || home, location.href);
      const address = new URL(`v1/models/${encodeURIComponent(this.getAttribute("model"))}/complete`, service);
      const query = { prefix: this.input.value, previous: this.session.slice(-10), k: Number(this.getAttribute("k") || 8),
        tolerant: true, history: this.history(), now: Date.now() / 1000 };
      const request = { method: "POST", body: JSON.stringify(query), headers: { "content-type": "application/json" } };
      try {
        const answer = await fetch(address, { ...request, signal: this.running.signal });
        this.show(answer.ok ? (await answer.json()).completions : []);
      } catch (error) { if (error.name !== "AbortError") this.show([]); }
    }

    history() {
      const name = this.getAttribute("remember");
      try { return name ? JSON.parse(localStorage.getItem(`arborank-${name}`) || "[]") : []; } catch { return []; }
    }

    remember(history) {
      const name = this.getAttribute("remember");
      try { if (name) localStorage.setItem(`arborank-${name}`, JSON.stringify(history.slice(-500))); } catch { /* none is kept */ }
    }

    forget(query) { this.remember(this.history().filter(([one]) => one.toLowerCase() !== query.trim().toLowerCase())); }

    clear() { this.remember([]); }

    show(completions) {
      if (!completions.length) { clearTimeout(this.timer); this.running?.abort(); }
      this.list.replaceChildren(...completions.map(({ query }, place) => {
        const option = document.createElement("li");
        option.id = `${this.list.id}-${place}`;
        option.textContent = query;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.addEventListener("mousedown", (event) => { event.preventDefault(); this.send(query); });
        return option;
      }));
      this.list.hidden = !completions.length;
      this.input.setAttribute("aria-expanded", String(completions.length > 0));
      this.choose(-1);
    }

    choose(place) {
      const options = this.list.children;
      options[this.chosen]?.setAttribute("aria-selected", "false");
      this.chosen = options.length && place >= 0 ? place % options.length : -1;
      options[this.chosen]?.setAttribute("aria-selected", "true");
      if (this.chosen < 0) this.input.removeAttribute("aria-activedescendant");
      else this.input.setAttribute("aria-activedescendant", options[this.chosen].id);
    }

    key(event) {
      const count = this.list.children.length;
      if (event.key === "ArrowDown") this.choose(this.chosen + 1);
      else if (event.key === "ArrowUp") this.choose(this.chosen <= 0 ? count - 1 : this.chosen - 1);
      else if (event.key === "Escape") this.show([]);
      else if (event.key === "Enter")
        this.send(this.chosen >= 0 ? this.list.children[this.chosen].textContent : this.input.value);
      else return;
      event.preventDefault();
    }

    send(query) {
      this.input.value = query;
      this.show([]);
      if (!query.trim()) return;
      this.session.push(query.trim());
      this.remember([...this.history(), [query.trim(), Date.now() / 1000]]);
      this.dispatchEvent(new CustomEvent("arborank-send", { detail: query.trim(), bubbles: true }));
    }
  }
  customElements.define("arborank-complete", Complete);
})();
