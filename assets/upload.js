// Sends files in pieces that go on where they broke off (tus 1.0.0). The page works without this file, for small files.
//
// What was begun is remembered by name, size and time of the file, so that the same file chosen again after a reload goes
// on. No text becomes markup here.
'use strict';
(() => {
  const form = document.getElementById('upload');
  const list = document.getElementById('progress');
  if (!form || !list || !window.fetch) return;
  const PIECE = 16 * 1024 * 1024, PAUSES = [1, 3, 5, 10, 20, 30];
  const field = document.getElementById('file');
  const base64 = text => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  const wait = seconds => new Promise(done => setTimeout(done, seconds * 1000));
  const keep = (name, value) => { try { value ? localStorage.setItem(name, value) : localStorage.removeItem(name); } catch { /* private window */ } };
  const kept = name => { try { return localStorage.getItem(name); } catch { return null; } };
  const tus = { 'Tus-Resumable': '1.0.0' };

  const offsetOf = async address => {
    const told = await fetch(address, { method: 'HEAD', headers: tus });
    return told.ok ? Number(told.headers.get('Upload-Offset')) : null;
  };
  const begin = async file => {
    const told = await fetch(form.action, { method: 'POST', headers: { ...tus,
      'Upload-Length': String(file.size),
      'Upload-Metadata': `filename ${base64(file.name)},filetype ${base64(file.type || 'application/octet-stream')}` } });
    if (told.status !== 201) throw new Error(told.status === 413 ? 'it is larger than this desk takes' : `the desk said ${told.status}`);
    return new URL(told.headers.get('Location'), form.action).href;
  };
  const piece = (address, file, offset, shown) => new Promise((done, failed) => {
    const ask = new XMLHttpRequest();
    ask.open('PATCH', address);
    ask.setRequestHeader('Tus-Resumable', '1.0.0');
    ask.setRequestHeader('Upload-Offset', String(offset));
    ask.setRequestHeader('Content-Type', 'application/offset+octet-stream');
    ask.upload.onprogress = event => shown(offset + event.loaded);
    ask.onload = () => ask.status === 204 ? done(Number(ask.getResponseHeader('Upload-Offset'))) : failed(new Error(`the desk said ${ask.status}`));
    ask.onerror = ask.onabort = () => failed(new Error('the connection broke'));
    ask.send(file.slice(offset, offset + PIECE));
  });

  const send = async file => {
    const row = document.createElement('li'), bar = document.createElement('progress'), words = document.createElement('span');
    bar.max = file.size || 1; bar.value = 0;
    row.append(`${file.name} `, bar, ' ', words);
    list.append(row);
    const shown = bytes => { bar.value = bytes; words.textContent = `${Math.floor(100 * bytes / (file.size || 1))} %`; };
    const name = `duly ${form.action} ${file.name} ${file.size} ${file.lastModified}`;
    let address = kept(name), offset = null;
    for (let failures = 0; ;) {
      try {
        if (address && offset === null) { offset = await offsetOf(address); if (offset === null) address = null; }
        if (!address) { address = await begin(file); keep(name, address); offset = 0; }
        while (offset < file.size) { offset = await piece(address, file, offset, shown); failures = 0; shown(offset); }
        keep(name, null);
        bar.value = bar.max;
        words.textContent = 'has arrived whole';
        return true;
      } catch (error) {
        if (failures >= PAUSES.length) {
          words.textContent = `stopped: ${error.message}. Choose the file again and it goes on.`;
          return false;
        }
        words.textContent = `${error.message}; goes on in ${PAUSES[failures]} s`;
        offset = null;
        await wait(PAUSES[failures++]);
      }
    }
  };

  form.addEventListener('submit', async event => {
    event.preventDefault();
    const button = form.querySelector('button');
    button.disabled = true;
    let all = true;
    for (const file of [...field.files]) all = await send(file) && all;
    button.disabled = false;
    if (all) form.reset();
  });
})();
