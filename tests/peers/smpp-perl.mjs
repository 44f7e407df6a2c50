// The gateway's SMS channel against an SMSC by Perl's Net::SMPP (smsc.pl).
//
//   node smpp-perl.mjs PATH/TO/hilo-sim-smsc      (hilod and its plugins lie in the folder above)

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join, resolve } from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { check, within } from './bench.mjs';
import { startGateway } from './bench-smpp.mjs';

const build = resolve(dirname(process.argv[2]), '..');
const child = spawn('perl', [join(dirname(fileURLToPath(import.meta.url)), 'smsc.pl')], { stdio: ['ignore', 'pipe', 'inherit'] });
const pdus = [];
let wake = () => {};
const ready = new Promise((done) => {
  readline.createInterface({ input: child.stdout }).on('line', (line) => {
    const port = /^ready port=(\d+)$/.exec(line)?.[1];
    if (port) done(Number(port));
    else pdus.push(JSON.parse(line));
    wake();
  });
});
process.on('exit', () => child.kill());
const port = await within(20000, 'smsc.pl', ready);
const gateway = await startGateway(build, `host: 127.0.0.1\n    port: ${port}\n    system_id: hilo\n    password: secret\n    sender: "890123"`);
/** All submits with this text, once there are so many: what smsc.pl says comes by another pipe than what the gateway does. */
const submits = (text, n) =>
  within(20000, `${n} submits of "${text}"`, (async () => {
    for (;;) {
      const found = pdus.filter((pdu) => pdu.cmd === 4 && Buffer.from(pdu.hex, 'hex').toString() === text);
      if (found.length >= n) return found;
      await new Promise((done) => (wake = done));
    }
  })());

await check('it binds with what it was given, as version 3.4', async () => {
  const [bind] = pdus;
  assert.equal(bind.cmd, 9);
  assert.deepEqual([bind.system_id, bind.password, bind.interface_version], ['hilo', 'secret', 0x34]);
});

await check('a message leaves, and its receipt in decimal finds the id in hexadecimal', async () => {
  const id = await gateway.send('+573001112233', 'hola desde Perl');
  await gateway.status(id, 'delivered');
  const [sent] = await submits('hola desde Perl', 1);
  assert.equal(sent.destination_addr, '573001112233');
  assert.equal(sent.source_addr, '890123');
  assert.equal((await gateway.message(id)).provider_id, '5A3F0001');
});

await check('a message comes in', async () => {
  const at = gateway.lines.length;
  const id = await gateway.send('+573001112233', 'eco eco');
  await gateway.status(id, 'delivered');
  const line = await gateway.line(at, 'message.received');
  const came = await gateway.message(/id=(msg_\w+)/.exec(line)[1]);
  assert.equal(came.content.text, 'eco eco');
  assert.equal(came.party[0].value, '+573001112233');
});

await check('throttled, it comes again; refused, it has failed', async () => {
  const later = await gateway.send('+573001112233', 'luego, luego');
  await gateway.status(later, 'delivered');
  assert.equal((await submits('luego, luego', 3)).length, 3);
  const never = await gateway.send('+573001112233', 'nunca');
  await gateway.status(never, 'failed');
  assert.equal((await gateway.message(never)).provider_code, '0x0b');
});

await check('cut before its answer it is in doubt, and not sent again', async () => {
  const id = await gateway.send('+573001112233', 'corta');
  await gateway.status(id, 'in_doubt');
  const after = await gateway.send('+573001112233', 'luego de la corta');
  await gateway.status(after, 'delivered');
  await submits('luego de la corta', 1);
  assert.equal((await submits('corta', 1)).length, 1);
});

await gateway.stop();
child.kill();
await once(child, 'exit');
