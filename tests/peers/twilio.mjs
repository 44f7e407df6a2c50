// npm twilio judges both sides of SMS by Twilio: as a client of the simulator, as the verifier of what the simulator signs, and as
// the signer of webhooks that the gateway takes.
//
//   node twilio.mjs PATH/TO/hilo-sim-twilio      (hilod and its plugins lie in the folder above)

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import readline from 'node:readline';
import twilio from 'twilio';
import { check, within } from './bench.mjs';
import { startGateway } from './bench-smpp.mjs';

const { getExpectedBodyHash, getExpectedTwilioSignature } = createRequire(import.meta.url)('twilio/lib/webhooks/webhooks');
const binary = process.argv[2];
const account = 'AC0123456789abcdef0123456789abcdef';
const token = 'the-account-token';
const ana = '+573001112233';
const ours = '+15005550006';

// ---- the simulator, and a client of it

const child = spawn(binary, ['--exit-on-eof', '--config', JSON.stringify({ account_sid: account, auth_token: token, retry_min_ms: 20, retry_max_ms: 100 })], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const ended = once(child, 'exit');
const [ready] = await within(20000, 'the simulator', Promise.race([once(readline.createInterface({ input: child.stdout }), 'line'), ended]));
const simUrl = `http://127.0.0.1:${/^ready port=(\d+)$/.exec(ready)?.[1]}`;
const sim = async (method, path, body) => {
  const response = await fetch(`${simUrl}/_sim/${path}`, { method, body: body && JSON.stringify(body) });
  const json = await response.json();
  assert.equal(response.status, 200, `${path}: ${JSON.stringify(json)}`);
  return json;
};

/** What the library would send to api.twilio.com goes to the simulator. */
const elsewhere = {
  async request(o) {
    assert.equal(new URL(o.uri).host, 'api.twilio.com');
    const response = await fetch(o.uri.replace('https://api.twilio.com', simUrl), {
      method: o.method,
      headers: { ...o.headers, Authorization: `Basic ${Buffer.from(`${o.username}:${o.password}`).toString('base64')}` },
      body: new URLSearchParams(o.data),
    });
    return { statusCode: response.status, body: await response.text(), headers: Object.fromEntries(response.headers) };
  },
};
const client = (secret = token) => twilio(account, secret, { httpClient: elsewhere });

// ---- whoever is called by the simulator

const calls = [];
let wake = () => {};
const receiver = http.createServer((request, response) => {
  let text = '';
  request.on('data', (chunk) => (text += chunk));
  request.on('end', () => {
    calls.push({ url: `http://${request.headers.host}${request.url}`, signature: request.headers['x-twilio-signature'], text });
    response.writeHead(204).end();
    wake();
  });
});
receiver.listen(0, '127.0.0.1');
await once(receiver, 'listening');
const receiverUrl = `http://127.0.0.1:${receiver.address().port}`;
const called = (n) =>
  within(20000, `webhook ${n}`, (async () => {
    while (calls.length < n) await new Promise((done) => (wake = done));
  })());

await check('npm twilio sends by the simulator and reads its answers', async () => {
  const message = await client().messages.create({ to: ana, from: ours, body: 'Hola & adiós 😀 €', statusCallback: `${receiverUrl}/status?a=b%20c` });
  assert.match(message.sid, /^SM[0-9a-f]{32}$/);
  assert.equal(message.status, 'queued');
  assert.equal(message.body, 'Hola & adiós 😀 €');
  assert.equal(message.numSegments, '1');
  assert.ok(message.dateCreated instanceof Date && !Number.isNaN(message.dateCreated.valueOf()));
  await assert.rejects(client('another').messages.create({ to: ana, from: ours, body: 'x' }), { status: 401, code: 20003 });
  await assert.rejects(client().messages.create({ to: '12', from: ours, body: 'x' }), { status: 400, code: 21211 });
});

await check('npm twilio verifies what the simulator signs', async () => {
  await sim('POST', 'config', { webhook_url: `${receiverUrl}/in` });
  await sim('POST', 'inbound', { from: ana, text: '¿Y? +&=% 😀' });
  await called(4);
  for (const { url, signature, text } of calls) {
    const params = Object.fromEntries(new URLSearchParams(text));
    assert.ok(twilio.validateRequest(token, signature, url, params), `${url} ${text}`);
    assert.ok(!twilio.validateRequest('another', signature, url, params));
  }
  assert.deepEqual(calls.map(({ text }) => new URLSearchParams(text).get('MessageStatus')), ['queued', 'sent', 'delivered', null]);
});

// ---- the gateway

const gateway = await startGateway(
  resolve(dirname(binary), '..'),
  (port) =>
    `provider: twilio\n    base_url: ${simUrl}\n    account_sid: ${account}\n    auth_token: "${token}"\n    sender: "${ours}"\n` +
    `    webhook_url: http://127.0.0.1:${port}/hooks/sms`,
);
const hook = `http://127.0.0.1:${gateway.port}/hooks/sms`;
const form = 'application/x-www-form-urlencoded';
const post = (url, signature, body, type = form) =>
  fetch(url, { method: 'POST', headers: { 'Content-Type': type, 'X-Twilio-Signature': signature }, body });

/** Signed by the library, and what was answered. */
async function signed(params, { query = '', signedUrl = hook + query, secret = token } = {}) {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) for (const one of [value].flat()) body.append(name, one);
  return post(hook + query, getExpectedTwilioSignature(secret, signedUrl, params), body.toString());
}

await check('the gateway sends what npm twilio would', async () => {
  await sim('POST', 'faults', { statuses: [] });
  const { messages: before } = await sim('GET', 'messages');
  const text = 'Tu pedido & más: ñ €10 [a] 100%\n+1 😀';
  const id = await gateway.send(ana, text);
  await gateway.status(id, 'sent');
  await client().messages.create({ to: ana, from: ours, body: text, smartEncoded: false, statusCallback: `${hook}?msg=${id}` });
  const { messages } = await sim('GET', `messages?since=${before.length}&min=2`);
  assert.deepEqual(messages[0].form, messages[1].form);
  assert.equal((await gateway.message(id)).provider_id, messages[0].id);
});

await check('the gateway takes a status that npm twilio signs', async () => {
  const id = await gateway.send(ana, 'hola');
  await gateway.status(id, 'sent');
  const { provider_id: sid } = await gateway.message(id);
  const response = await signed(
    { MessageSid: sid, SmsSid: sid, MessageStatus: 'delivered', SmsStatus: 'delivered', To: ana, From: ours, AccountSid: account, ApiVersion: '2010-04-01' },
    { query: `?msg=${id}` },
  );
  assert.equal(response.status, 200);
  await gateway.status(id, 'delivered');
});

await check('the gateway takes a message that npm twilio signs, and answers the same TwiML', async () => {
  const from = gateway.lines.length;
  const params = { MessageSid: 'SM1', From: ana, To: ours, Body: '¿Y? +&=% 😀 ñ', NumMedia: '0', FromCity: 'BOGOTÁ', ToState: '', zeta: ['b', 'a', 'b'] };
  const response = await signed(params);
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type'), /^text\/xml/);
  assert.equal(await response.text(), new twilio.twiml.MessagingResponse().toString());
  const id = /id=(msg_\w+)/.exec(await gateway.line(from, 'message.received'))[1];
  const message = await gateway.message(id);
  assert.equal(message.content.text, '¿Y? +&=% 😀 ñ');
  assert.equal(message.provider_id, 'SM1');
});

await check('the gateway refuses what npm twilio would', async () => {
  const params = { MessageSid: 'SM2', From: ana, To: ours, Body: 'x' };
  const good = getExpectedTwilioSignature(token, hook, params);
  const body = new URLSearchParams(params).toString();
  const bad = [
    [hook, getExpectedTwilioSignature('another', hook, params), body],
    [hook, good, body.replace('Body=x', 'Body=y')],
    [hook, good, `${body}&More=1`],
    [`${hook}?a=b`, good, body],
    [hook, good.toLowerCase(), body],
  ];
  for (const [url, signature, text] of bad) {
    assert.ok(!twilio.validateRequest(token, signature, url, Object.fromEntries(new URLSearchParams(text))));
    assert.equal((await post(url, signature, text)).status, 401, `${url} ${text}`);
  }
  /* Both take it with the port and without. */
  const bare = getExpectedTwilioSignature(token, hook.replace(/:\d+\//, '/'), params);
  assert.ok(twilio.validateRequest(token, bare, hook, params));
  assert.equal((await post(hook, bare, body)).status, 200);
});

await check('JSON is believed by its hash in the signed address', async () => {
  const body = '{"a":"ñ"}';
  const url = `${hook}?bodySHA256=${getExpectedBodyHash(body)}`;
  const signature = getExpectedTwilioSignature(token, url, {});
  assert.ok(twilio.validateRequestWithBody(token, signature, url, body));
  assert.equal((await post(url, signature, body, 'application/json')).status, 200);
  assert.ok(!twilio.validateRequestWithBody(token, signature, url, '{"a":"n"}'));
  assert.equal((await post(url, signature, '{"a":"n"}', 'application/json')).status, 401);
});

await gateway.stop();
receiver.close();
child.stdin.end();
assert.deepEqual(await within(20000, 'the end of the simulator', ended), [0, null]);
