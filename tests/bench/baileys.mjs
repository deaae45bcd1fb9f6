// Baileys with its file store as a benchmark peer: JSON lines on standard input and output.
import { createWriteStream } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import path from 'node:path';

const home = path.resolve(import.meta.dirname, '../interop/baileys');
const require = createRequire(path.join(home, 'package.json'));
const baileys = await import(pathToFileURL(require.resolve('baileys')).href);
const { default: makeSocket, downloadMediaMessage, useMultiFileAuthState, WA_CERT_DETAILS, DisconnectReason } = baileys;

WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(process.env.WHARF_NOISE_ROOT, 'hex');
const tell = (event, more = {}) => process.stdout.write(JSON.stringify({ event, ...more }) + '\n');
const silent = { level: 'silent', trace() {}, debug() {}, info() {}, warn() {}, error() {}, fatal() {}, child() { return silent; } };

let socket;
let expected = 0;
const waiting = new Map(); // message id -> who waits for its ack
const early = new Set();   // acks that came before their send returned
const withFiles = new Map(); // message id -> the message, of the documents that came

// As its documentation recommends: a cache of the application's own, which events about a group empty.
const cachesGroups = process.env.WHARF_GROUP_CACHE === '1';
const groups = new Map();
async function groupMetadata(id) {
  if (!groups.has(id)) groups.set(id, await socket.groupMetadata(id));
  return groups.get(id);
}

async function connect() {
  const { state, saveCreds } = await useMultiFileAuthState(process.env.WHARF_STORE);
  socket = makeSocket({
    auth: state, waWebSocketUrl: process.env.WHARF_CHAT_URL, logger: silent, markOnlineOnConnect: false, syncFullHistory: false,
    ...(cachesGroups ? { cachedGroupMetadata: groupMetadata } : {}),
  });
  if (cachesGroups) {
    socket.ev.on('groups.update', (changed) => changed.forEach(({ id }) => groups.delete(id)));
    socket.ev.on('group-participants.update', ({ id }) => groups.delete(id));
  }
  socket.ev.on('creds.update', saveCreds);
  socket.ev.on('connection.update', ({ connection, qr, lastDisconnect }) => {
    if (qr) tell('qr', { qr });
    if (connection === 'open') tell('open');
    if (connection === 'close' && lastDisconnect?.error?.output?.statusCode === DisconnectReason.restartRequired) connect();
  });
  socket.ev.on('messages.upsert', ({ messages }) => {
    for (const message of messages) {
      if (message.key.fromMe || !message.message) continue;
      if (message.message.documentMessage) withFiles.set(message.key.id, message);
      if (expected > 0 && --expected === 0) tell('received');
    }
  });
  socket.ws.on('CB:ack,class:message', ({ attrs }) => {
    if (attrs.error) {
      console.error(`message ${attrs.id} was refused: ${attrs.error}`);
      process.exit(1);
    }
    const wake = waiting.get(attrs.id);
    if (!wake) early.add(attrs.id);
    else wake();
  });
}

// Its sendMessage returns before the ack: it is awaited here, as the others do.
async function sendOne(to, content) {
  const { key } = await socket.sendMessage(to.includes('@') ? to : `${to}@s.whatsapp.net`, content);
  if (early.delete(key.id)) return;
  await new Promise((resolve) => { waiting.set(key.id, resolve); });
  waiting.delete(key.id);
}

async function send(to, count, callers) {
  const ms = [];
  let next = 0;
  const caller = async () => {
    while (next < count) {
      const number = next++;
      const begin = performance.now();
      await sendOne(to, { text: `benchmark text number ${number}` });
      ms.push(performance.now() - begin);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  tell('sent', { ms });
}

// Its documented way for files on disk: {url}, read as a stream.
async function upload(to, files) {
  await Promise.all(files.map((file) => sendOne(to, {
    document: { url: file }, mimetype: 'application/octet-stream', fileName: path.basename(file),
  })));
  tell('uploaded');
}

async function load(ids, directory) {
  await Promise.all(ids.map(async (id) => pipeline(
    await downloadMediaMessage(withFiles.get(id), 'stream', {}, { logger: silent, reuploadRequest: socket.updateMediaMessage }),
    createWriteStream(path.join(directory, id)),
  )));
  tell('loaded');
}

await connect();
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  if (command.cmd === 'send') await send(command.to, command.count, command.callers);
  if (command.cmd === 'upload') await upload(command.to, command.files);
  if (command.cmd === 'load') await load(command.ids, command.directory);
  if (command.cmd === 'receive') { expected = command.count; tell('receiving'); }
}
