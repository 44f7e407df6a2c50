// What the peer tests of SMPP share: the simulated SMSC, npm smpp as its client, and the gateway with a channel of type sms.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** The gateway with one channel, sms; `yaml` are its options, indented by 4, or a function of the gateway's port that gives those of
 * another provider. Waits until it is up, or for `state`. */
export async function startGateway(build, yaml, state = 'up') {
  const dir = mkdtempSync(join(tmpdir(), 'hilo-peers-'));
  const port = await freePort();
  const smppOnly = typeof yaml === 'string';
  const options = smppOnly ? `provider: smpp\n    ${yaml}` : yaml(port);
  writeFileSync(
    join(dir, 'hilo.yaml'),
    `gateway:\n  data_dir: ${dir}/data\n  plugin_dir: ${build}/plugins\nstore:\n  segment_size: 16M\n  map_size: 2G\n` +
      `http:\n  listen: 127.0.0.1:${port}\nlog:\n  level: debug\n` +
      `channels:\n  sms:\n    type: sms\n    ${options}\nroutes:\n  - scheme: phone\n    channel: sms\n`,
  );
  const child = spawn(join(build, 'hilod'), ['-c', join(dir, 'hilo.yaml')], { stdio: ['ignore', 'inherit', 'pipe'] });
  const ended = once(child, 'exit');
  process.on('exit', () => child.kill('SIGKILL')); // a failed check leaves no gateway behind
  const lines = [];
  const waiting = [];
  readline.createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line);
    for (const wake of waiting.splice(0)) wake();
  });
  /** The first line from `from` on that holds all the words. */
  const line = (from, ...words) =>
    within(30000, `the log's ${words.join(' ')}`, (async () => {
      for (let at = from; ; at++) {
        while (at >= lines.length) await new Promise((wake) => waiting.push(wake));
        if (words.every((word) => lines[at].includes(word))) return lines[at];
      }
    })());
  try {
    await line(0, 'gateway.ready');
    await line(0, 'channel.state', 'channel=sms', `state=${state}`, state === 'up' && smppOnly ? 'bound' : ''); // it is up before it is bound, too
  } catch (error) {
    console.error(lines.join('\n'));
    throw error;
  }
  const key = await new Promise((done, fail) => {
    const request = http.request(
      { socketPath: join(dir, 'data', 'control.sock'), path: '/v1/keys', method: 'POST', headers: { 'Content-Type': 'application/json' } },
      async (response) => {
        let text = '';
        for await (const chunk of response) text += chunk;
        done(JSON.parse(text).key);
      },
    );
    request.on('error', fail);
    request.end('{"name":"peers","scopes":["all"]}');
  });
  const call = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const json = await response.json();
    assert.ok(response.ok, `${method} ${path}: ${JSON.stringify(json)}`);
    return json;
  };
  return {
    port,
    lines,
    line,
    call,
    async send(phone, text, more = {}) {
      const { id } = await call('POST', '/v1/messages', { to: { phone }, channel: 'sms', content: { type: 'text', text }, ...more });
      return id;
    },
    message: (id) => call('GET', `/v1/messages/${id}`),
    /** Waits until the log said that the message had this status. */
    status: (id, status) => line(0, id, `status=${status}`),
    async stop() {
      child.kill('SIGTERM');
      const [code, signal] = await within(20000, 'the end of the gateway', ended);
      if (code !== 0) console.error(lines.slice(-40).join('\n'));
      assert.equal(code, 0, `the gateway ended with ${code ?? signal}`);
      rmSync(dir, { recursive: true });
    },
  };
}
