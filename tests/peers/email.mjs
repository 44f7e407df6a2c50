// Mails that the email plugin composes, read by programs that others wrote: npm mailparser (text, HTML, attachments,
// headers), npm mailauth (DKIM), npm ical.js (invitations).
//
//   node email.mjs PATH/TO/tests/peers/mail

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check } from './bench.mjs';

const require = createRequire(import.meta.url);
const { simpleParser } = require('mailparser');
const { dkimVerify } = require('mailauth/lib/dkim/verify.js');
const { default: ICAL } = await import('ical.js');

const binary = process.argv[2];
const folder = mkdtempSync(join(tmpdir(), 'hilo-mail-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const base = {
  from: 'soporte@tienda.example', from_name: 'Tienda, S.A.', to: 'ana@example.com', to_name: 'Ana María Ñáñez',
  reply_to: 'soporte+r0abc@tienda.example', subject: 'Su pedido llegó', text: 'Hola Ana.\n\n¿Todo bien?\nUn saludo',
  message_id: 'r0abc@tienda.example', date: 1796137200, language: 'es',
};
const compose = description => {
  const r = spawnSync(binary, { input: JSON.stringify({ ...base, ...description }), maxBuffer: 1 << 28 });
  assert.equal(r.status, 0, `${r.stderr}`);
  return r.stdout;
};
const read = description => simpleParser(compose(description), { skipImageLinks: true });
const file = (name, bytes) => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

await check('headers, text and HTML are read as they were meant', async () => {
  const m = await read({ in_reply_to: 'c@example.com', references: ['a@example.com', 'b@example.com'], automatic: true, loop_mark: 'm1' });
  assert.deepEqual(m.from.value, [{ address: base.from, name: base.from_name }]);
  assert.deepEqual(m.to.value, [{ address: base.to, name: base.to_name }]);
  assert.equal(m.replyTo.value[0].address, base.reply_to);
  assert.equal(m.subject, base.subject);
  assert.equal(m.messageId, '<r0abc@tienda.example>');
  assert.equal(m.inReplyTo, '<c@example.com>');
  assert.deepEqual(m.references, ['<a@example.com>', '<b@example.com>', '<c@example.com>']);
  assert.equal(m.date.getTime(), base.date * 1000);
  assert.equal(m.headers.get('auto-submitted'), 'auto-generated');
  assert.equal(m.headers.get('x-hilo-loop'), 'm1');
  assert.equal(m.headers.get('content-language'), 'es');
  assert.equal(m.text.trim(), base.text);
  assert.match(m.html, /<html lang="es">/);
  assert.match(m.html, /<p>Hola Ana\.<\/p>\s*<p>¿Todo bien\?<br>\s*Un saludo<\/p>/);
  assert.equal(m.attachments.length, 0);
});

await check('subjects and names of every kind come out as they went in', async () => {
  const words = ['plain', '=?utf-8?q?not_encoded?=', 'a "b" <c@d.example>, e', '日本語の件名'.repeat(20), '👩‍👩‍👧‍👦 '.repeat(30).trim(),
    'x'.repeat(300), 'many words '.repeat(30).trim(), 'ñ', '\\ " \\\\', 'a  b   c', "O'Brien; (comment) [x]", 'Fwd: é: =?', 'a,b@c'];
  for (const w of words) {
    const m = await read({ subject: w, from_name: w, to_name: w });
    assert.equal(m.subject, w);
    assert.deepEqual(m.from.value, [{ address: base.from, name: w }]);
    assert.deepEqual(m.to.value, [{ address: base.to, name: w }]);
  }
});

await check('no value makes a header or an address of its own', async () => {
  const evil = 'x\r\nBcc: evil@example.com\r\n\r\n<evil@example.com>';
  for (const where of ['from_name', 'to_name', 'subject', 'language', 'loop_mark', 'in_reply_to', 'unsubscribe_url', 'text', 'html', 'pixel_url']) {
    const m = await read({ [where]: evil });
    assert.equal(m.bcc, undefined, where);
    assert.deepEqual(m.from.value.map(v => v.address), [base.from], where);
    assert.deepEqual(m.to.value.map(v => v.address), [base.to], where);
    assert.ok([...m.headers.keys()].every(k => /^(date|from|to|reply-to|subject|message-id|in-reply-to|references|content-|mime-|x-hilo-loop|list)/.test(k)), [...m.headers.keys()].join());
  }
});

await check('files arrive byte by byte, with their names', async () => {
  const bytes = randomBytes(300001), picture = randomBytes(999);
  const names = ['Factura n.º 12 – año.pdf', 'a'.repeat(150) + '.txt', 'plain.bin', '日本語.png', `it's "quoted"; x=y.doc`];
  const m = await read({
    files: [...names.map(filename => ({ path: file('f', bytes), filename, mime: 'application/pdf' })),
      { path: file('p', picture), filename: 'foto.jpg', mime: 'image/jpeg', content_id: 'foto@hilo' }],
  });
  assert.equal(m.attachments.length, names.length + 1);
  const inline = m.attachments.find(a => a.cid === 'foto@hilo');
  assert.ok(inline.related && inline.contentDisposition === 'inline' && inline.content.equals(picture));
  assert.match(m.html, /<img src="cid:foto@hilo" alt="foto.jpg">/);
  assert.deepEqual(m.attachments.filter(a => !a.related).map(a => a.filename), names);
  for (const a of m.attachments.filter(x => !x.related)) {
    assert.ok(a.content.equals(bytes));
    assert.equal(a.contentType, 'application/pdf');
    assert.equal(a.contentDisposition, 'attachment');
  }
});

await check('choices are links in both forms, and opting out is one click', async () => {
  const m = await read({ links: [{ title: 'Sí & más', url: 'https://hilo.example/c/abc?x=1&y=2' }], unsubscribe_url: 'https://hilo.example/u/xyz', unsubscribe_mail: 'baja@tienda.example' });
  assert.match(m.text, /Sí & más: https:\/\/hilo\.example\/c\/abc\?x=1&y=2/);
  assert.match(m.html, /<a href="https:\/\/hilo\.example\/c\/abc\?x=1&amp;y=2">Sí &amp; más<\/a>/);
  const list = m.headers.get('list');
  assert.equal(list.unsubscribe.url, 'https://hilo.example/u/xyz');
  assert.equal(list.unsubscribe.mail, 'baja@tienda.example');
  assert.equal(list['unsubscribe-post'].name, 'List-Unsubscribe=One-Click');
});

await check('long lines, odd characters and big texts are read as they were written', async () => {
  const text = ['x'.repeat(5000), '.', '..', 'From here', '-- ', '=3D=', 'tab\there', 'ñ'.repeat(2000), '\u{1F600}'].join('\n');
  assert.equal((await read({ text })).text.trimEnd(), text);
  const big = Array.from({ length: 20000 }, (_, i) => `línea ${i}`).join('\n');
  assert.equal((await read({ text: big })).text.trimEnd(), big);
});

const invitation = { uid: 'apt_1@tienda.example', summary: 'Prueba; de, "gafas"', description: 'Traiga\nsu fórmula, por favor; gracias', location: 'Cra 7 # 1-2, Bogotá', organizer_name: 'Tienda "uno"',
  starts: 1796137200, ends: 1796139000, stamp: 1796000000, sequence: 3 };
await check('invitations are read in every time zone, and taken back', async () => {
  for (const [zone, local] of [['America/Bogota', '2026-12-01T10:00:00'], ['America/New_York', '2026-12-01T10:00:00'], ['Europe/Madrid', '2026-12-01T16:00:00'],
    ['Asia/Kathmandu', '2026-12-01T20:45:00'], ['Australia/Sydney', '2026-12-02T02:00:00'], ['UTC', '2026-12-01T15:00:00Z'], ['', '2026-12-01T15:00:00Z']])
    for (const cancel of [false, true]) {
      const m = await read({ event: { ...invitation, time_zone: zone, cancel } });
      const ics = m.attachments.find(a => a.filename === 'invite.ics'), shown = m.attachments.find(a => a.contentType === 'text/calendar');
      assert.equal(shown.headers.get('content-type').params.method, cancel ? 'CANCEL' : 'REQUEST');
      assert.equal(shown.content.toString().replaceAll('\r\n', '\n').trim(), ics.content.toString().replaceAll('\r\n', '\n').trim());
      for (const line of ics.content.toString().split('\r\n'))
        assert.ok(Buffer.byteLength(line) <= 75 && !line.includes('\n'), line);
      const calendar = new ICAL.Component(ICAL.parse(ics.content.toString()));
      assert.equal(calendar.getFirstPropertyValue('method'), cancel ? 'CANCEL' : 'REQUEST');
      for (const z of calendar.getAllSubcomponents('vtimezone')) ICAL.TimezoneService.register(z);
      const component = calendar.getFirstSubcomponent('vevent'), e = new ICAL.Event(component);
      assert.equal(e.uid, invitation.uid);
      assert.equal(e.sequence, 3);
      assert.equal(e.summary, invitation.summary);
      assert.equal(e.description, invitation.description);
      assert.equal(e.location, invitation.location);
      assert.equal(e.startDate.toString(), local);
      assert.equal(e.startDate.toUnixTime(), invitation.starts);
      assert.equal(e.endDate.toUnixTime(), invitation.ends);
      assert.equal(component.getFirstPropertyValue('status'), cancel ? 'CANCELLED' : 'CONFIRMED');
      assert.equal(component.getFirstProperty('organizer').getFirstValue(), 'mailto:soporte@tienda.example');
      const attendee = component.getFirstProperty('attendee');
      assert.equal(attendee.getFirstValue(), 'mailto:ana@example.com');
      assert.equal(attendee.getParameter('rsvp'), cancel ? undefined : 'TRUE');
      if (zone && zone !== 'UTC') assert.equal(component.getFirstProperty('dtstart').getParameter('tzid'), zone);
      ICAL.TimezoneService.reset();
    }
});

// DKIM: the keys are in "DNS"; what was changed on the way is seen.
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }), ed = generateKeyPairSync('ed25519');
const pem = k => k.privateKey.export({ type: 'pkcs8', format: 'pem' });
const raw = ed.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
const dns = {
  'r._domainkey.tienda.example': `v=DKIM1; k=rsa; p=${rsa.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`,
  'e._domainkey.tienda.example': `v=DKIM1; k=ed25519; p=${raw.toString('base64')}`,
};
const resolver = async (name, type) => {
  if (type === 'TXT' && dns[name]) return [[dns[name]]];
  throw Object.assign(new Error('none'), { code: 'ENOTFOUND' });
};
const signatures = async bytes => (await dkimVerify(bytes, { resolver })).results.map(r => `${r.selector} ${r.algo} ${r.status.result}`).sort();
const signed = more => compose({ dkim: [{ domain: 'tienda.example', selector: 'r', key: pem(rsa) }, { domain: 'tienda.example', selector: 'e', key: pem(ed) }], ...more });

await check('signatures of both kinds verify, and do not after a change', async () => {
  const good = ['e ed25519-sha256 pass', 'r rsa-sha256 pass'];
  for (const more of [{}, { text: '' }, { text: 'a \n\n\n b\t c\n\n\n' }, { subject: '日本語の件名'.repeat(20), references: Array.from({ length: 10 }, (_, i) => `m${i}@example.com`), in_reply_to: 'z@example.com' },
    { unsubscribe_url: 'https://hilo.example/u/xyz', automatic: true, event: { ...invitation, time_zone: 'America/Bogota' }, files: [{ path: file('f', randomBytes(5000)), filename: 'f', mime: 'image/png' }] }])
    assert.deepEqual(await signatures(signed(more)), good, JSON.stringify(more).slice(0, 80));
  const mail = signed({ unsubscribe_url: 'https://hilo.example/u/xyz' }).toString();
  assert.match(mail, /h=[^;]*List-Unsubscribe:\s*List-Unsubscribe-Post/);
  for (const [from, to] of [['Hola Ana', 'Hola Eva'], ['Subject: ', 'Subject: x '], ['From: ', 'From: evil@example.com\r\nFrom: '], ['<ana@example.com>', '<eva@example.com>'], ['u/xyz', 'u/xyy'], ['MIME-Version: 1.0', 'Subject: another\r\nMIME-Version: 1.0']]) {
    assert.ok(mail.includes(from), from);
    assert.deepEqual((await signatures(Buffer.from(mail.replace(from, to)))).map(s => s.split(' ').at(-1)).filter(s => s === 'pass'), [], from);
  }
});
