// The simulator of the WhatsApp Cloud API before independent judges: @kapso/whatsapp-cloud-api (which checks signatures,
// normalises webhooks and sends) and openssl.
//
//   node whatsapp.mjs PATH/TO/hilo-sim-whatsapp

import { normalizeWebhook, verifySignature } from '@kapso/whatsapp-cloud-api/server';
import { WhatsAppClient } from '@kapso/whatsapp-cloud-api';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  all, appSecret, businessNumber, check, graphVersion, messageWith, phoneNumberId, startReceiver, startSimulator, statusOf,
  token,
} from './bench.mjs';

const binary = process.argv[2];
if (!binary) {
  console.error('usage: node whatsapp.mjs PATH/TO/hilo-sim-whatsapp');
  process.exit(2);
}

const receiver = await startReceiver();
const sim = await startSimulator(binary);
const client = new WhatsAppClient({ accessToken: token, baseUrl: sim.url, graphVersion });
const ana = '573001112233';
const to = `+${ana}`;
const verify = (hook, rawBody = hook.raw) =>
  verifySignature({ appSecret, rawBody, signatureHeader: hook.headers['x-hub-signature-256'] });
const refused = (code, send) =>
  assert.rejects(send, (error) => {
    assert.equal(error.name, 'GraphApiError', String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });

await sim.post('config', {
  webhook_url: receiver.url,
  templates: [
    { name: 'pedir_foto', language: 'es', category: 'UTILITY', body_parameters: 2, header: 'image', buttons: 1, button_texts: ['Ahora no'] },
    { name: 'saludo', language: 'es', body_parameters: 0 },
  ],
});

await check('the verification handshake is done, and a wrong token is not verified', async () => {
  assert.deepEqual(await sim.post('verify', { verify_token: receiver.verifyToken }), { status: 200, verified: true });
  assert.deepEqual(await sim.post('verify', { verify_token: 'wrong' }), { status: 403, verified: false });
});

await check('outside the 24-hour window free-form messages are refused with 131047', async () => {
  await refused(131047, () => client.messages.sendText({ phoneNumberId, to, body: 'hola' }));
});

let templateId;
await check('a template with all its components goes out before the customer ever wrote', async () => {
  const sent = await client.messages.sendTemplate({
    phoneNumberId,
    to,
    template: {
      name: 'pedir_foto',
      language: { code: 'es', policy: 'deterministic' },
      components: [
        { type: 'header', parameters: [{ type: 'image', image: { link: 'https://example.com/tv.jpg' } }] },
        { type: 'body', parameters: [{ type: 'text', text: 'Ana' }, { type: 'text', text: 'televisor' }] },
        { type: 'button', subType: 'quick_reply', index: 0, parameters: [{ type: 'payload', payload: 'LATER' }] },
      ],
    },
  });
  assert.match(sent.messages[0].id, /^wamid\.[A-Za-z0-9+/=]+$/);
  assert.equal(sent.messages[0].messageStatus, 'accepted');
  assert.deepEqual(sent.contacts, [{ input: to, waId: ana }]);
  templateId = sent.messages[0].id;
});

await check('its receipts come signed: sent, delivered, read', async () => {
  for (const status of ['sent', 'delivered', 'read']) {
    const hook = await receiver.find(status, statusOf(templateId, status));
    assert.ok(verify(hook));
    const one = normalizeWebhook(hook.json).statuses.find((s) => s.id === templateId);
    assert.equal(one.status, status);
    assert.equal(one.recipientId, ana);
    assert.ok(one.recipientUserId.startsWith('CO.'));
    assert.equal(one.pricing?.category, status === 'read' ? undefined : 'utility');
  }
});

let text;
await check("an inbound text with accents and emoji is signed, and kapso's verifySignature accepts it", async () => {
  const body = '¿Mañana? Sí </script> 100% ana@example.com 🎉 \u{1F469}\u200D\u{1F527} "q" \\ \u2028';
  const { id } = await sim.post('inbound', { from: ana, name: 'Ana Ñúñez', type: 'text', text: { body } });
  text = await receiver.find('the text', messageWith(id));
  assert.ok(verify(text));
  const seen = normalizeWebhook(text.json);
  assert.equal(seen.object, 'whatsapp_business_account');
  assert.equal(seen.phoneNumberId, phoneNumberId);
  assert.equal(seen.displayPhoneNumber, businessNumber);
  assert.equal(seen.messages[0].text.body, body);
  assert.equal(seen.messages[0].from, ana);
  assert.equal(seen.messages[0].id, id);
  assert.equal(seen.messages[0].kapso?.direction, 'inbound');
  assert.match(seen.messages[0].timestamp, /^\d{10}$/);
  assert.equal(seen.contacts[0].profile.name, 'Ana Ñúñez');
  assert.equal(seen.contacts[0].waId, ana);
  assert.equal(seen.contacts[0].userId, seen.messages[0].fromUserId);
});

await check('the body is pure ASCII with lower-case \\u escapes, so re-serialising would break the signature', () => {
  const raw = text.raw.toString('latin1');
  assert.ok(/^[\x20-\x7e]*$/.test(raw));
  assert.ok(raw.includes('Ma\\u00f1ana'));
  assert.ok(raw.includes('\\ud83c\\udf89'));
  assert.ok(!verify(text, Buffer.from(JSON.stringify(text.json))));
});

await check('a tampered body, a tampered signature and another secret are refused', () => {
  const tampered = Buffer.from(text.raw);
  tampered[tampered.length >> 1] ^= 1;
  assert.ok(!verify(text, tampered));
  const header = text.headers['x-hub-signature-256'];
  const flipped = header.slice(0, -1) + (header.endsWith('0') ? '1' : '0');
  assert.ok(!verifySignature({ appSecret, rawBody: text.raw, signatureHeader: flipped }));
  assert.ok(!verifySignature({ appSecret: 'another', rawBody: text.raw, signatureHeader: header }));
});

await check('openssl agrees on the signature', () => {
  const run = spawnSync('openssl', ['dgst', '-sha256', '-hmac', appSecret], { input: text.raw });
  assert.equal(run.status, 0, String(run.stderr ?? run.error));
  const digest = /([0-9a-f]{64})\s*$/.exec(run.stdout.toString())[1];
  assert.equal(text.headers['x-hub-signature-256'], `sha256=${digest}`);
});

await check('inside the window: text, with our own id echoed by its receipts', async () => {
  const sent = await client.messages.sendText({ phoneNumberId, to, body: 'hola Ana', bizOpaqueCallbackData: 'msg_0001' });
  const id = sent.messages[0].id;
  const hook = await receiver.find('delivered', statusOf(id, 'delivered'));
  assert.equal(all(hook, 'statuses').find((s) => s.id === id).biz_opaque_callback_data, 'msg_0001');
});

await check('buttons go out, and the tapped one comes back with its context', async () => {
  const sent = await client.messages.sendInteractiveButtons({
    phoneNumberId,
    to,
    bodyText: '¿Cambio o devolución?',
    footerText: 'Tienda',
    buttons: [{ id: 'exchange', title: 'Cambio' }, { id: 'refund', title: 'Devolución' }],
  });
  const { id } = await sim.post('inbound', { from: ana, reply_to: sent.messages[0].id, button: 'refund' });
  const hook = await receiver.find('the tap', messageWith(id));
  assert.ok(verify(hook));
  const message = normalizeWebhook(hook.json).messages.find((m) => m.id === id);
  assert.equal(message.type, 'interactive');
  assert.deepEqual(message.interactive, { type: 'button_reply', buttonReply: { id: 'refund', title: 'Devolución' } });
  assert.deepEqual(message.context, { from: businessNumber, id: sent.messages[0].id });
});

await check('a list goes out, and the chosen row comes back', async () => {
  const sent = await client.messages.sendInteractiveList({
    phoneNumberId,
    to,
    bodyText: '¿Cuándo?',
    buttonText: 'Ver horas',
    sections: [{ title: 'Hoy', rows: [{ id: 't10', title: '10:00', description: 'Centro' }, { id: 't11', title: '11:00' }] }],
  });
  const { id } = await sim.post('inbound', { from: ana, reply_to: 'last', button: 't10' });
  const hook = await receiver.find('the row', messageWith(id));
  const message = normalizeWebhook(hook.json).messages.find((m) => m.id === id);
  assert.equal(message.context.id, sent.messages[0].id);
  assert.deepEqual(message.interactive.listReply, { id: 't10', title: '10:00', description: 'Centro' });
});

await check("a template's quick reply comes back as type button", async () => {
  const { id } = await sim.post('inbound', { reply_to: templateId, button: 'LATER' });
  const hook = await receiver.find('the quick reply', messageWith(id));
  const message = normalizeWebhook(hook.json).messages.find((m) => m.id === id);
  assert.equal(message.type, 'button');
  assert.deepEqual(message.button, { payload: 'LATER', text: 'Ahora no' });
  assert.equal(message.from, ana);
});

await check('location, contacts, reaction, sticker and a link button, as kapso writes them', async () => {
  const messageId = all(text, 'messages')[0].id;
  await client.messages.sendLocation({ phoneNumberId, to, location: { latitude: 4.6, longitude: -74.1, name: 'Tienda', address: 'Cra 7' } });
  await client.messages.sendContacts({ phoneNumberId, to, contacts: [{ name: { formattedName: 'Luis Díaz', firstName: 'Luis' }, phones: [{ phone: '+573001234567', type: 'WORK' }] }] });
  await client.messages.sendReaction({ phoneNumberId, to, reaction: { messageId, emoji: '👍' } });
  await client.messages.sendSticker({ phoneNumberId, to, sticker: { link: 'https://example.com/a.webp' } });
  await client.messages.sendInteractiveCtaUrl({ phoneNumberId, to, bodyText: 'Pague aquí', parameters: { displayText: 'Pagar', url: 'https://example.com/pagar' } });
});

await check('a flow goes out, and what was filled in comes back with its token', async () => {
  const sent = await client.messages.sendInteractiveFlow({
    phoneNumberId,
    to,
    bodyText: 'Pida su cita',
    parameters: { flowId: '1234567890', flowCta: 'Agendar', flowMessageVersion: '3', flowToken: 'tok-1', flowAction: 'navigate', flowActionPayload: { screen: 'CITA' } },
  });
  const { id } = await sim.post('inbound', { from: ana, reply_to: sent.messages[0].id, flow: { dia: 'lunes' } });
  const hook = await receiver.find('what was filled in', messageWith(id));
  const message = normalizeWebhook(hook.json).messages.find((m) => m.id === id);
  assert.equal(message.interactive.type, 'nfm_reply');
  assert.equal(message.interactive.nfmReply.name, 'flow');
  assert.deepEqual(JSON.parse(message.interactive.nfmReply.responseJson), { dia: 'lunes', flow_token: 'tok-1' });
  assert.equal(message.context.id, sent.messages[0].id);
});

await check('the list of templates is one that kapso reads', async () => {
  const { data, paging } = await client.templates.list({ businessAccountId: '102290129340398', limit: 1 });
  assert.deepEqual([data.length, data[0].name, data[0].status, data[0].category], [1, 'pedir_foto', 'APPROVED', 'UTILITY']);
  assert.deepEqual(data[0].components.map((c) => c.type), ['HEADER', 'BODY', 'BUTTONS']);
  const rest = await client.templates.list({ businessAccountId: '102290129340398', after: paging.cursors.after });
  assert.deepEqual(rest.data.map((t) => t.name), ['saludo']);
});

await check('media: upload, send by id, read back, remove', async () => {
  const bytes = Buffer.from('ffd8ffe000104a46494600', 'hex');
  const uploaded = await client.media.upload({ phoneNumberId, type: 'image/jpeg', file: new Blob([bytes], { type: 'image/jpeg' }), fileName: 'tv.jpg' });
  const sent = await client.messages.sendImage({ phoneNumberId, to, image: { id: uploaded.id, caption: 'su televisor' } });
  assert.ok(sent.messages[0].id);
  const described = await client.media.get({ mediaId: uploaded.id });
  assert.equal(described.mimeType, 'image/jpeg');
  assert.equal(Number(described.fileSize), bytes.length);
  const read = Buffer.from(await client.media.download({ mediaId: uploaded.id, auth: 'always' }));
  assert.deepEqual(read, bytes);
  assert.equal((await client.media.delete({ mediaId: uploaded.id })).success, true);
  await refused(100, () => client.media.get({ mediaId: uploaded.id }));
});

await check('inbound media carry an id and a digest, and are read in two steps', async () => {
  const bytes = Buffer.from('a photo of a broken television');
  const { id } = await sim.post('inbound', { from: ana, type: 'image', data: bytes.toString('base64'), mime_type: 'image/jpeg', caption: 'así quedó' });
  const hook = await receiver.find('the photo', messageWith(id));
  const image = normalizeWebhook(hook.json).messages.find((m) => m.id === id).image;
  assert.equal(image.caption, 'así quedó');
  const { createHash } = await import('node:crypto');
  assert.equal(image.sha256, createHash('sha256').update(bytes).digest('base64'));
  assert.deepEqual(Buffer.from(await client.media.download({ mediaId: image.id, auth: 'always' })), bytes);
});

await check('a customer known only by a user id is written to by `recipient`; in `to` it is accepted and dropped', async () => {
  const userId = 'CL.1502576394655843';
  const { id } = await sim.post('inbound', { from: { user_id: userId, no_phone: true, username: 'luis' }, type: 'text', text: { body: 'hola' } });
  const hook = await receiver.find('the text', messageWith(id));
  const seen = normalizeWebhook(hook.json);
  assert.equal(seen.messages[0].from, undefined);
  assert.equal(seen.messages[0].fromUserId, userId);
  assert.equal(seen.contacts[0].waId, undefined);
  const good = await client.messages.sendText({ phoneNumberId, recipient: userId, body: 'hola Luis' });
  const receipt = await receiver.find('its receipt', statusOf(good.messages[0].id, 'sent'));
  assert.equal(normalizeWebhook(receipt.json).statuses[0].recipientUserId, userId);
  assert.equal(normalizeWebhook(receipt.json).statuses[0].recipientId, undefined);
  const lost = await client.messages.sendText({ phoneNumberId, to: userId, body: 'hola Luis' });
  assert.ok(lost.messages[0].id.startsWith('wamid.'));
  assert.equal((await sim.post('quiet', { wait_ms: 20000 })).quiet, true);
  assert.ok(!receiver.got.some(statusOf(lost.messages[0].id)));
  assert.equal((await sim.get('counts')).dropped, 1);
});

await check('mark as read with the typing indicator', async () => {
  const id = all(text, 'messages')[0].id;
  assert.equal((await client.messages.markRead({ phoneNumberId, messageId: id, typingIndicator: { type: 'text' } })).success, true);
  assert.ok((await sim.get('webhooks')).read.includes(id));
});

await check('templates that do not exist or do not fit are refused: 132001, 132000, 132012', async () => {
  const send = (template) => () => client.messages.sendTemplate({ phoneNumberId, to, template });
  await refused(132001, send({ name: 'nunca', language: { code: 'es' } }));
  await refused(132001, send({ name: 'saludo', language: { code: 'es_CL' } }));
  await refused(132000, send({ name: 'saludo', language: { code: 'es' }, components: [{ type: 'body', parameters: [{ type: 'text', text: 'x' }] }] }));
  await refused(132012, send({ name: 'pedir_foto', language: { code: 'es' }, components: [{ type: 'body', parameters: [{ type: 'text', text: 'x' }, { type: 'text', text: 'y' }] }] }));
});

await check('a wrong token is refused with 190', async () => {
  const stranger = new WhatsAppClient({ accessToken: 'wrong', baseUrl: sim.url, graphVersion });
  await refused(190, () => stranger.messages.sendText({ phoneNumberId, to, body: 'hola' }));
});

await check('every webhook of this run was signed, and nothing is pending', async () => {
  assert.ok(receiver.got.every((hook) => verify(hook)));
  assert.equal((await sim.post('quiet', { wait_ms: 20000 })).quiet, true);
  const { webhooks } = await sim.get('counts');
  assert.equal(webhooks.posted, receiver.got.length);
  assert.equal(webhooks.failed, 0);
});

await sim.stop();
await receiver.stop();
