// The gateway's SMS channel against an SMSC by npm smpp, with what real ones do wrong: it throttles, hangs up, answers late,
// and writes ids in two ways.
//
//   node smpp-plugin.mjs PATH/TO/hilo-sim-smsc      (hilod and its plugins lie in the folder above)

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { dirname, resolve } from 'node:path';
import smpp from 'smpp';
import { check, within } from './bench.mjs';
import { startGateway } from './bench-smpp.mjs';

const build = resolve(dirname(process.argv[2]), '..');
const sessions = [];
const submits = [];
let nextId = 0x5a3f00;
/** What is done with the next submits, one each: a status, 'hangup', 'late', or undefined: taken. */
let script = [];
let wake = () => {};

const server = smpp.createServer((session) => {
  sessions.push(session);
  session.on('error', () => {});
  session.on('bind_transceiver', (pdu) => {
    session.bound = pdu;
    session.send(pdu.response(pdu.password === 'secret' ? {} : { command_status: smpp.ESME_RINVPASWD }));
  });
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => session.send(pdu.response(), () => session.close()));
  session.on('submit_sm', (pdu) => {
    const act = script.shift();
    submits.push(pdu);
    wake();
    if (typeof act === 'number') {
      session.send(pdu.response({ command_status: act }));
      return;
    }
    pdu.id = ++nextId;
    if (act === 'hangup') {
      session.destroy();
      return;
    }
    const answer = () => session.send(pdu.response({ message_id: pdu.id.toString(16) }));
    if (act !== 'late') answer();
    else pdu.answer = answer;
    if (pdu.registered_delivery && act !== 'late') receipt(session, pdu);
  });
});

function receipt(session, pdu, stat = 'DELIVRD') {
  session.deliver_sm({
    esm_class: 4,
    source_addr: pdu.destination_addr, source_addr_ton: 1, source_addr_npi: 1,
    destination_addr: pdu.source_addr, dest_addr_ton: 3,
    short_message: `id:${pdu.id} sub:001 dlvrd:001 submit date:2611271700 done date:2611271700 stat:${stat} err:000 text:`,
  });
}

const seen = (n) =>
  within(20000, `submit number ${n}`, (async () => {
    while (submits.length < n) await new Promise((done) => (wake = done));
    return submits[n - 1];
  })());

server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address();
const gateway = await startGateway(build, `host: 127.0.0.1\n    port: ${port}\n    system_id: hilo\n    password: secret\n    sender: TIENDA`);
const ana = '+573001112233';
const texts = () => submits.map((pdu) => pdu.short_message.message);

await check('it binds as version 3.4', async () => {
  const { bound } = sessions[0];
  assert.deepEqual([bound.system_id, bound.password, bound.interface_version], ['hilo', 'secret', 0x34]);
});

await check('texts in both alphabets arrive as they were written, and are delivered', async () => {
  for (const [text, coding] of [['¿Señor? 5 € [ñ]', 0], ['así 😀 ú', 8]]) {
    const id = await gateway.send(ana, text);
    await gateway.status(id, 'delivered'); // the id is hexadecimal in the answer and decimal in the receipt
    const pdu = submits.at(-1);
    assert.equal(pdu.short_message.message, text);
    assert.equal(pdu.data_coding, coding);
    assert.deepEqual([pdu.destination_addr, pdu.dest_addr_ton, pdu.dest_addr_npi], ['573001112233', 1, 1]);
    assert.deepEqual([pdu.source_addr, pdu.source_addr_ton], ['TIENDA', 5]);
  }
});

await check('a long text is one message in parts', async () => {
  const text = 'uno dos tres ñ '.repeat(25);
  const at = submits.length;
  const id = await gateway.send(ana, text);
  await gateway.status(id, 'delivered');
  const parts = submits.slice(at);
  assert.equal(parts.map((pdu) => pdu.short_message.message).join(''), text);
  assert.deepEqual(parts.map((pdu) => pdu.esm_class), [0x40, 0x40, 0x40]);
  assert.deepEqual(parts.map((pdu) => [...pdu.short_message.udh[0]].slice(-2)), [[3, 1], [3, 2], [3, 3]]);
  assert.equal((await gateway.message(id)).segments.count, 3);
});

await check('throttled and full, it waits and sends once', async () => {
  script = [smpp.ESME_RTHROTTLED, smpp.ESME_RMSGQFUL];
  const id = await gateway.send(ana, 'despacio');
  await gateway.status(id, 'delivered');
  assert.equal(texts().filter((text) => text === 'despacio').length, 3);
  assert.equal((await gateway.message(id)).attempts, 1);
});

await check('hung up on before the answer, the message is in doubt and not sent again', async () => {
  script = ['hangup'];
  const id = await gateway.send(ana, 'en duda');
  await gateway.status(id, 'in_doubt');
  const after = await gateway.send('+573009998877', 'después');
  await gateway.status(after, 'delivered');
  assert.equal(texts().filter((text) => text === 'en duda').length, 1);
});

await check('answered late, it is sent', async () => {
  script = ['late'];
  const at = submits.length;
  const id = await gateway.send(ana, 'tarde');
  const pdu = await seen(at + 1);
  receipt(sessions.at(-1), pdu); // before its answer
  pdu.answer();
  await gateway.status(id, 'sent');
  for (let tries = 0; (await gateway.message(id)).status !== 'delivered'; tries++) assert.ok(tries < 100);
});

await check('messages come in, and are acknowledged', async () => {
  for (const [nth, [text, coding]] of [['¿Hay alguien?', 0], ['así 😀', 8]].entries()) {
    const at = gateway.lines.length;
    const answer = await within(10000, 'deliver_sm_resp', new Promise((done) =>
      sessions.at(-1).deliver_sm({ source_addr: `57300555000${nth}`, source_addr_ton: 1, source_addr_npi: 1, destination_addr: '890', data_coding: coding, short_message: text }, done)));
    assert.equal(answer.command_status, 0);
    const line = await gateway.line(at, 'message.received');
    const came = await gateway.message(/id=(msg_\w+)/.exec(line)[1]);
    assert.equal(came.content.text, text);
    assert.equal(came.party[0].value, `+57300555000${nth}`);
  }
});

await check('it comes back when the SMSC hangs up, and when it unbinds', async () => {
  for (const end of [(session) => session.destroy(), (session) => session.unbind()]) {
    const before = sessions.length;
    end(sessions.at(-1));
    const id = await gateway.send('+573007776655', `otra vez ${before}`);
    await gateway.status(id, 'delivered');
    assert.ok(sessions.length > before);
  }
});

await gateway.stop();
server.close();
process.exit(0);
