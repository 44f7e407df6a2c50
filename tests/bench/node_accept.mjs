// What a team writes by hand: a Node HTTP server that answers 202 once the message is in a
// log on disk. One append and one fdatasync for whatever has gathered (group commit).
//
//   node node_accept.mjs FILE plain        the body as it came, with an id: nothing is looked at
//   node node_accept.mjs FILE checked KEY  a bearer key by its SHA-256 and the JSON are looked at, too
//
// Either does less than the gateway: no queue, no customers, no duplicate check, no index.
// Prints "port=N", serves until SIGTERM.
import { createServer } from 'node:http';
import { open } from 'node:fs/promises';
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';

const [file, mode, key] = process.argv.slice(2);
const log = await open(file, 'w');
const wanted = createHash('sha256').update(key ?? '').digest();
let gathered = [], writing = false, at = 0;

async function commit() {
  writing = true;
  while (gathered.length) {
    const batch = gathered;
    gathered = [];
    const bytes = Buffer.concat(batch.flatMap(m => m.record));
    await log.write(bytes, 0, bytes.length, at);
    at += bytes.length;
    await log.datasync();
    for (const m of batch) {
      m.res.writeHead(202, { 'Content-Type': 'application/json', 'Content-Length': m.answer.length });
      m.res.end(m.answer);
    }
  }
  writing = false;
}

// The status of a refusal, or 0.
function refused(req, body) {
  const given = createHash('sha256').update((req.headers.authorization ?? '').slice(7)).digest();
  if (!timingSafeEqual(given, wanted)) return 401;
  try {
    const message = JSON.parse(body);
    return message.to?.phone && message.content ? 0 : 422;
  } catch {
    return 400;
  }
}

createServer((req, res) => {
  const parts = [];
  req.on('data', part => parts.push(part));
  req.on('end', () => {
    const body = parts.length === 1 ? parts[0] : Buffer.concat(parts);
    const status = mode === 'checked' ? refused(req, body) : 0;
    if (status) {
      res.writeHead(status, { 'Content-Length': 0 });
      return res.end();
    }
    const id = randomUUID();
    gathered.push({ res, record: [Buffer.from(id + '\n'), body], answer: `{"id":"msg_${id}","status":"accepted"}` });
    if (!writing) commit();
  });
}).listen(0, '127.0.0.1', function () {
  console.log(`port=${this.address().port}`);
});
process.on('SIGTERM', () => process.exit(0));
