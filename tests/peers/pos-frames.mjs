// Lines "method frame" on standard input: ajv takes each frame, an answer to that method or a push, by the schemas.
import { readFileSync } from 'node:fs';
import { schemas } from './pos-till.mjs';

const judge = schemas();
let n = 0;
for (const line of readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  const [, method, text] = /^(\S+) (.*)$/s.exec(line);
  const frame = JSON.parse(text);
  if (frame.method) {
    judge.pushId(frame.id);
    judge.params(frame.method, frame.params);
  } else {
    judge.response(frame);
    if (frame.result) judge.result(method, frame.result);
  }
  n++;
}
if (n === 0) throw new Error('no frames came');
console.log(`ok      ${n} frames are as plugins/pos/schema says, by ajv`);
