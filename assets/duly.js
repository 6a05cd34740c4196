// Keeps a page fresh and gives it keys. Every page works without this file.
//
// Fresh: the desk says that something changed (server-sent events), the page is fetched again, and its parts marked
// data-live are put in the place of the old ones. The browser parses the answer as a document (XMLHttpRequest), so no
// text becomes markup here and no Trusted Types policy is needed. A part in which something was typed is left alone;
// focus, opened details and the place of scrolling stay.
'use strict';
(() => {
  const main = document.getElementById('main');
  const words = document.getElementById('live');
  const find = selector => document.querySelector(selector);

  // ---- fresh ----
  const isTyped = part => [...part.querySelectorAll('textarea, input, select')].some(field =>
    field.type === 'checkbox' || field.type === 'radio' ? field.checked !== field.defaultChecked
      : field.tagName === 'SELECT' ? [...field.options].some(option => option.selected !== option.defaultSelected) && field.matches(':focus')
        : field.value !== field.defaultValue);

  // A way to find the focused element again in the new part.
  const way = element => {
    if (element.id) return '#' + CSS.escape(element.id);
    const holder = element.closest('[id]');
    const under = holder ? '#' + CSS.escape(holder.id) + ' ' : '';
    const href = element.getAttribute('href'), name = element.getAttribute('name');
    if (href) return `${under}a[href="${CSS.escape(href)}"]`;
    return under + element.localName + (name ? `[name="${CSS.escape(name)}"]` : '');
  };

  const put = (old, fresh) => {
    if (old.isEqualNode(fresh) || isTyped(old)) return;
    const focused = old.contains(document.activeElement) ? way(document.activeElement) : null;
    for (const open of old.querySelectorAll('details[id]')) {
      const again = fresh.querySelector('#' + CSS.escape(open.id));
      if (again) again.open = open.open;
    }
    old.replaceWith(document.adoptNode(fresh));
    const again = focused && find(focused);
    if (again) again.focus({ preventScroll: true });
  };

  let busy = false, stale = false;
  const refresh = () => {
    if (isOver) return;
    if (document.hidden || busy) { stale = true; return; }
    busy = true; stale = false;
    const ask = new XMLHttpRequest();
    ask.open('GET', main.dataset.page);
    ask.responseType = 'document';
    ask.timeout = 15000;
    ask.onloadend = () => {
      busy = false;
      if (ask.status === 401) { ended(); return; }
      const page = ask.status === 200 && ask.response;
      if (page) for (const fresh of page.querySelectorAll('[data-live]')) {
        const old = document.getElementById(fresh.id);
        if (old) put(old, fresh);
      }
      if (stale) refresh();
    };
    ask.send();
  };

  const say = text => { if (words.textContent !== text) words.textContent = text; };
  // The session is over: what stands here stays, with every word that was typed, and is no longer asked for.
  let isOver = false;
  const ended = () => {
    isOver = true;
    if (news) news.close();
    say('You are signed out: what stands here is old, and nothing can be sent. Copy what you have typed, then reload to sign in.');
  };
  let news = null;
  // A hidden page gives its connection back: a browser has only six for one host.
  const listen = () => {
    if (document.hidden) { if (news) news.close(); news = null; return; }
    if (news || isOver) return;
    news = new EventSource('/live');
    news.onopen = () => { say('This page keeps itself fresh. Times are said in the desk’s zone.'); if (stale) refresh(); };
    news.onerror = () => { stale = true; if (news.readyState === 2) refresh(); say('Not connected to the desk: what stands here may be old. It is tried again by itself.'); };
    news.addEventListener('changed', refresh);
  };
  if (main.dataset.page) {
    document.addEventListener('visibilitychange', () => { listen(); if (!document.hidden) refresh(); });
    addEventListener('pagehide', () => { if (news) news.close(); news = null; });
    addEventListener('pageshow', event => { if (event.persisted) { listen(); refresh(); } });
    setInterval(refresh, 60000); // "in 3 h 10 min" is true for a minute
    listen();
  }

  // ---- drafts ----
  // What is typed is kept by the desk from the first pause on. Sending first keeps: a desk that does not answer then costs no word.
  const reply = find('form[data-draft]');
  if (reply) {
    const said = document.getElementById('kept'), fields = reply.elements;
    let isKept = true, isBusy = false, mayGo = false, timer = 0;
    const body = () => {
      const data = new FormData(reply);
      for (const [name, value] of [...data]) if (typeof value !== 'string') data.delete(name);
      data.set('by', 'script');
      return new URLSearchParams(data);
    };
    const later = after => { clearTimeout(timer); timer = setTimeout(keep, after); };
    const keep = then => {
      if (isOver) return;
      if (isBusy) { if (then) setTimeout(() => keep(then), 200); else later(400); return; }
      isBusy = isKept = true;
      const ask = new XMLHttpRequest();
      ask.open('POST', reply.dataset.draft);
      ask.timeout = 10000;
      ask.onloadend = () => {
        isBusy = false;
        if (ask.status === 200) { fields.draft.value = ask.responseText; said.textContent = ask.responseText ? 'Draft, kept by the desk.' : ''; }
        else if (ask.status === 401) { isKept = false; ended(); said.textContent = 'Not kept: you are signed out. Your words are in this window.'; }
        else {
          isKept = false;
          said.textContent = ask.status && ask.status < 500 ? 'Not kept by the desk: close other windows of this case. Your words are in this window.'
            : 'Not kept: the desk does not answer. Your words are in this window, and it is tried again by itself.';
          if (!ask.status || ask.status >= 500) later(5000);
        }
        if (then) then(ask.status);
      };
      ask.send(body());
    };
    reply.addEventListener('input', () => { isKept = false; later(800); });
    reply.addEventListener('submit', event => {
      clearTimeout(timer);
      if (mayGo || isOver) return; // who is signed out gets the words back on the desk's page
      const button = event.submitter;
      event.preventDefault();
      keep(status => {
        if (!status) { said.textContent = 'Nothing was sent: the desk does not answer. Your words are in this window; send them again in a moment.'; return; }
        mayGo = isKept = true;
        reply.requestSubmit(button);
      });
    });
    if (fields.files) fields.files.addEventListener('change', () => { if (fields.files.value) document.getElementById('attach').click(); });
    addEventListener('pagehide', () => { if (!isKept) navigator.sendBeacon(reply.dataset.draft, body()); });
    addEventListener('pageshow', () => { mayGo = false; });
  }

  // ---- keys ----
  const dialog = document.getElementById('keys');
  const off = document.getElementById('keys-off');
  const remembered = { read: () => { try { return localStorage.getItem('duly-keys') === 'off'; } catch { return false; } },
    write: isOff => { try { localStorage.setItem('duly-keys', isOff ? 'off' : 'on'); } catch { /* not kept, then */ } } };
  off.checked = remembered.read();
  off.addEventListener('change', () => remembered.write(off.checked));
  const button = document.getElementById('keys-open');
  button.hidden = false;
  button.addEventListener('click', () => dialog.showModal());

  const step = by => {
    const rows = [...document.querySelectorAll('[data-row]')];
    if (!rows.length) return;
    const at = rows.findIndex(row => row === document.activeElement);
    const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1)];
    next.focus();
    next.scrollIntoView({ block: 'nearest' });
  };
  const unfold = (id, field) => {
    const part = document.getElementById(id);
    if (!part) return;
    part.open = true;
    const input = part.querySelector(field || 'textarea, input:not([type=hidden]), select');
    if (input) input.focus();
  };
  const focus = selector => { const part = find(selector); if (part) { part.focus(); part.scrollIntoView({ block: 'center' }); } };
  const keys = {
    j: () => step(1), k: () => step(-1),
    o: () => { if (document.activeElement.matches('[data-row]')) document.activeElement.click(); },
    u: () => { location.href = '/'; },
    n: () => { const next = find('#next button'); if (next) next.click(); },
    r: () => focus('#text'),
    i: () => unfold('act-note'), w: () => unfold('act-wait'), m: () => unfold('act-merge'), e: () => unfold('act-close'),
    t: () => { const data = find('details.data'); if (data) { data.open = !data.open; data.firstElementChild.focus(); } },
    '?': () => dialog.showModal(),
    '/': () => { if (find('#q')) focus('#q'); else location.href = '/s#q'; },
    'g q': () => { location.href = '/'; },
    'g l': () => { location.href = '/ledger'; },
    'g s': () => { location.href = '/spool'; },
    x: () => { const row = document.activeElement.closest('li'), box = row && row.querySelector('[name^=mark-]'); if (box) box.click(); },
  };
  if (location.hash === '#q') focus('#q');
  let before = '', since = 0;
  document.addEventListener('keydown', event => {
    const at = document.activeElement, isField = at && at.matches('input, textarea, select');
    if (event.key === 'Escape' && isField) { at.blur(); return; }
    if (off.checked || dialog.open || isField || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const both = before + ' ' + event.key;
    const act = event.timeStamp - since < 1500 && keys[both] || keys[event.key];
    before = event.key; since = event.timeStamp;
    if (act) { event.preventDefault(); act(); }
  });
})();
