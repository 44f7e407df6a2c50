// What a team writes by hand: a Node HTTP server that answers 202 once the message is in a
// log on disk. One append and one fdatasync for whatever has gathered (group commit).
// It does less than the gateway: no queue, no customers, no duplicate check, no index.
//
//   node node_accept.mjs FILE KEY        prints "port=N", serves until SIGTERM
import { createServer } from 'node:http';
import { open } from 'node:fs/promises';
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const [file, key] = process.argv.slice(2);
const log = await open(file, 'w');
const wanted = createHash('sha256').update(key).digest();
let gathered = [], writing = false, at = 0;

async function commit() {
  writing = true;
  while (gathered.length) {
    const batch = gathered;
    gathered = [];
    const bytes = Buffer.concat(batch.map(m => m.record));
    await log.write(bytes, 0, bytes.length, at);
    at += bytes.length;
    await log.datasync();
    for (const m of batch) {
      m.res.writeHead(202, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(m.answer) });
      m.res.end(m.answer);
    }
  }
  writing = false;
}

function refuse(res, status) {
  res.writeHead(status, { 'Content-Length': 0 });
  res.end();
}

createServer((req, res) => {
  const parts = [];
  req.on('data', part => parts.push(part));
  req.on('end', () => {
    const given = createHash('sha256').update((req.headers.authorization ?? '').slice(7)).digest();
    if (!timingSafeEqual(given, wanted)) return refuse(res, 401);
    let message;
    try {
      message = JSON.parse(Buffer.concat(parts));
    } catch {
      return refuse(res, 400);
    }
    if (!message.to?.phone || !message.content) return refuse(res, 422);
    const id = 'msg_' + randomBytes(16).toString('hex');
    gathered.push({
      res,
      record: Buffer.from(JSON.stringify({ id, at: Date.now(), ...message }) + '\n'),
      answer: JSON.stringify({ id, channel: message.channel, status: 'accepted' }),
    });
    if (!writing) commit();
  });
}).listen(0, '127.0.0.1', function () {
  console.log(`port=${this.address().port}`);
});
process.on('SIGTERM', () => process.exit(0));
