// What the peer tests of SMPP share: the simulated SMSC, and npm smpp as its client.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import readline from 'node:readline';
import smpp from 'smpp';
import { within } from './bench.mjs';

/** hilo-sim-smsc. It ends when this process does: its standard input closes. */
export async function startSmsc(binary, options = []) {
  const child = spawn(binary, ['--exit-on-eof', ...options], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const lines = readline.createInterface({ input: child.stdout });
  const [line] = await within(20000, 'the simulator', Promise.race([once(lines, 'line'), ended]));
  const [, port, smppPort, tlsPort] = /^ready port=(\d+) smpp=(\d+) tls=(\d+)$/.exec(line) ?? [];
  assert.ok(port, `the simulator did not start: ${line}`);
  const call = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}/_sim/${path}`, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const json = await response.json();
    return { status: response.status, json };
  };
  const must = async (method, path, body) => {
    const { status, json } = await call(method, path, body);
    assert.equal(status, 200, `${method} /_sim/${path}: ${JSON.stringify(json)}`);
    return json;
  };
  return {
    port: Number(smppPort),
    tlsPort: Number(tlsPort),
    call,
    get: (path) => must('GET', path),
    post: (path, body) => must('POST', path, body),
    async stop() {
      child.stdin.end();
      const [code, signal] = await within(20000, 'the end of the simulator', ended);
      assert.equal(code, 0, `the simulator ended with ${code ?? signal}`);
    },
  };
}

/** A session of npm smpp that keeps all PDUs it was sent, and waits for them. */
export async function connect(options) {
  const session = smpp.connect({ host: '127.0.0.1', ...options });
  const got = [];
  const waiting = [];
  let over = false;
  const wake = () => {
    for (const done of waiting.splice(0)) done();
  };
  session.on('pdu', (pdu) => {
    got.push(pdu);
    wake();
  });
  session.on('error', () => {}); // a reset; close follows
  session.on('close', () => {
    over = true;
    wake();
  });
  await within(10000, 'a connection', once(session, options.tls ? 'secureConnect' : 'connect'));
  return {
    session,
    got,
    /** The response to this request. */
    ask: (command, fields = {}) =>
      within(10000, `the response to ${command}`, new Promise((done) => session[command](fields, done))),
    /** Its request, without waiting. */
    say: (command, fields = {}) => session[command](fields),
    /** The nth PDU with this name. */
    pdu: (command, nth = 1) =>
      within(10000, `${command} number ${nth}`, (async () => {
        for (;;) {
          const found = got.filter((pdu) => pdu.command === command)[nth - 1];
          if (found) return found;
          assert.ok(!over, `the connection ended without ${command} number ${nth}`);
          await new Promise((done) => waiting.push(done));
        }
      })()),
    closed: () =>
      within(10000, 'the end of the connection', (async () => {
        while (!over) await new Promise((done) => waiting.push(done));
      })()),
    close: () => session.destroy(),
  };
}
