// A till that is a web page: npm ws speaks the WebSocket with a client's certificate, and ajv takes every answer, every
// push and all that this till itself says by the schemas in plugins/pos/schema.
//
//   node pos-ws.mjs PATH/TO/hilo-sim-whatsapp      (hilod and its plugins lie in the folder above)

import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { check, startSimulator, within } from './bench.mjs';
import { enroll, schemas, startShop } from './pos-till.mjs';

const binary = process.argv[2];
if (!binary) {
  console.error('usage: node pos-ws.mjs PATH/TO/hilo-sim-whatsapp');
  process.exit(2);
}
const phone = '+573001112233';
const photo = join(dirname(fileURLToPath(import.meta.url)), '../fixtures/pos/wide.png');
const judge = schemas();
const sim = await startSimulator(binary);
// A printer that is off: nobody listens there.
const shop = await startShop(resolve(dirname(binary), '..'), sim, '    printers: "NORTE=127.0.0.1:9"\n');
await sim.post('config', { webhook_url: `${shop.url}/hooks/wa`, enforce_window: false, user_ids: false });
const judged = new Set();

/** A till: ws, and what was asked and not answered yet. */
async function open(id, options = {}) {
  const ws = new WebSocket(`wss://127.0.0.1:${shop.port}/pos`, 'hilo-pos.1', {
    cert: id.cert, key: id.key, ca: id.ca, ALPNProtocols: ['http/1.1'], perMessageDeflate: false, ...options,
  });
  const asked = new Map();
  const pushes = [];
  const waiting = [];
  const closed = once(ws, 'close');
  ws.on('message', (data, isBinary) => {
    assert.equal(isBinary, false);
    const frame = JSON.parse(data.toString('utf8'));
    if (frame.method) {
      judge.pushId(frame.id);
      judge.params(frame.method, frame.params);
      judged.add(frame.method);
      ws.send(JSON.stringify({ jsonrpc: '2.0', id: frame.id, result: frame.method === 'print' ? { status: 'printed' } : {} }));
      pushes.push(frame);
      for (const wake of waiting.splice(0)) wake();
      return;
    }
    judge.response(frame);
    const one = asked.get(frame.id);
    assert.ok(one, `an answer to nothing that was asked: ${data}`);
    asked.delete(frame.id);
    if (frame.result) {
      judge.result(one.method, frame.result);
      judged.add(one.method);
    }
    one.done(frame);
  });
  await within(20000, 'the upgrade', once(ws, 'open'));
  assert.equal(ws.protocol, 'hilo-pos.1');
  const request = (method, params, id) => {
    const frame = { jsonrpc: '2.0', id: id ?? randomUUID(), method, params };
    judge.request(frame);
    judge.params(method, params);
    return within(20000, `the answer to ${method}`, new Promise((done) => {
      asked.set(frame.id, { method, done });
      ws.send(JSON.stringify(frame));
    }));
  };
  return {
    ws, closed, request,
    async call(method, params, id) {
      const frame = await request(method, params, id);
      assert.ok(frame.result, `${method}: ${JSON.stringify(frame.error)}`);
      return frame.result;
    },
    async refused(method, params, code, reason) {
      const { error } = await request(method, params);
      assert.equal(error?.code, code, `${method}: ${JSON.stringify(error)}`);
      assert.equal(error.data.reason, reason);
    },
    push: (method, match = () => true) =>
      within(20000, `the push ${method}`, (async () => {
        for (;;) {
          const at = pushes.findIndex((one) => one.method === method && match(one.params));
          if (at >= 0) return pushes.splice(at, 1)[0].params;
          await new Promise((wake) => waiting.push(wake));
        }
      })()),
  };
}

const clerk = 'ana';
const by = { document: { country: 'CO', type: 'CC', number: '1.020.304.050' } };
let till;
let id;
let customer;
let found;
let theCase;

await check('every schema compiles, strictly, and refers to what is there', async () => {
  assert.ok(judge.methods.length >= 20);
  for (const method of judge.methods) {
    assert.throws(() => judge.params(method, 7));
    assert.throws(() => judge.result(method, 7));
  }
});

await check('enrolment by openssl: a certificate for store and terminal', async () => {
  id = await enroll(shop, 'CENTRO', '3');
  judge.response(id.answer);
  judge.result('enroll', id.answer.result);
  judged.add('enroll');
});

await check('ws is welcome with its certificate, and hello says who it is', async () => {
  till = await open(id);
  const hello = await till.call('hello', {
    protocol: 1, software: 'ws 8', language: 'es', capabilities: ['message.show', 'choice.ask', 'print'],
  });
  assert.equal(hello.store, 'CENTRO');
  assert.equal(hello.terminal, '3');
  assert.equal(hello.role, 'clerk');
  assert.ok(Math.abs(Date.parse(hello.time) - Date.now()) < 60000);
});

await check('without a certificate there is no upgrade', async () => {
  const ws = new WebSocket(`wss://127.0.0.1:${shop.port}/pos`, 'hilo-pos.1', { ca: id.ca, ALPNProtocols: ['http/1.1'] });
  const [error] = await within(20000, 'the alert', once(ws, 'error'));
  assert.match(`${error}`, /certificate required|ECONNRESET|alert/);
  await shop.line(0, 'pos.refused', 'reason=no_certificate');
});

await check('a page of another origin is refused', async () => {
  const ws = new WebSocket(`wss://127.0.0.1:${shop.port}/pos`, 'hilo-pos.1', {
    cert: id.cert, key: id.key, ca: id.ca, ALPNProtocols: ['http/1.1'], origin: 'https://evil.example',
  });
  const [error] = await within(20000, 'the refusal', once(ws, 'error'));
  assert.match(`${error}`, /403/);
});

await check('ping either way, fragments, and control frames between', async () => {
  await till.call('ping', {});
  till.ws.ping('are you there');
  const [data] = await within(20000, 'the pong', once(till.ws, 'pong'));
  assert.equal(data.toString(), 'are you there');
});

await check('a new customer, found by her document, with everything at once', async () => {
  ({ customer } = await till.call('customer.upsert', {
    name: 'Ana Gómez', language: 'es', clerk,
    identifiers: [{ scheme: 'phone', value: phone }, { scheme: 'document', document: by.document }],
  }));
  await sim.post('inbound', { from: phone.slice(1), type: 'text', text: { body: 'Hola, así quedó la pantalla' } });
  await sim.post('inbound', { from: phone.slice(1), type: 'image', caption: 'la pantalla', file: photo });
  await shop.line(0, 'media.stored');
  found = await till.call('customer.find', { by, reason: 'claim', clerk });
  assert.equal(found.customer.id, customer);
  assert.equal(found.timeline.length, 2);
  const nobody = await till.call('customer.find', { by: { phone: '+573009999999' }, reason: 'claim', clerk });
  assert.equal(nobody.customer, null);
  await till.refused('customer.find', { by: { document: { country: 'CL', type: 'RUT', number: '12345678-9' } }, reason: 'claim', clerk }, -32602, 'document');
});

await check('her timeline by pages', async () => {
  await till.call('customer.find', { by, reason: 'claim', clerk });
  const one = await till.call('customer.timeline', { customer, limit: 1, clerk });
  assert.equal(one.timeline.length, 1);
});

await check('the photo in pieces, small and as it is', async () => {
  const entry = found.timeline.find((one) => one.content?.type === 'media');
  assert.ok(entry, JSON.stringify(found.timeline));
  for (const original of [false, true]) {
    const pieces = [];
    let piece;
    do {
      piece = await till.call('media.get', { media: entry.content.media, message: entry.id, original, length: 1000, offset: pieces.reduce((n, p) => n + p.length, 0), clerk });
      pieces.push(Buffer.from(piece.data, 'base64'));
    } while (!piece.eof);
    const whole = Buffer.concat(pieces);
    assert.equal(whole.length, piece.size);
    if (original) {
      assert.equal(createHash('sha256').update(whole).digest('hex'), createHash('sha256').update(readFileSync(photo)).digest('hex'));
    } else {
      assert.equal(piece.mime, 'image/jpeg');
      assert.equal(whole.readUInt16BE(0), 0xffd8);
    }
  }
});

await check('cases: open, note, update, close; a version that is old is refused', async () => {
  const opened = await till.call('case.open', { customer, subject: 'Televisor averiado', clerk });
  theCase = opened.case;
  await till.call('case.note', { case: theCase, text: 'La pantalla está rota', clerk });
  const updated = await till.call('case.update', { case: theCase, owner: 'Luis', status: 'pending', version: opened.version, clerk });
  await till.refused('case.update', { case: theCase, owner: 'Eva', version: opened.version, clerk }, -32005, 'version');
  assert.notEqual(updated.version, opened.version);
  const other = await till.call('case.open', { customer, subject: 'Otro', clerk });
  assert.equal((await till.call('case.close', { case: other.case, clerk })).status, 'closed');
});

await check('the same request again has the same answer and no second effect', async () => {
  const twice = randomUUID();
  const params = { customer, purpose: 'reclamo', clerk };
  const first = await till.call('visit.record', params, twice);
  assert.deepEqual(await till.call('visit.record', params, twice), first);
});

await check('a case that somebody else changes comes by itself', async () => {
  const before = await shop.call('GET', `/v1/cases/${theCase}`);
  await shop.call('PATCH', `/v1/cases/${theCase}`, { owner: 'Marta' });
  const push = await till.push('case.updated', (p) => p.case.id === theCase && p.case.owner === 'Marta');
  assert.notEqual(push.case.version, before.version);
});

await check('an appointment: check-in by its code, and who is arriving', async () => {
  const starts = new Date(Date.now() + 3600e3).toISOString();
  const booked = await shop.call('POST', '/v1/appointments', { customer, store: 'CENTRO', starts_at: starts, subject: 'Cambio', confirm: false });
  const checked = await till.call('appointment.checkin', { code: booked.code, clerk });
  assert.equal(checked.status, 'checked_in');
  const push = await till.push('customer.arriving');
  assert.equal(push.why, 'checked_in');
});

await check('a sale, consent with its proof, a message by WhatsApp', async () => {
  await till.call('sale.record', {
    customer, number: 'F-1001', currency: 'COP', total: '129900.00', clerk,
    items: [{ sku: 'TV-55', name: 'Televisor 55', quantity: 1, price: '129900.00' }],
  });
  await till.call('consent.set', {
    customer, category: 'promotional', state: 'granted', clerk, proof: { how: 'screen', text: 'Acepto', reference: 'form 8812' },
  });
  const sent = await till.call('message.send', { to: { customer }, channel: 'wa', content: { type: 'text', text: 'Su cambio está listo' }, clerk });
  assert.equal(sent.status, 'accepted');
  await shop.line(0, sent.message, 'status=delivered');
});

await check('a card number is refused, and is in no log', async () => {
  await till.refused('case.note', { case: theCase, text: 'pagó con 4111 1111 1111 1111', clerk }, -32004, 'card_number');
  assert.ok(!shop.lines.some((line) => line.includes('4111 1111')));
});

await check('slips: text, picture, ESC/POS', async () => {
  for (const format of ['text', 'png', 'escpos']) {
    const slip = await till.call('slip.render', { kind: 'case', id: theCase, customer, format, language: 'es' });
    assert.ok(slip.data.length > 0, JSON.stringify(slip));
  }
});

await check('a slip on the terminal\'s own printer, and on one of the store that is off', async () => {
  const slip = { kind: 'case', id: theCase, customer };
  const here = await till.call('slip.print', { ...slip, clerk });
  assert.equal(here.status, 'sent');
  assert.equal((await till.push('print')).job, here.job);
  const north = await enroll(shop, 'NORTE', '1');
  const other = await open(north);
  await other.call('hello', { protocol: 1 });
  await other.call('customer.find', { by, reason: 'claim', clerk });
  const there = await other.call('slip.print', { ...slip, clerk });
  assert.equal(there.printer, 'NORTE');
  const status = await other.push('print.status', (p) => p.job === there.job);
  assert.equal(status.status, 'queued');
  assert.equal(status.reason, 'unreachable');
  other.ws.close(1000);
  await within(20000, 'the end', other.closed);
  north.done();
  await till.call('customer.find', { by, reason: 'claim', clerk });
});

await check('a wish, and its arrival', async () => {
  const wish = await till.call('wish.add', { customer, sku: 'ZAP-01', size: '38', colour: 'rojo', channel: 'wa', link: 'https://tienda.example/zap-01', clerk });
  await shop.call('POST', '/v1/stock/ZAP-01/available', { quantity: 1, size: '38', colour: 'rojo', store: 'CENTRO' });
  const push = await till.push('stock.arrived');
  assert.equal(push.wish, wish.wish);
});

await check('a message to her is shown here while she is attended, and her choice goes back', async () => {
  const text = await shop.call('POST', '/v1/messages', { to: { document: 'CO:CC:1020304050' }, channel: 'pos', content: { type: 'text', text: 'Buenos días' } });
  assert.equal((await till.push('message.show')).message, text.id);
  await shop.line(0, text.id, 'status=sent');
  const question = await shop.call('POST', '/v1/messages', {
    to: { document: 'CO:CC:1020304050' }, channel: 'pos',
    content: { type: 'choices', text: '¿Cambio o devolución?', choices: [{ id: 'exchange', title: 'Cambio' }, { id: 'refund', title: 'Devolución' }] },
  });
  const push = await till.push('choice.ask');
  assert.deepEqual(push.choices.map((one) => one.id), ['exchange', 'refund']);
  await till.call('choice.answer', { message: question.id, choice: 'exchange', title: 'Cambio', clerk });
  await within(20000, 'the choice on her timeline', (async () => {
    for (;;) {
      const { messages } = await shop.call('GET', `/v1/customers/${customer}/timeline`);
      if (messages.some((one) => one.content.type === 'choice_reply' && one.content.choice === 'exchange')) return;
    }
  })());
});

await check('a certificate is renewed when the operator asks for it; with another key, the old one is over', async () => {
  await shop.call('POST', '/v1/channels/pos/admin/terminals/CENTRO/3/rotate');
  await till.push('certificate.rotate');
  const renewed = await till.call('certificate.renew', { csr: readFileSync(id.file('till.csr'), 'utf8') });
  till.ws.close(1000);
  await within(20000, 'the end', till.closed);
  till = await open({ ...id, cert: renewed.certificate, ca: renewed.ca });
  await till.call('hello', { protocol: 1 });
});

await check('revoked: told, and the end', async () => {
  await shop.call('POST', '/v1/channels/pos/admin/terminals/CENTRO/3/revoke');
  await till.push('revoked');
  const [code] = await within(20000, 'the end', till.closed);
  assert.equal(code, 1008);
});

await check('each method and each push had its schema', async () => {
  assert.deepEqual(judge.methods.filter((method) => !judged.has(method)), []);
});

id.done();
await shop.stop();
await sim.stop?.();
process.exit(0);
