// Webhooks before independent judges: the npm package standardwebhooks verifies every delivery with the secret, and
// cloudevents takes every body as a CloudEvent 1.0.
//
//   node webhooks.mjs PATH/TO/hilo-sim-whatsapp      (hilod and its plugins lie in the folder above)

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { dirname, resolve } from 'node:path';
import { HTTP } from 'cloudevents';
import { Webhook } from 'standardwebhooks';
import { check, startSimulator, within } from './bench.mjs';
import { startGateway } from './gateway.mjs';

const binary = process.argv[2];
if (!binary) {
  console.error('usage: node webhooks.mjs PATH/TO/hilo-sim-whatsapp');
  process.exit(2);
}
const ana = '573001112233';
const sim = await startSimulator(binary);
const gateway = await startGateway(resolve(dirname(binary), '..'), sim);
await sim.post('config', { webhook_url: `${gateway.url}/hooks/wa`, enforce_window: false, user_ids: false });

/** All that came; the answer is 200 unless the next one is to fail. */
const hooks = [];
const waiting = [];
let fail = 0;
const server = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const failed = fail > 0 && fail--;
  hooks.push({ headers: request.headers, raw: Buffer.concat(chunks).toString('utf8'), failed });
  for (const wake of waiting.splice(0)) wake();
  response.writeHead(failed ? 500 : 200, { 'Content-Type': 'text/plain' }).end('ok');
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${server.address().port}/hooks/hilo`;
const comes = (what, match) =>
  within(30000, what, (async () => {
    for (;;) {
      const hook = hooks.find((one) => match(JSON.parse(one.raw), one));
      if (hook) return hook;
      await new Promise((wake) => waiting.push(wake));
    }
  })());

const endpoint = await gateway.call('POST', '/v1/webhooks', { url, description: 'peers' });
const judge = new Webhook(endpoint.secret);
const accepted = (hook, by = judge) => {
  const data = by.verify(hook.raw, hook.headers);
  const event = HTTP.toEvent({ headers: hook.headers, body: hook.raw });
  assert.ok(event.validate());
  assert.equal(event.id, hook.headers['webhook-id']);
  assert.deepEqual(JSON.parse(hook.raw), data);
  return event;
};

let customer;
let newest;
await check('events of people, messages and cases are verified by standardwebhooks and taken by cloudevents', async () => {
  customer = await gateway.call('POST', '/v1/customers', {
    name: 'Ana Muñoz 🌱',
    identifiers: [{ scheme: 'phone', value: `+${ana}` }],
  });
  await gateway.call('POST', '/v1/cases', { customer: customer.id, subject: 'televisor "roto"' });
  const sent = await gateway.call('POST', '/v1/messages', {
    to: { phone: `+${ana}` },
    channel: 'wa',
    content: { type: 'text', text: 'Hola Ana, ¿qué pasó? \u2028 \u0007' },
  });
  await sim.post('inbound', { type: 'text', from: ana, text: 'se rompió 😢' });
  for (const status of ['sent', 'delivered', 'read'])
    await comes(status, (event) => event.type === 'hilo.message.status' && event.data.id === sent.id && event.data.status === status);
  await comes('inbound', (event) => event.type === 'hilo.message.received');
  const types = new Set(hooks.map((hook) => accepted(hook).type));
  for (const type of ['customer.created', 'identifier.added', 'case.opened', 'message.accepted', 'message.status', 'message.received'])
    assert.ok(types.has(`hilo.${type}`), type);
});

await check('a delivery that is repeated has the same id and body, and a signature of its own time', async () => {
  fail = 1;
  await gateway.call('PATCH', `/v1/customers/${customer.id}`, { name: 'Ana' });
  const first = await comes('the failed one', (event, hook) => hook.failed);
  const again = await comes('it again', (event, hook) => hook !== first && hook.headers['webhook-id'] === first.headers['webhook-id']);
  assert.equal(again.raw, first.raw);
  assert.notEqual(again.headers['webhook-signature'], first.headers['webhook-signature']);
  assert.ok(Number(again.headers['webhook-timestamp']) >= Number(first.headers['webhook-timestamp']) + 5);
  accepted(again);
});

await check('while a secret is replaced both verify, and afterwards a stranger does not', async () => {
  const { secret } = await gateway.call('POST', `/v1/webhooks/${endpoint.id}/rotate`, { overlap: 'PT1H' });
  await gateway.call('PATCH', `/v1/customers/${customer.id}`, { name: 'Ana María' });
  const hook = await comes('the next', (event) => event.data.name === 'Ana María');
  accepted(hook);
  accepted(hook, new Webhook(secret));
  newest = secret;
  assert.throws(() => new Webhook('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw').verify(hook.raw, hook.headers));
  assert.throws(() => judge.verify(hook.raw.replace('Ana', 'Eva'), hook.headers));
});

await check('a test is a webhook like any other', async () => {
  const { delivered, status } = await gateway.call('POST', `/v1/webhooks/${endpoint.id}/test`);
  assert.deepEqual([delivered, status], [true, 200]);
  const hook = await comes('the test', (event) => event.type === 'hilo.webhook.test');
  accepted(hook, new Webhook(newest));
});

await gateway.stop();
server.close();
process.exit(0);
