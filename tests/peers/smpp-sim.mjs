// npm smpp as the client of our simulated SMSC: what it says must be SMPP to somebody else's library too.
//
//   node smpp-sim.mjs PATH/TO/hilo-sim-smsc

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import smpp from 'smpp';
import { check } from './bench.mjs';
import { connect, startSmsc } from './bench-smpp.mjs';

const binary = process.argv[2];
if (!binary) {
  console.error('usage: node smpp-sim.mjs PATH/TO/hilo-sim-smsc');
  process.exit(2);
}
const dir = mkdtempSync(join(tmpdir(), 'hilo-smsc-'));
const sim = await startSmsc(binary, ['--tls', dir]);
const hilo = { system_id: 'hilo', password: 'secret', interface_version: 0x34 };
const message = {
  source_addr_ton: 5, source_addr: 'Hilo', dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: '573001112233',
  registered_delivery: 1, short_message: 'hola',
};

async function bound(how = 'bind_transceiver', options = {}) {
  const client = await connect({ port: sim.port, ...options });
  const answer = await client.ask(how, hilo);
  assert.equal(answer.command_status, 0);
  return client;
}

await check('three kinds of bind, and what each refusal says', async () => {
  for (const how of ['bind_transceiver', 'bind_transmitter', 'bind_receiver']) {
    const client = await bound(how);
    const answer = await client.pdu(`${how}_resp`);
    assert.equal(answer.system_id, 'hilo-sim-smsc');
    assert.equal(answer.sc_interface_version, 0x34);
    const again = await client.ask(how, hilo);
    assert.equal(again.command_status, smpp.ESME_RALYBND);
    client.close();
  }
  const client = await connect({ port: sim.port });
  assert.equal((await client.ask('bind_transceiver', { ...hilo, password: 'wrong' })).command_status, smpp.ESME_RINVPASWD);
  assert.equal((await client.ask('bind_transceiver', { ...hilo, system_id: 'x' })).command_status, smpp.ESME_RINVSYSID);
  assert.equal((await client.ask('submit_sm', message)).command_status, smpp.ESME_RINVBNDSTS);
  client.close();
  await sim.post('config', { accounts: [{ system_id: 'hilo', password: 'secret', max_binds: 1 }] });
  await sim.get('sessions?max_bound=0&wait_ms=5000');
  const first = await bound();
  const second = await connect({ port: sim.port });
  assert.equal((await second.ask('bind_transceiver', hilo)).command_status, smpp.ESME_RALYBND);
  first.close();
  second.close();
  await sim.post('config', { accounts: [{ system_id: 'hilo', password: 'secret' }] });
});

await check('a message, its response, its receipt, and what was seen of it', async () => {
  const client = await bound();
  const answer = await client.ask('submit_sm', { ...message, short_message: 'Señor, 5 € [ñandú]', user_message_reference: 7 });
  assert.equal(answer.command_status, 0);
  const receipt = await client.pdu('deliver_sm');
  const text = receipt.short_message.message;
  assert.equal(receipt.esm_class, 4);
  assert.equal(receipt.source_addr, '573001112233');
  assert.equal(receipt.destination_addr, 'Hilo');
  assert.match(text, new RegExp(`^id:${answer.message_id} sub:001 dlvrd:001 submit date:\\d{10} done date:\\d{10} stat:DELIVRD err:000 text:`));
  client.session.send(receipt.response());
  const { submits } = await sim.get('submits');
  const seen = submits.at(-1);
  assert.equal(seen.id, answer.message_id);
  assert.equal(seen.text, 'Señor, 5 € [ñandú]');
  assert.equal(seen.data_coding, 8);
  assert.equal(seen.tlvs['0x0204'], '0007');
  assert.equal((await sim.post('quiet', { wait_ms: 5000 })).quiet, true);
  client.close();
});

await check('ids and receipts in other shapes', async () => {
  const client = await bound();
  const wants = [
    [{ id: 'hex', receipts: { id: 'dec' } }, (id) => String(parseInt(id, 16))],
    [{ id: 'dec', receipts: { id: 'HEX' } }, (id) => Number(id).toString(16).toUpperCase()],
    [{ id: 'dec', receipts: { id: 'dec0' } }, (id) => id.padStart(10, '0')],
    [{ id: 'text', receipts: { id: 'same' } }, (id) => id],
  ];
  let nth = 0;
  for (const [config, want] of wants) {
    await sim.post('config', { ...config, receipts: { ...config.receipts, form: 'both', err: '17' } });
    const answer = await client.ask('submit_sm', message);
    const receipt = await client.pdu('deliver_sm', ++nth);
    client.session.send(receipt.response());
    assert.equal(receipt.receipted_message_id, want(answer.message_id));
    assert.equal(receipt.message_state, 2);
    assert.deepEqual([...receipt.network_error_code], [3, 0, 17]);
    assert.ok(receipt.short_message.message.startsWith(`id:${want(answer.message_id)} `));
  }
  await sim.post('config', { id: 'dec', receipts: { id: 'same', form: 'text', err: '000', states: ['ENROUTE', 'UNDELIV'], intermediate_flag: true } });
  await client.ask('submit_sm', { ...message, registered_delivery: 0x11 });
  const on = await client.pdu('deliver_sm', ++nth);
  assert.equal(on.esm_class, 0x20);
  assert.match(on.short_message.message, /stat:ENROUTE/);
  assert.match((await client.pdu('deliver_sm', ++nth)).short_message.message, /dlvrd:000 .*stat:UNDELIV/);
  await sim.post('config', { receipts: { states: ['DELIVRD'], before_response: true, intermediate_flag: false } });
  const at = client.got.length;
  await client.ask('submit_sm', message);
  assert.deepEqual(client.got.slice(at).map((pdu) => pdu.command), ['deliver_sm', 'submit_sm_resp']);
  await sim.post('config', { receipts: { before_response: false } });
  client.close();
});

await check('messages from mobiles, whole and in parts', async () => {
  const client = await bound();
  await sim.post('quiet', {});
  await sim.post('config', { receipts: { states: [] } });
  let nth = 0;
  const next = async () => {
    let pdu;
    do {
      pdu = await client.pdu('deliver_sm', ++nth);
      client.session.send(pdu.response());
    } while (pdu.esm_class & 0x3c); // what the tests before left behind
    return pdu;
  };
  await sim.post('inbound', { from: '573001112233', to: '890', text: '¿Hay alguien? ñ {€}' });
  let pdu = await next();
  assert.equal(pdu.source_addr, '573001112233');
  assert.equal(pdu.data_coding, 0);
  assert.equal(pdu.short_message.message, '¿Hay alguien? ñ {€}');
  await sim.post('inbound', { text: 'así 😀' });
  pdu = await next();
  assert.equal(pdu.data_coding, 8);
  assert.equal(pdu.short_message.message, 'así 😀');
  const long = 'ñ'.repeat(400);
  for (const concat of ['udh8', 'udh16']) {
    await sim.post('inbound', { text: long, concat, ref: 300, order: [3, 1, 2] });
    const parts = [await next(), await next(), await next()];
    assert.deepEqual(parts.map((p) => p.short_message.udh[0].at(-1)), [3, 1, 2]);
    assert.equal([parts[1], parts[2], parts[0]].map((p) => p.short_message.message).join(''), long);
    assert.equal(parts[0].esm_class & 0x40, 0x40);
  }
  await sim.post('inbound', { text: long, concat: 'sar', ref: 300 });
  const parts = [await next(), await next(), await next()];
  assert.deepEqual(parts.map((p) => [p.sar_msg_ref_num, p.sar_total_segments, p.sar_segment_seqnum]), [[300, 3, 1], [300, 3, 2], [300, 3, 3]]);
  await sim.post('inbound', { text: long, concat: 'payload' });
  pdu = await next();
  assert.equal(pdu.message_payload.message, long);
  client.close();
  await sim.post('config', { receipts: { states: ['DELIVRD'] } });
});

await check('the link: enquire_link both ways, unbind both ways, what nobody knows', async () => {
  const client = await bound();
  assert.equal((await client.ask('enquire_link')).command_status, 0);
  await sim.post('do', { do: 'enquire_link' });
  client.session.send((await client.pdu('enquire_link')).response());
  assert.equal((await client.ask('query_sm', { message_id: 'none', source_addr: 'x' })).command_status, smpp.ESME_RINVMSGID);
  client.say('submit_multi', { dest_address: [{ destination_addr: '1' }] });
  assert.equal((await client.pdu('generic_nack')).command_status, smpp.ESME_RINVCMDID);
  await sim.post('do', { do: 'unbind' });
  client.session.send((await client.pdu('unbind')).response());
  await client.closed();
  const other = await bound();
  assert.equal((await other.ask('unbind')).command_status, 0);
  await other.closed();
});

await check('limits: the window, the rate, and what is told as a violation', async () => {
  const client = await bound();
  const before = (await sim.get('counts')).violations;
  await sim.post('config', { window: 2 });
  await sim.post('faults', { faults: [{ do: 'hold', count: -1 }] });
  for (let i = 0; i < 3; i++) client.say('submit_sm', message);
  await sim.get('submits?since=0&min_accepted=2&wait_ms=5000');
  await sim.post('faults', { faults: [] });
  const counted = await sim.get('counts');
  await sim.post('faults', { release: true });
  const statuses = [1, 2, 3].map(async (n) => (await client.pdu('submit_sm_resp', n)).command_status);
  assert.deepEqual((await Promise.all(statuses)).sort(), [0, 0, smpp.ESME_RTHROTTLED]);
  assert.equal(counted.violations, before + 1);
  await sim.post('config', { window: 0, rate: 3 });
  const answers = await Promise.all(Array.from({ length: 5 }, () => client.ask('submit_sm', message)));
  assert.equal(answers.filter((a) => a.command_status === smpp.ESME_RTHROTTLED).length, 2);
  await sim.post('config', { rate: 0 });
  client.close();
});

await check('faults: each does what it says', async () => {
  const cut = async (act, taken) => {
    const client = await bound();
    const { accepted } = await sim.get('counts');
    await sim.post('faults', { faults: [{ do: act }] });
    client.say('submit_sm', message);
    await client.closed();
    assert.equal((await sim.get('counts')).accepted, accepted + taken);
    assert.equal(client.got.some((pdu) => pdu.command === 'submit_sm_resp'), act === 'drop_after');
  };
  await cut('drop', 1);
  await cut('reset', 1);
  await cut('drop_before', 0);
  await cut('drop_after', 1);
  const client = await bound();
  const status = async (rule) => {
    await sim.post('faults', { faults: [rule] });
    return (await client.ask('submit_sm', message)).command_status;
  };
  assert.equal(await status({ do: 'status', status: smpp.ESME_RMSGQFUL }), smpp.ESME_RMSGQFUL);
  assert.equal(await status({ do: 'nack', status: smpp.ESME_RSYSERR }), smpp.ESME_RSYSERR);
  assert.equal(await status({ do: 'status', status: 8, skip: 1 }), 0);
  assert.equal((await client.ask('submit_sm', message)).command_status, 8);
  assert.equal(await status({ do: 'status', status: 8, to: '1' }), 0);
  assert.equal(await status({ do: 'split' }), 0);
  assert.equal(await status({ do: 'delay', ms: 20 }), 0);
  assert.equal(await status({ do: 'raw', hex: '00000010800000000000000300000777' }), 0);
  assert.equal((await client.pdu('generic_nack', 2)).sequence_number, 0x777);
  client.close();
  await sim.post('listen', { on: false });
  await assert.rejects(connect({ port: sim.port }));
  await sim.post('listen', { on: true });
  (await bound()).close();
  assert.equal((await sim.call('POST', 'faults', { faults: [{ do: 'nothing' }] })).status, 400);
});

await check('a receiver that is cut off, or refuses for now, gets the same again', async () => {
  const drain = await bound('bind_receiver'); // receipts that the tests before left behind
  drain.session.on('deliver_sm', (pdu) => drain.session.send(pdu.response()));
  for (const pdu of drain.got) if (pdu.command === 'deliver_sm') drain.session.send(pdu.response());
  assert.equal((await sim.post('quiet', { wait_ms: 5000 })).quiet, true);
  drain.close();
  await sim.get('sessions?max_bound=0&wait_ms=5000');
  await sim.post('faults', { faults: [{ on: 'deliver_sm_resp', do: 'drop' }] });
  const client = await bound('bind_receiver');
  const [seq] = (await sim.post('inbound', { text: 'otra vez' })).ids;
  client.session.send((await client.pdu('deliver_sm')).response());
  await client.closed();
  const other = await bound('bind_receiver');
  other.session.send((await other.pdu('deliver_sm')).response({ command_status: smpp.ESME_RX_T_APPN }));
  const again = await other.pdu('deliver_sm', 2);
  assert.equal(again.short_message.message, 'otra vez');
  other.session.send(again.response());
  assert.equal((await sim.post('quiet', { wait_ms: 5000 })).quiet, true);
  const [delivery] = (await sim.get(`deliveries?since=${seq - 1}`)).deliveries;
  assert.deepEqual([delivery.state, delivery.attempts], ['acked', 3]);
  other.close();
});

await check('TLS with the certificate that it wrote', async () => {
  const ca = readFileSync(join(dir, 'smsc.pem'));
  const client = await bound('bind_transceiver', { port: sim.tlsPort, tls: true, ca });
  assert.equal((await client.ask('submit_sm', message)).command_status, 0);
  assert.equal((await sim.get('sessions')).sessions.find((s) => s.tls).mode, 'trx');
  client.close();
});

await sim.stop();
rmSync(dir, { recursive: true });
