// What the peer tests share: one simulator process, one webhook receiver, checks that print a line each.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import readline from 'node:readline';

export const phoneNumberId = '106540352242922';
export const businessNumber = '15550783881';
export const token = 'sim-token';
export const appSecret = 'sim-app-secret';
export const graphVersion = 'v23.0';

/** Runs the check; prints its line; ends the whole test at the first failure. */
export async function check(title, run) {
  try {
    await run();
  } catch (error) {
    console.log(`not ok  ${title}`);
    console.error(error);
    process.exit(1);
  }
  console.log(`ok      ${title}`);
}

/** A promise that gives up, so that a lost event is a failure and not a hang. */
export function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** The simulator. It ends when this process does: its standard input closes. */
export async function startSimulator(binary, options = []) {
  const child = spawn(binary, ['--port', '0', '--exit-on-eof', '--retry-min-ms', '20', '--retry-max-ms', '100', ...options], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const lines = readline.createInterface({ input: child.stdout });
  const [line] = await within(20000, 'the simulator', Promise.race([once(lines, 'line'), ended]));
  const port = /^ready port=(\d+)$/.exec(line)?.[1];
  assert.ok(port, `the simulator did not start: ${line}`);
  const url = `http://127.0.0.1:${port}`;
  const call = async (method, path, body) => {
    const response = await fetch(`${url}/_sim/${path}`, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: response.status, json: await response.json() };
  };
  const must = async (method, path, body) => {
    const { status, json } = await call(method, path, body);
    assert.equal(status, 200, `${method} /_sim/${path}: ${JSON.stringify(json)}`);
    return json;
  };
  return {
    url,
    call,
    get: (path) => must('GET', path),
    post: (path, body) => must('POST', path, body),
    /** A raw Graph API call: what a client without manners would send. */
    async graph(method, path, body, headers = {}) {
      const response = await fetch(`${url}/${graphVersion}/${path}`, {
        method,
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', ...headers },
        body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
      });
      const text = await response.text();
      let json;
      try {
        json = JSON.parse(text);
      } catch {
        json = undefined;
      }
      return { status: response.status, headers: response.headers, text, json };
    },
    send(body) {
      return this.graph('POST', `${phoneNumberId}/messages`, body);
    },
    async stop() {
      child.stdin.end();
      const [code, signal] = await within(20000, 'the end of the simulator', ended);
      assert.equal(code, 0, `the simulator ended with ${code ?? signal}`);
    },
  };
}

/** Receives webhooks. `answer` may be changed at any time: a status, or a function of the request's number. */
export async function startReceiver() {
  const got = [];
  const waiting = [];
  const receiver = { got, answer: 200, verifyToken: 'verify me & more', url: '' };
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const query = new URL(request.url, 'http://x').searchParams;
      if (request.method === 'GET') {
        const good = query.get('hub.mode') === 'subscribe' && query.get('hub.verify_token') === receiver.verifyToken;
        response.writeHead(good ? 200 : 403, { 'Content-Type': 'text/plain' });
        response.end(good ? query.get('hub.challenge') : '');
        return;
      }
      const hook = { raw: Buffer.concat(chunks), headers: request.headers, path: request.url };
      try {
        hook.json = JSON.parse(hook.raw.toString('utf8'));
      } catch {
        hook.json = undefined;
      }
      hook.answered = typeof receiver.answer === 'function' ? receiver.answer(got.length) : receiver.answer;
      got.push(hook);
      response.writeHead(hook.answered);
      response.end();
      for (const wait of waiting.splice(0)) wait();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  receiver.url = `http://127.0.0.1:${server.address().port}/hooks/whatsapp`;
  /** The first webhook for which `match` holds; waits for it. */
  receiver.find = (what, match) =>
    within(
      20000,
      what,
      (async () => {
        for (;;) {
          const hook = got.find(match);
          if (hook) return hook;
          await new Promise((resolve) => waiting.push(resolve));
        }
      })(),
    );
  receiver.stop = async () => {
    server.close();
    server.closeAllConnections?.();
    await once(server, 'close');
  };
  return receiver;
}

/** All messages or statuses of one webhook, whatever way they are batched. */
export const all = (hook, kind) =>
  (hook.json?.entry ?? []).flatMap((entry) => entry.changes.flatMap((change) => change.value[kind] ?? []));

export const messageWith = (id) => (hook) => all(hook, 'messages').some((message) => message.id === id);
export const statusOf = (id, status) => (hook) =>
  all(hook, 'statuses').some((one) => one.id === id && (!status || one.status === status));
