// Slips as ESC/POS: npm npos reads our bytes, every command of them, as text and as picture, in which npm jsqr finds the
// QR code; npm receiptline and @point-of-sale/receipt-printer-encoder write the same slip, and their bytes are ours where
// the three have a command in common.
//
//   node escpos.mjs PATH/TO/tests/peers/slip

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { check } from './bench.mjs';

const require = createRequire(import.meta.url);
const iconv = require('iconv-lite');
const jsqr = require('jsqr');
const npos = require('npos');
const receiptline = require('receiptline');
const encoder = require('@point-of-sale/receipt-printer-encoder');
const ReceiptPrinterEncoder = encoder.default ?? encoder;

const binary = process.argv[2];
const paper58 = { columns: 32, dots: 384, page: 'cp858', number: 19 };
const paper80 = { columns: 48, dots: 576, page: 'cp850', number: 2 };
const windows = { columns: 42, dots: 512, page: 'cp1252', number: 16 };

const bytesOf = (slip, paper, codes = 'native') => {
  const { columns, dots, page, number } = paper;
  const r = spawnSync(binary, [columns, dots, page, number, codes].map(String), { input: JSON.stringify(slip) });
  assert.equal(r.status, 0, `${r.stderr}`);
  return r.stdout;
};

// npos knows the commands of 2017; GS ( k has the form of its neighbours, a length of two bytes.
const rules = { ...npos.rules };
rules[0x1d] = { ...rules[0x1d], '(k': [0, 'd16'] };
const parser = npos.parser(rules);
const read = async bytes => {
  const ast = await parser.parse(Buffer.from(bytes)); // it refuses what is no command
  const commands = ast.tree.filter(n => n.ascii !== 'STX').map(n => n.ascii + n.fn);
  const text = page => iconv.decode(Buffer.concat(ast.entries.filter(e => e.type === 'text').map(e => e.data)), page);
  return { ast, commands, text };
};

const appointment = {
  title: 'Su cita',
  lines: [
    { text: 'viernes, 27 de noviembre', bold: true, align: 'center' },
    { text: '3:30 p. m.', bold: true, align: 'center', size: 2 },
    { text: 'Cámbielo aquí, señora Ñáñez: ¿talla única? ¡Sí! 20 °C, 3ª planta, pingüino', align: 'left' },
    { label: 'Código', text: 'K7QM2P' },
  ],
};

for (const paper of [paper58, paper80, windows]) {
  await check(`every command is known, and the text reads in ${paper.page}`, async () => {
    const { commands, text } = await read(bytesOf({ ...appointment, qr: 'K7QM2P' }, paper));
    const known = new Set(['ESC@', 'FS.', 'ESCt', 'ESCa', 'ESCE', 'GS!', 'GS(k', 'GSV']);
    assert.deepEqual(commands.filter(c => !known.has(c)), []);
    assert.equal(commands[0], 'ESC@');
    assert.equal(commands.at(-1), 'GSV');
    assert.equal(commands.filter(c => c === 'GS(k').length, 5);
    const lines = text(paper.page).split('\n');
    const words = lines.join(' ').replace(/ +/g, ' ');
    assert.ok(words.startsWith('Su cita viernes, 27 de noviembre 3:30 p. m. Cámbielo aquí, señora Ñáñez: ¿talla única? ¡Sí! 20 °C, 3ª planta, pingüino Código'), words);
    for (const line of lines) assert.ok([...line].length <= paper.columns, line);
    const row = lines.find(l => l.startsWith('Código'));
    assert.equal([...row].length, paper.columns);
    assert.ok(row.endsWith(' K7QM2P'));
  });
}

const picture = async (slip, paper) => {
  const { ast, commands } = await read(bytesOf(slip, paper, 'raster'));
  const entry = ast.entries.find(e => e.type === 'raster');
  assert.ok(entry && commands.includes('GSv0') && !commands.includes('GS(k') && !commands.includes('GSk'));
  const { width, height } = entry.data;
  assert.ok(width <= paper.dots);
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (entry.data.getPixel(x, y) === 0) rgba.fill(0, (y * width + x) * 4, (y * width + x) * 4 + 3);
  return { width, height, rgba };
};

for (const [text, paper] of [
  ['K7QM2P', paper58],
  ['cas_01JDPZ5V9K3QWERTY0123456', paper58],
  ['https://tienda.example.com/c/cas_01JDPZ5V9K3QWERTY0123456?de=m%C3%B3vil&x=' + '0123456789'.repeat(20), paper80],
]) {
  await check(`the picture of a QR code is read: ${text.length} characters on ${paper.dots} dots`, async () => {
    const { width, height, rgba } = await picture({ title: 'Su caso', qr: text }, paper);
    assert.equal(jsqr(rgba, width, height)?.data, text);
  });
}

await check('a QR code is asked for as receipt-printer-encoder asks for it', async () => {
  for (const [text, size] of [['K7QM2P', 7], ['cas_01JDPZ5V9K3QWERTY0123456', 6]]) {
    const theirs = Buffer.from(new ReceiptPrinterEncoder({ language: 'esc-pos', columns: 32 }).qrcode(text, { model: 2, size, errorlevel: 'm' }).encode());
    const block = theirs.subarray(theirs.indexOf('\x1d(k', 'latin1'), theirs.lastIndexOf('\x1d(k', undefined, 'latin1') + 8);
    assert.ok(block.length > 32);
    assert.ok(bytesOf({ qr: text }, paper58).includes(block), `${text}: ${block.toString('hex')}`);
  }
});

await check('a Code 128 is asked for, and the paper is cut, as receiptline does it', async () => {
  const theirs = Buffer.from(receiptline.transform('{code:K7QM2P;option:code128,3,96}', { cpl: 32, encoding: 'cp858', command: 'generic' }), 'latin1');
  const block = theirs.subarray(theirs.indexOf('\x1dw', 'latin1'), theirs.indexOf('K7QM2P') + 6);
  const cut = theirs.subarray(theirs.indexOf('\x1dV', 'latin1'), theirs.indexOf('\x1dr', 'latin1'));
  const ours = bytesOf({ barcode: 'K7QM2P' }, paper58);
  assert.ok(ours.includes(block), block.toString('hex'));
  assert.ok(ours.subarray(-cut.length).equals(cut), cut.toString('hex'));
});

await check('texts and their code page are as receiptline writes them', async () => {
  for (const [paper, text] of [[paper58, 'Señal: 20 € ¿Qué?'], [windows, 'Señal: 20 € “Qué”']]) {
    const theirs = Buffer.from(receiptline.transform(text, { cpl: paper.columns, encoding: paper.page, command: 'generic' }), 'latin1');
    const from = theirs.indexOf('\x1bt', 'latin1');
    const ours = bytesOf({ lines: [{ text }], cut: 'none' }, paper);
    assert.ok(ours.includes(theirs.subarray(from, theirs.indexOf('\n', from) + 1)), text);
  }
});

await check('wide and high is GS ! as theirs', async () => {
  const theirs = Buffer.from(receiptline.transform('^^^Hola', { cpl: 32, encoding: 'cp858', command: 'generic' }), 'latin1');
  assert.ok(theirs.includes('\x1d!\x11'));
  assert.ok(bytesOf({ lines: [{ text: 'Hola', size: 2 }] }, paper58).includes('\x1d!\x11Hola\n'));
});
