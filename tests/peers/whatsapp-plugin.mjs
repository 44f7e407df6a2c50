// The plugin beside @kapso/whatsapp-cloud-api: both send the same through the same simulator, and what each wrote has to be the
// same message but for what a sender is free to choose. What kapso reads out of webhooks and what stands in the gateway's
// thread have to be the same too.
//
//   node whatsapp-plugin.mjs PATH/TO/hilo-sim-whatsapp      (hilod and its plugins lie in the folder above)

import { normalizeWebhook } from '@kapso/whatsapp-cloud-api/server';
import { WhatsAppClient } from '@kapso/whatsapp-cloud-api';
import assert from 'node:assert/strict';
import { dirname, resolve } from 'node:path';
import { check, graphVersion, messageWith, phoneNumberId, startReceiver, startSimulator, token } from './bench.mjs';
import { startGateway } from './gateway.mjs';

const binary = process.argv[2];
if (!binary) {
  console.error('usage: node whatsapp-plugin.mjs PATH/TO/hilo-sim-whatsapp');
  process.exit(2);
}
const build = resolve(dirname(binary), '..');
const ana = '573001112233';
const to = `+${ana}`;

/** Without what a sender may choose: its own id of the message, the token of a flow, defaults that are spelled out, numbers as
 *  text, the plus of a number. */
function same(value, key) {
  if (Array.isArray(value)) return value.map((one) => same(one));
  if (value && typeof value === 'object') {
    const out = {};
    for (const name of Object.keys(value).sort()) {
      if (['biz_opaque_callback_data', 'recipient_type', 'flow_token', 'policy'].includes(name)) continue;
      if (name === 'preview_url' && value[name] === false) continue;
      out[name] = same(value[name], name);
    }
    return out;
  }
  if (key === 'to') return String(value).replace(/^\+/, '');
  if (['latitude', 'longitude', 'index'].includes(key)) return Number(value);
  return value;
}

const receiver = await startReceiver();
const sim = await startSimulator(binary);
const client = new WhatsAppClient({ accessToken: token, baseUrl: sim.url, graphVersion });
await sim.post('config', {
  templates: [{ name: 'pedir_foto', language: 'es', header: 'image', body_parameters: 2, buttons: ['quick_reply', 'url_dynamic'] }],
});
const gateway = await startGateway(build, sim);
await sim.post('config', { webhook_url: `${gateway.url}/hooks/wa` });
const first = await sim.post('inbound', { from: ana, name: 'Ana', type: 'text', text: { body: 'hola' } });
const received = await gateway.line(0, 'message.received');
const firstId = /id=(msg_\w+)/.exec(received)[1];

const m = client.messages;
const at = { phoneNumberId, to };
const link = (name) => `https://example.com/${name}`;
const pairs = [
  ['text', { type: 'text', text: 'hola ñ 🎉' }, () => m.sendText({ ...at, body: 'hola ñ 🎉' })],
  ['image', { type: 'media', kind: 'image', url: link('a.jpg'), caption: 'c' }, () => m.sendImage({ ...at, image: { link: link('a.jpg'), caption: 'c' } })],
  ['video', { type: 'media', kind: 'video', url: link('a.mp4'), caption: 'c' }, () => m.sendVideo({ ...at, video: { link: link('a.mp4'), caption: 'c' } })],
  ['audio', { type: 'media', kind: 'audio', url: link('a.mp3') }, () => m.sendAudio({ ...at, audio: { link: link('a.mp3') } })],
  ['document', { type: 'media', kind: 'document', url: link('a.pdf'), filename: 'a.pdf', caption: 'c' }, () => m.sendDocument({ ...at, document: { link: link('a.pdf'), filename: 'a.pdf', caption: 'c' } })],
  ['sticker', { type: 'media', kind: 'sticker', url: link('a.webp') }, () => m.sendSticker({ ...at, sticker: { link: link('a.webp') } })],
  ['location', { type: 'location', latitude: 4.61, longitude: -74.08, name: 'T', address: 'C' }, () => m.sendLocation({ ...at, location: { latitude: 4.61, longitude: -74.08, name: 'T', address: 'C' } })],
  ['contacts', { type: 'contacts', contacts: [{ name: 'Luis Díaz', first_name: 'Luis', organization: 'X', phones: [{ number: '+573001234567', label: 'WORK' }] }] },
    () => m.sendContacts({ ...at, contacts: [{ name: { formattedName: 'Luis Díaz', firstName: 'Luis' }, org: { company: 'X' }, phones: [{ phone: '+573001234567', type: 'WORK' }] }] })],
  ['reaction', { type: 'reaction', emoji: '👍' }, () => m.sendReaction({ ...at, reaction: { messageId: first.id, emoji: '👍' } }), { reply_to: firstId }],
  ['quote', { type: 'text', text: 'sí' }, () => m.sendText({ ...at, body: 'sí', contextMessageId: first.id }), { reply_to: firstId }],
  ['buttons', { type: 'choices', text: '¿?', footer: 'F', choices: [{ id: 'a', title: 'A' }, { id: 'b', title: 'B' }] },
    () => m.sendInteractiveButtons({ ...at, bodyText: '¿?', footerText: 'F', buttons: [{ id: 'a', title: 'A' }, { id: 'b', title: 'B' }] })],
  ['list', { type: 'choices', text: '¿?', button: 'Ver', choices: [{ id: 'a', title: 'A', description: 'd', section: 'Uno' }, { id: 'b', title: 'B', section: 'Dos' }] },
    () => m.sendInteractiveList({ ...at, bodyText: '¿?', buttonText: 'Ver', sections: [{ title: 'Uno', rows: [{ id: 'a', title: 'A', description: 'd' }] }, { title: 'Dos', rows: [{ id: 'b', title: 'B' }] }] })],
  ['link', { type: 'link', text: 'Pague', button: 'Pagar', url: link('p') }, () => m.sendInteractiveCtaUrl({ ...at, bodyText: 'Pague', parameters: { displayText: 'Pagar', url: link('p') } })],
  ['form', { type: 'form', text: 'Cita', button: 'Agendar', name: '1234567890', screen: 'CITA', data: '{"a":1}' },
    () => m.sendInteractiveFlow({ ...at, bodyText: 'Cita', parameters: { flowId: '1234567890', flowCta: 'Agendar', flowMessageVersion: '3', flowToken: 't', flowAction: 'navigate', flowActionPayload: { screen: 'CITA', data: { a: 1 } } } })],
  ['template',
    { type: 'template', name: 'pedir_foto', language: 'es', parameters: { header: [{ type: 'image', url: link('tv.jpg') }], body: ['Ana', 'televisor'],
      buttons: [{ type: 'quick_reply', index: 0, text: 'LATER' }, { type: 'url', index: 1, text: 'x' }] } },
    () => m.sendTemplate({ ...at, template: { name: 'pedir_foto', language: { code: 'es' }, components: [
      { type: 'header', parameters: [{ type: 'image', image: { link: link('tv.jpg') } }] },
      { type: 'body', parameters: [{ type: 'text', text: 'Ana' }, { type: 'text', text: 'televisor' }] },
      { type: 'button', subType: 'quick_reply', index: 0, parameters: [{ type: 'payload', payload: 'LATER' }] },
      { type: 'button', subType: 'url', index: 1, parameters: [{ type: 'text', text: 'x' }] }] } })],
];

let seen = 0;
const sentBy = async (what, send) => {
  const waiting = sim.get(`messages?since=${seen}&min=1&wait_ms=20000`);
  await send();
  const { messages, next } = await waiting;
  assert.equal(messages.length, 1, what);
  seen = next;
  return messages[0];
};

for (const [what, content, bySdk, more] of pairs) {
  await check(`${what}: the plugin and kapso write the same`, async () => {
    const theirs = await sentBy(what, bySdk);
    const ours = await sentBy(what, () => gateway.call('POST', '/v1/messages', { to: { phone: to }, channel: 'wa', content, ...more }));
    assert.match(ours.biz_opaque_callback_data, /^msg_/);
    assert.deepEqual(same(ours.body), same(theirs.body));
  });
}

await check('what kapso reads out of a webhook is what stands in the thread', async () => {
  const inbound = [
    { type: 'text', text: { body: '¿Mañana? 🎉' } },
    { type: 'location', location: { latitude: -33.45, longitude: -70.6, name: 'Tienda' } },
    { type: 'reaction', reaction: { message_id: first.id, emoji: '👍' } },
    { type: 'order', order: { catalog_id: 'C', product_items: [{ product_retailer_id: 'sku', quantity: 2, item_price: 30, currency: 'USD' }] } },
    { reply_to: 'last', flow: { dia: 'lunes' } },
    { type: 'button', button: { payload: 'BAJA', text: 'No más' } },
  ];
  const same = {
    text: (theirs, ours) => assert.equal(ours.content.text, theirs.text.body),
    location: (theirs, ours) => assert.deepEqual([ours.content.latitude, ours.content.name], [theirs.location.latitude, theirs.location.name]),
    reaction: (theirs, ours) => assert.deepEqual([ours.content.emoji, ours.reply_to], [theirs.reaction.emoji, firstId]),
    order: (theirs, ours) => assert.equal(ours.content.items[0].sku, theirs.order.productItems[0].productRetailerId),
    interactive: (theirs, ours) => assert.deepEqual(JSON.parse(ours.content.data), JSON.parse(theirs.interactive.nfmReply.responseJson)),
    button: (theirs, ours) => assert.deepEqual([ours.content.choice, ours.content.title], [theirs.button.payload, theirs.button.text]),
  };
  for (const one of inbound) {
    await sim.post('config', { webhook_url: receiver.url });
    const { id } = await sim.post('inbound', { from: ana, ...one });
    const hook = await receiver.find('the webhook', messageWith(id));
    const theirs = normalizeWebhook(hook.json).messages.find((message) => message.id === id);
    /* the same bytes to the gateway */
    await sim.post('config', { webhook_url: `${gateway.url}/hooks/wa` });
    const from = gateway.lines.length;
    assert.equal((await sim.post('post', { payload: hook.json })).status, 200);
    const ours = await gateway.call('GET', `/v1/messages/${/id=(msg_\w+)/.exec(await gateway.line(from, 'message.received'))[1]}`);
    assert.equal(ours.provider_id, id);
    same[theirs.type](theirs, ours);
  }
});

await gateway.stop();
await sim.stop();
await receiver.stop();
