// What the gateway tells applications before independent judges: the npm package cloudevents takes each event of each type as a
// CloudEvent 1.0, and ajv takes it by the schema that openapi.json has for it.
//
//   node events.mjs PATH/TO/hilo-sim-whatsapp      (hilod and its plugins lie in the folder above)

import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import assert from 'node:assert/strict';
import { dirname, resolve } from 'node:path';
import { HTTP, Mode } from 'cloudevents';
import { check, startSimulator, within } from './bench.mjs';
import { startGateway } from './gateway.mjs';

const binary = process.argv[2];
if (!binary) {
  console.error('usage: node events.mjs PATH/TO/hilo-sim-whatsapp');
  process.exit(2);
}
const ana = '573001112233';
const sim = await startSimulator(binary);
const gateway = await startGateway(resolve(dirname(binary), '..'), sim);
await sim.post('config', { webhook_url: `${gateway.url}/hooks/wa`, enforce_window: false, user_ids: false });

/** The stream as a browser's EventSource would read it. */
async function* stream(path, last) {
  const response = await fetch(gateway.url + path, {
    headers: { Authorization: `Bearer ${gateway.key}`, ...(last ? { 'Last-Event-ID': last } : {}) },
  });
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type'), /^text\/event-stream/);
  let text = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
      const event = { data: [] };
      for (const line of text.slice(0, end).split('\n')) {
        const [, field, value] = /^([a-z]*): ?(.*)$/s.exec(line) ?? [];
        if (field === 'data') event.data.push(value);
        else if (field) event[field] = value;
      }
      if (event.data.length) yield { ...event, data: event.data.join('\n') };
    }
  }
}

const document = await (await fetch(`${gateway.url}/openapi.json`)).json();
const types = document.components.schemas.Event.properties.type.enum;
const ajv = addFormats(new Ajv2020({ strict: false }));
ajv.addSchema(document, 'openapi');
const valid = ajv.compile({ $ref: 'openapi#/components/schemas/Event' });
const seen = new Map();
const all = [];
const waiting = [];
/** As it came; ends with the process. */
(async () => {
  for await (const event of stream('/v1/events')) {
    all.push(event);
    seen.set(event.event, event);
    for (const wake of waiting.splice(0)) wake();
  }
})();
const comes = (what, match) =>
  within(30000, what, (async () => {
    for (;;) {
      const event = all.find((one) => match(one, JSON.parse(one.data)));
      if (event) return event;
      await new Promise((wake) => waiting.push(wake));
    }
  })());
const type = (name) => comes(name, (event) => event.event === name);

await check('every type is told of', async () => {
  const customer = await gateway.call('POST', '/v1/customers', {
    name: 'Ana Gómez\n"la de siempre" 🙂',
    attributes: { plan: 'oro', n: [1, null] },
    identifiers: [{ scheme: 'phone', value: `+${ana}` }, { scheme: 'email', value: 'ana@example.com' }],
  });
  await gateway.call('PATCH', `/v1/customers/${customer.id}`, {
    name: null, language: 'es', remove_identifiers: [{ scheme: 'email', value: 'ana@example.com' }],
  });
  const one = await gateway.call('POST', '/v1/cases', { customer: customer.id, subject: 'Televisor' });
  await gateway.call('PATCH', `/v1/cases/${one.id}`, { status: 'pending', owner: 'Luis' });
  await gateway.call('POST', '/v1/channels/wa/pause', { reason: 'inventario' });
  await gateway.call('POST', '/v1/channels/wa/resume', {});
  await gateway.call('POST', '/v1/messages', {
    to: { phone: `+${ana}` }, channel: 'wa', content: { type: 'text', text: 'hola\r\n\u2028 "Ana"' },
  });
  await comes('read', (event, e) => event.event === 'hilo.message.status' && e.data.status === 'read');
  await sim.post('inbound', { from: ana, type: 'text', text: { body: 'línea uno\nlínea dos' } });
  await type('hilo.message.received');
  // At the counter.
  const at = { store: 'CENTRO', terminal: '3', clerk: 'luis' };
  await gateway.call('POST', `/v1/cases/${one.id}/notes`, { text: 'Trae el recibo', ...at });
  await gateway.call('POST', '/v1/customers/lookup', { by: { phone: `+${ana}` }, reason: 'claim', ...at });
  const visit = await gateway.call('POST', '/v1/appointments', {
    customer: customer.id, case: one.id, store: 'CENTRO', channel: 'wa', subject: 'Cambio',
    starts_at: new Date(Date.now() + 15 * 60e3 + 2e3).toISOString(), // near begins in two seconds
  });
  await gateway.call('PATCH', `/v1/appointments/${visit.id}`, { subject: 'Cambio de televisor' });
  await type('hilo.appointment.near');
  await gateway.call('POST', `/v1/appointments/${visit.id}/checkin`, at);
  await gateway.call('POST', '/v1/visits', { customer: customer.id, purpose: 'claim', ...at });
  await gateway.call('POST', '/v1/stock/CAM-7/subscriptions', { customer: customer.id, size: 'M', channel: 'wa', ...at });
  await gateway.call('POST', '/v1/stock/CAM-7/available', {
    quantity: 1, size: 'M', title: 'Camisa', link: 'https://tienda.example/cam-7',
  });
  await type('hilo.wish.offered');
  await gateway.call('POST', '/v1/sales', {
    customer: customer.id, number: 'F-1', currency: 'COP', total: '129900.00',
    items: [{ sku: 'CAM-7', size: 'M', quantity: 1, price: '129900.00' }], ...at,
  });
  await type('hilo.wish.ended');
  await sim.post('inbound', { from: ana, type: 'text', text: { body: 'BAJA' } });
  const said = await comes('a consent', (event, e) => event.event === 'hilo.consent.changed' && e.data.how === 'word');
  assert.equal(JSON.parse(said.data).data.addresses[0].value, `+${ana}`);
  await sim.post('inbound', { from: ana, type: 'document', data: 'JVBERi0=', mime_type: 'application/pdf' });
  const stored = JSON.parse((await type('hilo.media.stored')).data);
  await gateway.call('POST', `/v1/messages/${stored.data.message}/transcript`, { text: 'Se me dañó.', language: 'es' });
  // A switchboard's call, offered to an agent.
  const call = await gateway.call('POST', '/v1/calls', {
    direction: 'inbound', channel: 'wa', party: { scheme: 'phone', value: `+${ana}` }, provider_id: 'a84b4c@pbx',
  });
  for (const change of [
    { status: 'answered', recording_consent: 'announced' }, { case: one.id, digits: '12' }, { status: 'offered', to: 'ventas' },
    { status: 'transferred' }, { status: 'ended', cause: { sip: 200, reason: 'normal', text: 'Colgó' } },
  ]) await gateway.call('PATCH', `/v1/calls/${call.id}`, change);
  await sim.post('inbound', { from: ana, type: 'image', image: { id: '4711', mime_type: 'image/png' } }); // nobody has it
  await type('hilo.media.failed');
  await sim.post('inbound', {
    from: ana, type: 'system', system: { type: 'user_changed_number', wa_id: '573009998877', body: 'x' },
  });
  await type('hilo.conversation.updated');
  assert.deepEqual([...seen.keys()].sort(), [...types].sort());
});

await check('cloudevents takes each as a CloudEvent 1.0, and reads what was meant', async () => {
  for (const { id, event, data } of all) {
    const message = { headers: { 'content-type': 'application/cloudevents+json' }, body: data };
    assert.equal(HTTP.isEvent(message), true);
    const cloud = HTTP.toEvent(message);
    assert.equal(cloud.validate(), true);
    assert.equal(cloud.specversion, '1.0');
    assert.equal(cloud.id, id);
    assert.equal(cloud.type, event);
    assert.ok(cloud.data && cloud.subject && cloud.time);
    // Their own writing of it, read by themselves, is the same event.
    const again = HTTP.toEvent({ ...HTTP.structured(cloud) });
    assert.deepEqual(again.toJSON(), cloud.toJSON());
    // And in binary mode, as a proxy of theirs may pass it on.
    assert.equal(HTTP.toEvent(HTTP.binary(cloud)).id, id);
  }
  assert.equal(new Set(all.map((one) => one.id)).size, all.length);
  assert.deepEqual(all.map((one) => one.id), all.map((one) => one.id).sort());
  const inbound = all.find((one) => one.event === 'hilo.message.received');
  assert.equal(JSON.parse(inbound.data).data.content.text, 'línea uno\nlínea dos');
});

await check('ajv takes each by the schema of its type', async () => {
  for (const { data } of all) {
    const event = JSON.parse(data);
    assert.ok(valid(event), `${data}\n${JSON.stringify(valid.errors)}`);
  }
});

await check('a client that was cut off goes on with the same bytes', async () => {
  const middle = Math.floor(all.length / 2);
  const rest = [];
  for await (const event of stream('/v1/events', all[middle].id)) {
    rest.push(event);
    if (rest.length === all.length - middle - 1) break;
  }
  assert.deepEqual(rest, all.slice(middle + 1));
});

await gateway.stop();
await sim.stop();
process.exit(0);
