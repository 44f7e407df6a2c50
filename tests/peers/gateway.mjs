// The gateway as the peer tests start it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import readline from 'node:readline';
import { phoneNumberId, token, within } from './bench.mjs';

// Below the ports that the kernel gives to connections, which other tests make meanwhile, and above
// those of tests/behave.
export async function freePort() {
  for (;;) {
    const port = 25000 + Math.floor(Math.random() * 7000);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** The gateway of a build's folder, with one channel towards the simulator; more: YAML of other channels. */
export async function startGateway(build, sim, more = '') {
  const dir = mkdtempSync(join(tmpdir(), 'hilo-peers-'));
  const port = await freePort();
  writeFileSync(
    join(dir, 'hilo.yaml'),
    `gateway:\n  data_dir: ${dir}/data\n  plugin_dir: ${build}/plugins\nstore:\n  segment_size: 16M\n  map_size: 2G\n` +
      `http:\n  listen: 127.0.0.1:${port}\nlog:\n  level: debug\n` +
      `channels:\n  wa:\n    type: whatsapp\n    phone_number_id: "${phoneNumberId}"\n    waba_id: "102290129340398"\n` +
      `    token: ${token}\n    app_secret: sim-app-secret\n    verify_token: v\n    base_url: ${sim.url}\n` +
      `    window: provider\n    pair_interval: 0s\n${more}`,
  );
  const child = spawn(join(build, 'hilod'), ['-c', join(dir, 'hilo.yaml')], { stdio: ['ignore', 'inherit', 'pipe'] });
  const ended = once(child, 'exit');
  process.on('exit', () => child.kill('SIGKILL')); // of a check that failed
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
  await line(0, 'channel.state', 'channel=wa', 'state=up');
  await line(0, 'gateway.ready');
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
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    key,
    lines,
    line,
    async call(method, path, body) {
      const response = await fetch(url + path, {
        method,
        headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const json = await response.json();
      assert.ok(response.ok, `${method} ${path}: ${JSON.stringify(json)}`);
      return json;
    },
    async stop() {
      child.kill('SIGTERM');
      const [code, signal] = await within(20000, 'the end of the gateway', ended);
      if (code !== 0) console.error(lines.slice(-40).join('\n'));
      assert.equal(code, 0, `the gateway ended with ${code ?? signal}`);
      rmSync(dir, { recursive: true });
    },
  };
}
