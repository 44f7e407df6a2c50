// The simulator's own promises, each shown to hold: the rules of outbound bodies, its faults on demand, its webhook
// queue. Needs no package.
//
//   node whatsapp-rules.mjs PATH/TO/hilo-sim-whatsapp

import assert from 'node:assert/strict';
import { all, check, messageWith, phoneNumberId, startReceiver, startSimulator, statusOf, token } from './bench.mjs';

const binary = process.argv[2];
if (!binary) {
  console.error('usage: node whatsapp-rules.mjs PATH/TO/hilo-sim-whatsapp');
  process.exit(2);
}

const receiver = await startReceiver();
const sim = await startSimulator(binary);
const ana = '573001112233';
const base = { messaging_product: 'whatsapp', recipient_type: 'individual', to: ana };
const of = (type, content, more = {}) => ({ ...base, type, [type]: content, ...more });
const text = (body, more) => of('text', { body }, more);
const interactive = (type, action, more = {}) => of('interactive', { type, body: { text: 'B' }, action, ...more });
const button = (id, title) => ({ type: 'reply', reply: { id, title } });
const buttons = (list, more) => interactive('button', { buttons: list }, more);
const rows = (n, from = 0) => Array.from({ length: n }, (_, i) => ({ id: `r${from + i}`, title: `T${from + i}` }));
const list = (sections, more) => interactive('list', { button: 'Ver', sections }, more);
const template = (name, components, language = { code: 'es' }) => of('template', { name, language, components });
const words = (...texts) => ({ type: 'body', parameters: texts.map((t) => ({ type: 'text', text: t })) });
const flow = (parameters) => interactive('flow', { name: 'flow', parameters: { flow_message_version: '3', flow_cta: 'Abrir', ...parameters } });
const photo = { type: 'header', parameters: [{ type: 'image', image: { link: 'https://example.com/a.jpg' } }] };
const x = (n) => 'x'.repeat(n);

await sim.post('config', {
  webhook_url: receiver.url,
  templates: [
    { name: 'plain', language: 'es' },
    { name: 'two', language: 'es', body_parameters: 2 },
    { name: 'photo', language: 'es', header: 'image', body_parameters: 1, buttons: 1 },
    { name: 'link', language: 'es', buttons: ['quick_reply', 'url_dynamic'] },
    { name: 'named', language: 'es', body_parameters: 2, parameter_names: ['name', 'day'] },
    { name: 'paused', language: 'es', status: 'PAUSED' },
    { name: 'pending', language: 'es', status: 'PENDING' },
    { name: 'form', language: 'es', buttons: ['flow'] },
    { name: 'otp', language: 'es', category: 'AUTHENTICATION', body_parameters: 1 },
  ],
});
await sim.post('faults', { statuses: [] });
await sim.post('window', { customer: ana, open: true });
await sim.post('window', { customer: 'CO.123', open: true });

// [what, body, the code it is refused with or 0]
const cases = [
  ['text', text('hola'), 0],
  ['text of 4096 code points', text('ñ'.repeat(4096)), 0],
  ['text of 4097', text(x(4097)), 100],
  ['empty text', text(''), 100],
  ['text without body', of('text', {}), 131008],
  ['text that is no string', of('text', { body: 7 }), 100],
  ['text with an unknown key', of('text', { body: 'a', bold: true }), 100],
  ['preview_url as a string', of('text', { body: 'a', preview_url: 'yes' }), 100],
  ['no product', { to: ana, type: 'text', text: { body: 'a' } }, 100],
  ['another product', text('a', { messaging_product: 'sms' }), 100],
  ['an unknown top-level field', text('a', { priority: 1 }), 100],
  ['a second content', text('a', { image: { id: '1' } }), 100],
  ['content of another type', { ...base, type: 'text', image: { id: '1' } }, 100],
  ['an unknown type', of('hologram', {}), 131051],
  ['no recipient', { messaging_product: 'whatsapp', type: 'text', text: { body: 'a' } }, 131008],
  ['a phone with +', text('a', { to: `+${ana}` }), 0],
  ['a phone with spaces', text('a', { to: '57 300 1112233' }), 131009],
  ['a phone as a number', text('a', { to: 573001112233 }), 100],
  ['the business itself', text('a', { to: '15550783881' }), 131021],
  ['a group', text('a', { recipient_type: 'group' }), 131009],
  ['a user id in recipient', { messaging_product: 'whatsapp', recipient: 'CO.123', type: 'text', text: { body: 'a' } }, 0],
  ['a phone in recipient', text('a', { to: undefined, recipient: ana }), 131009],
  ['a user id in to', text('a', { to: 'CO.123' }), 0],
  ['a context', text('a', { context: { message_id: 'wamid.QUJD' } }), 0],
  ['a context that is no message', text('a', { context: { message_id: '7' } }), 131009],
  ['callback data of 512', text('a', { biz_opaque_callback_data: x(512) }), 0],
  ['callback data of 513', text('a', { biz_opaque_callback_data: x(513) }), 100],
  ['image by link', of('image', { link: 'https://example.com/a.jpg', caption: 'c' }), 0],
  ['image by link and id', of('image', { link: 'https://example.com/a.jpg', id: '1' }), 100],
  ['image by nothing', of('image', { caption: 'c' }), 131008],
  ['image by an unknown id', of('image', { id: '99' }), 131009],
  ['image by a link that is none', of('image', { link: 'ftp://example.com/a' }), 131009],
  ['caption of 1025', of('image', { link: 'https://example.com/a.jpg', caption: x(1025) }), 100],
  ['audio with caption', of('audio', { link: 'https://example.com/a.ogg', caption: 'c' }), 100],
  ['document with filename', of('document', { link: 'https://example.com/a.pdf', filename: 'a.pdf' }), 0],
  ['image with filename', of('image', { link: 'https://example.com/a.jpg', filename: 'a.jpg' }), 100],
  ['location in strings', of('location', { latitude: '-33.4', longitude: '-70.6', name: 'Tienda' }), 0],
  ['location in numbers', of('location', { latitude: -33.4, longitude: -70.6 }), 0],
  ['location off the earth', of('location', { latitude: 91, longitude: 0 }), 131009],
  ['reaction', of('reaction', { message_id: 'wamid.QUJD', emoji: '👍' }), 0],
  ['reaction removed', of('reaction', { message_id: 'wamid.QUJD', emoji: '' }), 0],
  ['reaction in words', of('reaction', { message_id: 'wamid.QUJD', emoji: 'ok' }), 131009],
  ['contacts', of('contacts', [{ name: { formatted_name: 'A B', first_name: 'A' }, phones: [{ phone: '+57', type: 'WORK' }] }]), 0],
  ['contacts with one name', of('contacts', [{ name: { formatted_name: 'A B' } }]), 131009],
  ['three buttons', buttons([button('a', 'A'), button('b', 'B'), button('c', 'C')]), 0],
  ['four buttons', buttons(['a', 'b', 'c', 'd'].map((t) => button(t, t))), 131009],
  ['no buttons', buttons([]), 131009],
  ['button title of 20', buttons([button('a', x(20))]), 0],
  ['button title of 21', buttons([button('a', x(21))]), 100],
  ['empty button title', buttons([button('a', '')]), 100],
  ['button id of 257', buttons([button(x(257), 'A')]), 100],
  ['two buttons of one title', buttons([button('a', 'A'), button('b', 'A')]), 131009],
  ['two buttons of one id', buttons([button('a', 'A'), button('a', 'B')]), 131009],
  ['button body of 1025', buttons([button('a', 'A')], { body: { text: x(1025) } }), 100],
  ['buttons without body', buttons([button('a', 'A')], { body: undefined }), 131008],
  ['buttons with header and footer', buttons([button('a', 'A')], { header: { type: 'text', text: 'H' }, footer: { text: 'F' } }), 0],
  ['header of 61', buttons([button('a', 'A')], { header: { type: 'text', text: x(61) } }), 100],
  ['footer of 61', buttons([button('a', 'A')], { footer: { text: x(61) } }), 100],
  ['list of ten rows', list([{ rows: rows(10) }]), 0],
  ['list of eleven rows in two sections', list([{ title: 'A', rows: rows(6) }, { title: 'B', rows: rows(5, 6) }]), 131009],
  ['two sections, one without title', list([{ title: 'A', rows: rows(1) }, { rows: rows(1, 1) }]), 131008],
  ['list body of 4096', list([{ rows: rows(1) }], { body: { text: x(4096) } }), 0],
  ['list with an image header', list([{ rows: rows(1) }], { header: { type: 'image', image: { id: '1' } } }), 131009],
  ['row title of 25', list([{ rows: [{ id: 'a', title: x(25) }] }]), 100],
  ['row description of 73', list([{ rows: [{ id: 'a', title: 'A', description: x(73) }] }]), 100],
  ['row id of 201', list([{ rows: [{ id: x(201), title: 'A' }] }]), 100],
  ['two rows of one id in two sections', list([{ title: 'A', rows: rows(1) }, { title: 'B', rows: rows(1) }]), 131009],
  ['list button of 21', interactive('list', { button: x(21), sections: [{ rows: rows(1) }] }), 100],
  ['section title of 25', list([{ title: x(25), rows: rows(1) }]), 100],
  ['link button', interactive('cta_url', { name: 'cta_url', parameters: { display_text: 'Pagar', url: 'https://example.com' } }), 0],
  ['products', interactive('product', { catalog_id: '1', product_retailer_id: 'x' }), 131051],
  ['template without parameters', template('plain'), 0],
  ['template with policy', template('plain', [], { code: 'es', policy: 'deterministic' }), 0],
  ['template that does not exist', template('none'), 132001],
  ['template in another language', template('plain', [], { code: 'en' }), 132001],
  ['template that is pending', template('pending'), 132001],
  ['template that is paused', template('paused'), 132015],
  ['two parameters', template('two', [words('a', 'b')]), 0],
  ['one of two parameters', template('two', [words('a')]), 132000],
  ['no component for two parameters', template('two'), 132000],
  ['a parameter with a new line', template('two', [words('a', 'b\nc')]), 100],
  ['an empty parameter', template('two', [words('a', '')]), 100],
  ['a currency', template('two', [{ type: 'body', parameters: [{ type: 'text', text: 'a' }, { type: 'currency', currency: { fallback_value: '$1', code: 'CLP', amount_1000: 1000 } }] }]), 0],
  ['a currency without amount', template('two', [{ type: 'body', parameters: [{ type: 'text', text: 'a' }, { type: 'currency', currency: { fallback_value: '$1', code: 'CLP' } }] }]), 131008],
  ['image header', template('photo', [photo, words('a')]), 0],
  ['image header missing', template('photo', [words('a')]), 132012],
  ['header where there is none', template('two', [photo, words('a', 'b')]), 132000],
  ['quick reply payload', template('photo', [photo, words('a'), { type: 'button', sub_type: 'quick_reply', index: '0', parameters: [{ type: 'payload', payload: 'P' }] }]), 0],
  ['a button that the template lacks', template('photo', [photo, words('a'), { type: 'button', sub_type: 'quick_reply', index: '1', parameters: [{ type: 'payload', payload: 'P' }] }]), 131009],
  ['url suffix', template('link', [{ type: 'button', sub_type: 'url', index: 1, parameters: [{ type: 'text', text: 'p' }] }]), 0],
  ['url suffix missing', template('link'), 131008],
  ['named parameters', template('named', [{ type: 'body', parameters: [{ type: 'text', parameter_name: 'day', text: 'a' }, { type: 'text', parameter_name: 'name', text: 'b' }] }]), 0],
  ['named parameters without names', template('named', [words('a', 'b')]), 100],
  ['authentication by user id', { messaging_product: 'whatsapp', recipient: 'CO.123', type: 'template', template: { name: 'otp', language: { code: 'es' }, components: [words('1')] } }, 131062],
  ['flow by id', flow({ flow_id: '12', flow_token: 't', flow_action: 'navigate', flow_action_payload: { screen: 'ONE', data: { a: 1 } } }), 0],
  ['flow by name', flow({ flow_name: 'cita' }), 0],
  ['flow by id and name', flow({ flow_id: '12', flow_name: 'cita' }), 131009],
  ['flow by neither', flow({}), 131009],
  ['flow of another version', flow({ flow_id: '12', flow_message_version: '2' }), 131009],
  ['flow without a label', flow({ flow_id: '12', flow_cta: undefined }), 131008],
  ['flow with a label of 31', flow({ flow_id: '12', flow_cta: x(31) }), 100],
  ['flow with a screen and data_exchange', flow({ flow_id: '12', flow_action: 'data_exchange', flow_action_payload: { screen: 'ONE' } }), 131009],
  ['flow without a screen', flow({ flow_id: '12', flow_action_payload: { data: { a: 1 } } }), 131008],
  ['flow with empty data', flow({ flow_id: '12', flow_action_payload: { screen: 'ONE', data: {} } }), 131009],
  ['link button', interactive('cta_url', { name: 'cta_url', parameters: { display_text: 'Pagar', url: 'https://example.com/p?a=1' } }), 0],
  ['link button without a scheme', interactive('cta_url', { name: 'cta_url', parameters: { display_text: 'Pagar', url: 'example.com' } }), 131009],
  ["a template's flow", template('form', [{ type: 'button', sub_type: 'flow', index: '0', parameters: [{ type: 'action', action: { flow_token: 't', flow_action_data: { a: 1 } } }] }]), 0],
  ["a template's flow with a text", template('form', [{ type: 'button', sub_type: 'flow', index: '0', parameters: [{ type: 'text', text: 'x' }] }]), 132012],
  ['a parameter with a new line', template('two', [words('a\nb', 'c')]), 100],
  ['a parameter with a tab', template('two', [words('a\tb', 'c')]), 100],
  ['a parameter with five spaces', template('two', [words('a     b', 'c')]), 100],
  ['an array', [], 100],
  ['broken JSON', '{"messaging_product":"whatsapp"', 100],
  ['a key given twice', `{"messaging_product":"whatsapp","to":"${ana}","to":"${ana}","type":"text","text":{"body":"a"}}`, 100],
];

await check(`the rules of outbound bodies: ${cases.length} bodies`, async () => {
  let accepted = 0;
  for (const [what, body, code] of cases) {
    const answer = await sim.send(body);
    assert.equal(answer.json?.error?.code ?? 0, code, `${what}: ${answer.text}`);
    assert.equal(answer.status === 200, code === 0, what);
    if (code) {
      assert.ok(answer.json.error.message.startsWith(`(#${code}) `), what);
      assert.ok(answer.json.error.fbtrace_id, what);
    } else {
      accepted++;
      assert.ok(answer.json.messages[0].id.startsWith('wamid.'), what);
    }
  }
  const { messages, total } = await sim.get('messages');
  assert.equal(total, accepted);
  assert.deepEqual(messages.map((m) => m.seq), Array.from({ length: accepted }, (_, i) => i + 1));
  assert.deepEqual(messages.find((m) => m.biz_opaque_callback_data)?.body.biz_opaque_callback_data, x(512));
});

await check('token, path, content type', async () => {
  const post = (headers, path = `${phoneNumberId}/messages`) => sim.graph('POST', path, text('a'), headers);
  assert.equal((await post({ Authorization: '' })).json.error.code, 0);
  assert.equal((await post({ Authorization: `bearer ${token}` })).status, 401);
  assert.equal((await post({ Authorization: `Bearer ${token}x` })).json.error.code, 190);
  assert.equal((await post({}, '123/messages')).json.error.error_subcode, 33);
  assert.equal((await post({ 'Content-Type': 'text/plain' })).json.error.code, 100);
  assert.equal((await sim.graph('GET', '102290129340398/message_templates')).json.data.length, 9);
});

await check('the window: closed by hand, opened by a message, refused late when so configured', async () => {
  await sim.post('window', { customer: ana, open: false });
  assert.equal((await sim.send(text('a'))).json.error.code, 131047);
  assert.equal((await sim.send(template('plain'))).status, 200);
  await sim.post('config', { window_refusal: 'status' });
  const id = (await sim.send(text('a'))).json.messages[0].id;
  const hook = await receiver.find('failed', statusOf(id, 'failed'));
  assert.equal(all(hook, 'statuses')[0].errors[0].code, 131047);
  await sim.post('config', { window_refusal: 'sync' });
  await sim.post('inbound', { from: ana, type: 'text', text: { body: 'hola' } });
  assert.equal((await sim.send(text('a'))).status, 200);
});

await check('faults: 429 with Retry-After, 500, a code, dropped before and after, a 500 and garbage after', async () => {
  const total = async () => (await sim.get('counts')).accepted;
  const before = await total();
  const one = async (fault, body = text('a')) => {
    await sim.post('faults', { count: 1, ...fault });
    return sim.send(body);
  };
  const slow = await one({ reply: '429', retry_after: 7 });
  assert.equal(slow.status, 429);
  assert.equal(slow.headers.get('retry-after'), '7');
  assert.equal(slow.json.error.code, 130429);
  assert.equal((await one({ reply: '500' })).json.error.code, 131000);
  const paired = await one({ reply: 'error:131056' });
  assert.deepEqual([paired.status, paired.json.error.code], [429, 131056]);
  await assert.rejects(one({ reply: 'drop_before' }));
  assert.equal(await total(), before);
  await assert.rejects(one({ reply: 'drop_after_accept' }));
  assert.equal((await one({ reply: '500_after_accept' })).status, 500);
  const garbage = await one({ reply: 'garbage' });
  assert.deepEqual([garbage.status, garbage.json], [200, undefined]);
  assert.equal(await total(), before + 3);
  assert.equal((await sim.send(text('a'))).status, 200, 'a fault with count 1 is over');
  assert.equal((await one({ reply: 'ok', delay_ms: 30 })).status, 200);
  await sim.post('faults', { count: -1, delay_ms: 0 });
});

await check('a probability with a seed gives the same faults again', async () => {
  const run = async () => {
    await sim.post('faults', { reply: '500', probability: 0.5, seed: 42 });
    const seen = [];
    for (let i = 0; i < 24; i++) seen.push((await sim.send(text('a'))).status);
    return seen;
  };
  const first = await run();
  assert.deepEqual(await run(), first);
  assert.deepEqual([...new Set(first)].sort(), [200, 500]);
  await sim.post('faults', { reply: 'ok', probability: 1 });
});

await check('callback data that was accepted twice is told as a duplicate', async () => {
  for (const data of ['d1', 'd2', 'd1']) await sim.send(text('a', { biz_opaque_callback_data: data }));
  const { duplicates } = await sim.get('counts');
  assert.deepEqual(duplicates, [{ biz_opaque_callback_data: 'd1', accepted: 2 }]);
});

await check('messages are waited for: the answer comes when the send does', async () => {
  const { next } = await sim.get('messages');
  const waiting = sim.get(`messages?since=${next}&min=2&wait_ms=20000`);
  await sim.send(text('one'));
  await sim.send(text('two'));
  assert.deepEqual((await waiting).messages.map((m) => m.body.text.body), ['one', 'two']);
});

await check('a webhook that is not answered with 200 comes again until it is', async () => {
  const start = receiver.got.length;
  receiver.answer = (n) => (n < start + 3 ? 503 : 200);
  const { id } = await sim.post('inbound', { from: ana, type: 'text', text: { body: 'again' } });
  assert.equal((await sim.post('quiet', { wait_ms: 20000 })).quiet, true);
  assert.deepEqual(receiver.got.filter(messageWith(id)).map((hook) => hook.answered), [503, 503, 503, 200]);
  assert.ok((await sim.get('webhooks')).acked.includes(id));
  receiver.answer = 200;
});

await check('a receiver that is gone loses nothing, and the order stays', async () => {
  await sim.post('config', { webhook_url: 'http://127.0.0.1:1/hooks' });
  const { ids } = await sim.post('inbound', { from: ana, type: 'text', text: { body: 'n' }, count: 50 });
  const { acked } = await sim.get('webhooks');
  assert.ok(!ids.some((id) => acked.includes(id)));
  const start = receiver.got.length;
  await sim.post('config', { webhook_url: receiver.url });
  assert.equal((await sim.post('quiet', { wait_ms: 20000 })).quiet, true);
  assert.deepEqual(receiver.got.slice(start).flatMap((hook) => all(hook, 'messages').map((m) => m.id)), ids);
});

await check('batches: in one value, in several changes, in several entries', async () => {
  for (const [style, entries, changes] of [['values', 1, 1], ['changes', 1, 5], ['entries', 5, 5]]) {
    await sim.post('config', { batch: 5, batch_style: style, webhook_url: 'http://127.0.0.1:1/' });
    const { ids } = await sim.post('inbound', { from: ana, type: 'text', text: { body: 'n' }, count: 5 });
    const start = receiver.got.length;
    await sim.post('config', { webhook_url: receiver.url });
    assert.equal((await sim.post('quiet', { wait_ms: 20000 })).quiet, true);
    assert.equal(receiver.got.length, start + 1, style);
    const { json } = receiver.got[start];
    assert.equal(json.entry.length, entries, style);
    assert.equal(json.entry.flatMap((e) => e.changes).length, changes, style);
    assert.deepEqual(all(receiver.got[start], 'messages').map((m) => m.id), ids);
    assert.ok(json.entry.every((e) => e.changes.every((c) => c.value.contacts.length === 1)), style);
  }
  await sim.post('config', { batch: 1, batch_style: 'values' });
});

await check('duplicates and another order, on demand', async () => {
  await sim.post('faults', { duplicate_webhooks: true, reorder_webhooks: true, reorder_ms: 30, seed: 7 });
  const start = receiver.got.length;
  const { ids } = await sim.post('inbound', { from: ana, type: 'text', text: { body: 'n' }, count: 20 });
  assert.equal((await sim.post('quiet', { wait_ms: 20000 })).quiet, true);
  const seen = receiver.got.slice(start).flatMap((hook) => all(hook, 'messages').map((m) => m.id));
  assert.equal(seen.length, 40);
  assert.deepEqual([...seen].sort(), [...ids, ...ids].sort());
  assert.notDeepEqual([...new Set(seen)], ids);
  await sim.post('faults', { duplicate_webhooks: false, reorder_webhooks: false });
});

await check('statuses: as configured, failed with an error, by hand, and for a message nobody sent', async () => {
  await sim.post('faults', { statuses: ['sent', 'failed'], status_error: 131049 });
  const id = (await sim.send(text('a'))).json.messages[0].id;
  const failed = await receiver.find('failed', statusOf(id, 'failed'));
  assert.equal(all(failed, 'statuses')[0].errors[0].code, 131049);
  assert.ok(receiver.got.some(statusOf(id, 'sent')));
  await sim.post('status', { id, status: 'read' });
  await receiver.find('read', statusOf(id, 'read'));
  assert.equal((await sim.call('POST', 'status', { id: 'wamid.none', status: 'read' })).status, 404);
  await sim.post('status', { id: 'wamid.none', status: 'delivered', recipient_id: ana });
  await receiver.find('the orphan', statusOf('wamid.none', 'delivered'));
  await sim.post('faults', { statuses: [], status_error: 0 });
});

await check('media: a link that is used up or expired, and every fault of a download', async () => {
  const form = (name, bytes, type) => {
    const body = new FormData();
    body.append('messaging_product', 'whatsapp');
    body.append('file', new Blob([bytes], { type }), name);
    return fetch(`${sim.url}/v23.0/${phoneNumberId}/media`, { method: 'POST', headers: { Authorization: `Bearer ${token}` }, body });
  };
  const bytes = Buffer.alloc(300000, 'z');
  const { id } = await (await form('a.pdf', bytes, 'application/pdf')).json();
  const link = async () => (await sim.graph('GET', id)).json;
  const load = (url, headers = { Authorization: `Bearer ${token}` }) => fetch(url, { headers });
  const body = async (response) => Buffer.from(await response.arrayBuffer());

  await sim.post('config', { media_url_uses: 1 });
  const { url, sha256 } = await link();
  assert.match(sha256, /^[0-9a-f]{64}$/);
  assert.equal((await load(url, {})).status, 401);
  assert.deepEqual(await body(await load(url)), bytes);
  assert.equal((await load(url)).status, 404, 'a link with one use');
  await sim.post('config', { media_url_uses: 0, media_url_s: 0 });
  assert.equal((await load((await link()).url)).status, 404, 'an expired link');
  await sim.post('config', { media_url_s: 300 });

  const fault = async (media_fault) => {
    await sim.post('faults', { media_fault, media_count: 1 });
    return load((await link()).url);
  };
  assert.equal((await fault('500')).status, 500);
  assert.equal((await fault('404')).status, 404);
  await assert.rejects(fault('drop'));
  await assert.rejects(async () => body(await fault('truncate')));
  const wrong = await body(await fault('wrong_bytes'));
  assert.equal(wrong.length, bytes.length);
  assert.notDeepEqual(wrong, bytes);
  assert.deepEqual(await body(await load((await link()).url)), bytes);

  assert.equal((await (await form('a.exe', bytes, 'application/x-msdownload')).json()).error.code, 100);
  assert.equal((await (await form('a.png', Buffer.alloc((5 << 20) + 1), 'image/png')).json()).error.code, 131053);
  assert.equal((await (await form('a.png', Buffer.alloc(0), 'image/png')).json()).error.code, 131053);
  assert.equal((await sim.send(of('image', { id }))).json.error.code, 131053, 'a document sent as an image');
  assert.equal((await sim.send(of('document', { id }))).status, 200);
});

await check('pair rate and throughput are token buckets, by the clock of the control API', async () => {
  const bea = '573009998877';
  const codes = async (n, to) => {
    const seen = [];
    for (let i = 0; i < n; i++) seen.push((await sim.send(text('a', { to }))).json.error?.code ?? 0);
    return seen;
  };
  await sim.post('config', { enforce_window: false, pair_interval_ms: 6000, pair_burst: 3, limit_retry_after_s: 9 });
  assert.deepEqual(await codes(4, bea), [0, 0, 0, 131056]);
  assert.deepEqual(await codes(1, ana), [0], 'another recipient has its own bucket');
  const refused = await sim.send(text('a', { to: bea }));
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '9']);
  await sim.post('clock', { advance_s: 6 });
  assert.deepEqual(await codes(2, bea), [0, 131056], 'one more every six seconds');
  await sim.post('clock', { advance_s: 600 });
  assert.deepEqual(await codes(4, bea), [0, 0, 0, 131056], 'and the burst comes back');
  await sim.post('config', { pair_interval_ms: 0, rate_per_s: 1, rate_burst: 2 });
  assert.deepEqual(await codes(3, bea), [0, 0, 130429]);
  assert.deepEqual(await codes(1, ana), [130429], 'all recipients share it');
  await sim.post('clock', { advance_s: 1 });
  assert.deepEqual(await codes(2, ana), [0, 130429]);
  await sim.post('config', { rate_per_s: 0, limit_retry_after_s: 0, enforce_window: true });
  const counts = await sim.get('counts');
  assert.deepEqual([counts.throttled, counts.pair_throttled], [3, 4]);
});

await check('the window closes a day later by the clock', async () => {
  await sim.post('inbound', { from: ana, type: 'text', text: { body: 'hola' } });
  await sim.post('clock', { advance_s: 86399 });
  assert.equal((await sim.send(text('a'))).status, 200);
  await sim.post('clock', { advance_s: 2 });
  assert.equal((await sim.send(text('a'))).json.error.code, 131047);
  await sim.post('window', { customer: ana, open: true });
  assert.equal((await sim.send(text('a'))).status, 200);
});

await check('a token that has expired is 190 with subcode 463, until it works again', async () => {
  await sim.post('config', { token_expired: true });
  const { status, json } = await sim.send(text('a'));
  assert.deepEqual([status, json.error.code, json.error.error_subcode], [401, 190, 463]);
  await sim.post('config', { token_expired: false });
  assert.equal((await sim.send(text('a'))).status, 200);
});

await check('the list of templates: pages, fields, and each change told by a webhook', async () => {
  const path = '102290129340398/message_templates';
  const seen = [];
  for (let after = ''; ; ) {
    const { json } = await sim.graph('GET', `${path}?limit=4&fields=name,language,status${after && `&after=${after}`}`);
    assert.ok(json.data.length <= 4);
    seen.push(...json.data.map((t) => t.name));
    assert.ok(json.data.every((t) => t.id && !('components' in t)));
    if (!json.paging?.next) break;
    after = json.paging.cursors.after;
    assert.ok(json.paging.next.includes(after));
  }
  assert.deepEqual(seen, ['plain', 'two', 'photo', 'link', 'named', 'paused', 'pending', 'form', 'otp']);
  const named = (await sim.graph('GET', path)).json.data.find((t) => t.name === 'named');
  assert.deepEqual([named.parameter_format, named.components], ['NAMED', [{ type: 'BODY', text: 'named {{name}} {{day}}' }]]);
  assert.equal((await sim.graph('GET', `${path}?fields=nonsense`)).json.error.code, 100);
  assert.equal((await sim.graph('GET', `${path}?after=zzz`)).json.error.code, 100);

  const start = receiver.got.length;
  await sim.post('template', { name: 'two', language: 'es', status: 'PAUSED', quality: 'RED', category: 'MARKETING', text: 'Hola {{1}} {{2}}' });
  assert.equal((await sim.post('quiet', { wait_ms: 20000 })).quiet, true);
  const changes = receiver.got.slice(start).flatMap((hook) => hook.json.entry[0].changes);
  assert.deepEqual(changes.map((c) => c.field), ['message_template_status_update', 'template_category_update', 'message_template_quality_update', 'message_template_components_update']);
  assert.deepEqual([changes[0].value.event, changes[1].value.new_category, changes[2].value.new_quality_score, changes[3].value.message_template_element], ['PAUSED', 'MARKETING', 'RED', 'Hola {{1}} {{2}}']);
  assert.ok(changes.every((c) => c.value.message_template_name === 'two' && c.value.message_template_language === 'es'));
  assert.equal((await sim.send(template('two', [words('a', 'b')]))).json.error.code, 132015);
  await sim.post('template', { name: 'two', language: 'es', status: 'APPROVED', silent: true });
  assert.equal((await sim.send(template('two', [words('a', 'b')]))).status, 200);
  assert.equal((await sim.call('POST', 'template', { name: 'none', language: 'es' })).status, 400);
});

await check('any other field comes by the queue too', async () => {
  const start = receiver.got.length;
  await sim.post('field', { field: 'account_update', value: { event: 'ACCOUNT_RESTRICTION' } });
  assert.equal((await sim.post('quiet', { wait_ms: 20000 })).quiet, true);
  assert.deepEqual(receiver.got[start].json.entry[0].changes, [{ value: { event: 'ACCOUNT_RESTRICTION' }, field: 'account_update' }]);
});

await check('stickers: 100 KB still, 500 KB if they move', async () => {
  const webp = (n, moves) => {
    const bytes = Buffer.alloc(n);
    bytes.write('RIFF', 0);
    bytes.write('WEBPVP8X', 8);
    bytes[20] = moves ? 2 : 0;
    return bytes;
  };
  const upload = async (bytes) => {
    const body = new FormData();
    body.append('messaging_product', 'whatsapp');
    body.append('file', new Blob([bytes], { type: 'image/webp' }), 's.webp');
    const answer = await fetch(`${sim.url}/v23.0/${phoneNumberId}/media`, { method: 'POST', headers: { Authorization: `Bearer ${token}` }, body });
    return answer.json();
  };
  assert.ok((await upload(webp(102400, false))).id);
  assert.equal((await upload(webp(102401, false))).error.code, 131053);
  assert.ok((await upload(webp(512000, true))).id);
  assert.equal((await upload(webp(512001, true))).error.code, 131053);
});

await check('the control API names what it does not understand', async () => {
  for (const [path, body, word] of [
    ['config', { webhok_url: 'x' }, 'webhok_url'],
    ['config', { webhook_url: 'example.com' }, 'webhook_url'],
    ['config', { templates: [{ name: 'a' }] }, 'language'],
    ['faults', { reply: 'explode' }, 'reply'],
    ['faults', { probability: 2 }, 'probability'],
    ['inbound', { type: 'text', text: { body: 'a' } }, 'from'],
    ['inbound', { from: 'ana', type: 'text', text: { body: 'a' } }, 'from'],
    ['inbound', { from: ana, type: 'image' }, 'file'],
    ['inbound', { from: ana, reply_to: 'wamid.none', button: 'a' }, 'reply_to'],
    ['inbound', { from: ana, reply_to: 'last', button: 'nope' }, 'nope'],
    ['inbound', { from: ana, reply_to: 'last', flow: 'x' }, 'flow'],
    ['clock', { advance_s: -1 }, 'advance_s'],
    ['field', { field: 'x' }, 'value'],
  ]) {
    const { status, json } = await sim.call('POST', path, body);
    assert.equal(status, 400, JSON.stringify(body));
    assert.ok(json.error.includes(word), json.error);
  }
  assert.equal((await sim.call('GET', 'nothing')).status, 404);
});

await check('any body can be posted with a good, a bad or no signature', async () => {
  for (const signature of ['good', 'bad', 'none']) {
    receiver.answer = 418;
    const start = receiver.got.length;
    const answer = await sim.post('post', { payload: { object: 'page', entry: [] }, signature });
    assert.equal(answer.status, 418);
    assert.equal('x-hub-signature-256' in receiver.got[start].headers, signature !== 'none');
    receiver.answer = 200;
  }
});

await sim.stop();
await receiver.stop();
