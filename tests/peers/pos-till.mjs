// What the judges of the POS channel share: a gateway with one, a till's key by openssl, and ajv, which takes every frame
// by the schemas that vendors get (plugins/pos/schema, JSON Schema 2020-12).

import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { within } from './bench.mjs';
import { freePort, startGateway } from './gateway.mjs';

const folder = join(dirname(fileURLToPath(import.meta.url)), '../../plugins/pos/schema');

/** All schemas; judge.params(method, value) and judge.result(method, value) throw what is wrong. */
export function schemas() {
  const ajv = addFormats(new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true, allErrors: true }));
  const methods = [];
  for (const file of readdirSync(folder)) {
    if (!file.endsWith('.json')) continue;
    const schema = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema', file);
    assert.equal(schema.$id, `urn:hilo:pos:1:${file.slice(0, -5)}`, file);
    ajv.addSchema(schema);
    if (file !== 'common.json') methods.push(file.slice(0, -5));
  }
  const by = (ref) => {
    const valid = ajv.getSchema(ref);
    assert.ok(valid, `there is no schema ${ref}`);
    return (value, what) =>
      assert.ok(valid(value), `${what ?? ref}: ${ajv.errorsText(valid.errors)}\n${JSON.stringify(value).slice(0, 2000)}`);
  };
  const common = (name) => by(`urn:hilo:pos:1:common#/$defs/${name}`);
  return {
    methods,
    params: (method, value) => by(`urn:hilo:pos:1:${method}#/$defs/params`)(value, `params of ${method}`),
    result: (method, value) => by(`urn:hilo:pos:1:${method}#/$defs/result`)(value, `result of ${method}`),
    response: common('response'),
    request: common('request'),
    pushId: common('pushId'),
  };
}

/** A gateway with the channel wa towards the simulator and the channel pos. */
export async function startShop(build, sim, options = '') {
  const port = await freePort();
  const gateway = await startGateway(build, sim, `  pos:\n    type: pos\n    listen: 127.0.0.1:${port}\n    names: 127.0.0.1\n${options}`);
  await gateway.line(0, 'channel.state', 'channel=pos', 'state=up', 'listening');
  return { ...gateway, port };
}

/** One line of JSON to a TLS connection, and the one that comes back. */
async function ask(socket, request) {
  socket.write(`${JSON.stringify(request)}\n`);
  let text = '';
  for await (const chunk of socket) {
    text += chunk;
    if (text.includes('\n')) break;
  }
  return JSON.parse(text);
}

/** Enrols a till; its files are in a folder of its own, removed by done(). */
export async function enroll(shop, store, terminal, role = 'clerk') {
  const { code } = await shop.call('POST', '/v1/channels/pos/admin/enrollments', { store, terminal, role });
  const dir = mkdtempSync(join(tmpdir(), 'hilo-till-'));
  const file = (name) => join(dir, name);
  execFileSync('openssl', ['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file('till.key'),
    '-subj', '/CN=till', '-out', file('till.csr')], { stdio: 'pipe' });
  const socket = tls.connect({ host: '127.0.0.1', port: shop.port, ALPNProtocols: ['hilo-enroll/1'], rejectUnauthorized: false });
  await within(20000, 'the handshake', once(socket, 'secureConnect'));
  const answer = await within(20000, 'the certificate', ask(socket, {
    jsonrpc: '2.0', id: 'enroll-1', method: 'enroll', params: { code, csr: readFileSync(file('till.csr'), 'utf8') },
  }));
  socket.destroy();
  assert.ok(answer.result, JSON.stringify(answer));
  writeFileSync(file('till.pem'), answer.result.certificate);
  writeFileSync(file('ca.pem'), answer.result.ca);
  return {
    answer, file,
    key: readFileSync(file('till.key')), cert: answer.result.certificate, ca: answer.result.ca,
    done: () => rmSync(dir, { recursive: true }),
  };
}
