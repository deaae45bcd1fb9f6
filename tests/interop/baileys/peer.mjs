// The unmodified Baileys client as a peer of the interoperability run.
//
// JSON lines on stdin are commands, JSON lines on stdout are their replies and the client's events; the same language as
// ../whatsmeow/main.go, so that one runner drives both. Logs go to stderr.
//
// Environment: PEER_URL (ws), PEER_ROOT (Noise root, hex), PEER_STATE (directory), PEER_MEDIA (https origin).

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import makeWASocket, { Browsers, DisconnectReason, WA_CERT_DETAILS, decryptEventResponse, decryptPollVote, jidNormalizedUser, proto, useMultiFileAuthState } from 'baileys';
import pino from 'pino';
import { channelCommands } from './channels.mjs';
import { groupCommands, personOf, tellGroups, timerOf, wipeSenderKeys } from './groups.mjs';
import { announced, content, load } from './media.mjs';
import { peopleCommands, tellPeople } from './people.mjs';

const { PEER_URL, PEER_ROOT, PEER_STATE, PEER_MEDIA } = process.env;
WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(PEER_ROOT, 'hex');

// The host of app-state files is a constant of the client: the same request goes to the sandbox.
const fetchAnywhere = globalThis.fetch;
globalThis.fetch = (url, init) => fetchAnywhere(String(url).replace(/^https:\/\/mmg\.whatsapp\.net/, PEER_MEDIA), init);

const keysDirectory = join(PEER_STATE, 'baileys');
const sentDirectory = join(PEER_STATE, 'sent');
mkdirSync(sentDirectory, { recursive: true });

// stdout belongs to the driver; a dependency of the client prints to the console.
for (const name of ['log', 'info', 'debug']) console[name] = console.error;
const emit = (line) => process.stdout.write(JSON.stringify(line) + '\n');
const logger = pino({ level: 'debug' }, pino.destination({ dest: 2, sync: true }));
const { state, saveCreds } = await useMultiFileAuthState(keysDirectory);

let socket;
const withFiles = new Map();  // id -> the message, of those with a file that came
const came = new Map();  // id -> the message, of the texts that came: what is quoted

const userOf = (jid, server) => (jid?.endsWith('@' + server) ? jid.split('@')[0].split(':')[0] : '');
const person = (...jids) => ({
  pn: jids.map((jid) => userOf(jid, 's.whatsapp.net')).find(Boolean) ?? '',
  lid: jids.map((jid) => userOf(jid, 'lid')).find(Boolean) ?? '',
});

// Statuses are one above the ack levels: 0 error, 1 pending, 2 server, 3 delivered, 4 read.
const emitAck = (key, status) => {
  if (key.fromMe && status >= 3) {
    emit({ event: 'ack', id: key.id, level: status - 1, ...person(key.remoteJid, key.remoteJidAlt) });
  }
};

function onConnection({ connection, lastDisconnect, qr }) {
  if (qr) emit({ event: 'qr', qr });
  if (connection === 'open') emit({ event: 'open', jid: socket.user.id, lid: socket.user.lid });
  if (connection !== 'close') return;
  const status = lastDisconnect?.error?.output?.statusCode;
  emit({ event: 'closed', status, detail: String(lastDisconnect?.error?.message) });
  if (status === DisconnectReason.restartRequired) connect();
}

// What a message says other than text, in the words of the scenarios.
function said(message) {
  const m = message?.editedMessage?.message ?? message ?? {};
  const poll = m.pollCreationMessage ?? m.pollCreationMessageV3;
  if (m.locationMessage) return { kind: 'location', text: `${m.locationMessage.degreesLatitude},${m.locationMessage.degreesLongitude} ${m.locationMessage.name}` };
  if (m.contactMessage) return { kind: 'contact', text: m.contactMessage.displayName };
  if (m.eventMessage) return { kind: 'event', text: m.eventMessage.name };
  if (m.albumMessage) return { kind: 'album', text: `${m.albumMessage.expectedImageCount},${m.albumMessage.expectedVideoCount}` };
  if (poll) return { kind: 'poll', text: poll.name, options: poll.options.map(({ optionName }) => optionName) };
  if (m.reactionMessage) return { kind: 'reaction', target: m.reactionMessage.key.id, text: m.reactionMessage.text ?? '' };
  const { REVOKE, MESSAGE_EDIT, EPHEMERAL_SETTING } = proto.Message.ProtocolMessage.Type;
  if (m.protocolMessage?.type === EPHEMERAL_SETTING) return { kind: 'timer', text: String(m.protocolMessage.ephemeralExpiration ?? 0) };
  if (m.protocolMessage?.type === REVOKE) return { kind: 'revoke', target: m.protocolMessage.key.id };
  if (m.protocolMessage?.type === MESSAGE_EDIT) {
    const edited = m.protocolMessage.editedMessage;
    return { kind: 'edit', target: m.protocolMessage.key.id, text: edited.conversation ?? edited.extendedTextMessage?.text };
  }
  return undefined;
}

// This version of the client opens no votes by itself, but has the function for it.
function openVote(key, { pollCreationMessageKey, vote }) {
  const poll = proto.Message.decode(readFileSync(join(sentDirectory, pollCreationMessageKey.id)));
  const names = (poll.pollCreationMessage ?? poll.pollCreationMessageV3).options.map(({ optionName }) => optionName);
  const pollEncKey = poll.messageContextInfo.messageSecret;
  const creators = [socket.user.id, socket.user.lid].map(jidNormalizedUser);
  const voters = [key.remoteJid, key.remoteJidAlt].filter(Boolean).map(jidNormalizedUser);
  for (const [pollCreatorJid, voterJid] of creators.flatMap((creator) => voters.map((voter) => [creator, voter]))) {
    try {
      const { selectedOptions } = decryptPollVote(vote, { pollCreatorJid, pollMsgId: pollCreationMessageKey.id, pollEncKey, voterJid });
      const chosen = new Set(selectedOptions.map((hash) => Buffer.from(hash).toString('hex')));
      const hashOf = (name) => createHash('sha256').update(name).digest('hex');
      return { kind: 'vote', target: pollCreationMessageKey.id, options: names.filter((name) => chosen.has(hashOf(name))) };
    } catch { /* other names */ }
  }
  return { kind: 'unreadable vote', target: pollCreationMessageKey.id };
}

// Nor answers to events, for which it has a function too.
function openAnswer(key, { eventCreationMessageKey, encPayload, encIv }) {
  const target = eventCreationMessageKey.id;
  const { messageSecret: eventEncKey } = proto.Message.decode(readFileSync(join(sentDirectory, target))).messageContextInfo;
  const creators = [socket.user.id, socket.user.lid].map(jidNormalizedUser);
  const responders = [key.remoteJid, key.remoteJidAlt].filter(Boolean).map(jidNormalizedUser);
  for (const [eventCreatorJid, responderJid] of creators.flatMap((creator) => responders.map((responder) => [creator, responder]))) {
    try {
      const { response, extraGuestCount } = decryptEventResponse({ encPayload, encIv }, { eventCreatorJid, eventMsgId: target, eventEncKey, responderJid });
      return { kind: 'answer', target, text: `${response} ${extraGuestCount ?? 0}` };
    } catch { /* other names */ }
  }
  return { kind: 'unreadable answer', target };
}

function onMessages({ messages }) {
  for (const { key, message, status, pushName } of messages) {
    const ballot = !key.fromMe && message?.pollUpdateMessage;
    const given = !key.fromMe && message?.encEventResponseMessage;
    if (message?.protocolMessage && key.remoteJid.endsWith('@g.us') && said(message)?.kind === 'timer') {
      emit(timerOf(key, message.protocolMessage));
      continue;
    }
    const other = ballot ? openVote(key, ballot) : given ? openAnswer(key, given) : said(message);
    if (other) emit({ event: 'said', id: key.id, fromMe: !!key.fromMe, ...other });
    const file = announced(message);
    if (file && !key.fromMe) {
      withFiles.set(key.id, { key, message });
      emit({ event: 'file', id: key.id, ...file });
    }
    const text = message?.conversation ?? message?.extendedTextMessage?.text;
    emitAck(key, status);
    const expires = message?.extendedTextMessage?.contextInfo?.expiration ?? 0;
    if (!text) continue;
    came.set(key.id, { key, message });
    const context = message.extendedTextMessage?.contextInfo;
    const shared = key.remoteJid.endsWith('@g.us') || key.remoteJid === 'status@broadcast';
    const who = shared ? person(key.participant, key.participantAlt) : person(key.remoteJid, key.remoteJidAlt);
    emit({ event: 'message', id: key.id, text, expires, fromMe: !!key.fromMe, chat: key.remoteJid, ...who,
      quoted: context?.stanzaId ?? '', mentions: context?.mentionedJid ?? [], name: pushName ?? '' });
  }
}

function connect() {
  socket = makeWASocket({
    auth: state,
    logger,
    waWebSocketUrl: PEER_URL,
    browser: Browsers.ubuntu('Chrome'),
    markOnlineOnConnect: false,
    syncFullHistory: false,
    appStateMacVerification: { patch: true, snapshot: true },
    getMessage: async ({ id }) => {  // what a retry receipt asks for again, kept over restarts
      try {
        return proto.Message.decode(readFileSync(join(sentDirectory, id)));
      } catch {
        return undefined;
      }
    },
  });
  socket.ev.on('creds.update', saveCreds);
  socket.ev.on('connection.update', onConnection);
  socket.ev.on('messages.upsert', onMessages);
  socket.ev.on('messages.update', (updates) => updates.forEach(({ key, update }) => emitAck(key, update.status)));
  // Of a message to a group: each member by itself.
  socket.ev.on('message-receipt.update', (updates) => updates.forEach(({ key, receipt }) =>
    emit({ event: 'ack', id: key.id, level: receipt.readTimestamp ? 3 : 2, ...person(receipt.userJid) })));
  tellGroups(socket.ev, emit);
  tellPeople(socket.ev, emit, person);
}

const commands = {
  connect: async () => connect(),
  code: async ({ phone }) => ({ code: await socket.requestPairingCode(phone) }),
  ...groupCommands(() => socket),
  ...peopleCommands(() => socket, state.keys),
  ...channelCommands(() => socket),
  wipe_group: async (wiped) => wipeSenderKeys(state.keys, keysDirectory, wiped),
  send: async ({ to, text, expires, quoted, mentions }) => {
    const more = { ...(expires ? { ephemeralExpiration: Number(expires) } : {}), ...(quoted ? { quoted: came.get(quoted) } : {}) };
    const sent = await socket.sendMessage(personOf(to), { text, ...(mentions ? { mentions: mentions.split(',') } : {}) }, more);
    writeFileSync(join(sentDirectory, sent.key.id), proto.Message.encode(sent.message).finish());
    return { id: sent.key.id };
  },
  // A status for one person.
  post_status: async ({ to, text }) => {
    const options = { statusJidList: [personOf(to)], backgroundColor: '#112233', font: 2, broadcast: true };
    const sent = await socket.sendMessage('status@broadcast', { text }, options);
    writeFileSync(join(sentDirectory, sent.key.id), proto.Message.encode(sent.message).finish());
    return { id: sent.key.id };
  },
  say: async ({ to, kind, text, target, own, options, author }) => {
    const chat = personOf(to);
    const key = { remoteJid: chat, fromMe: own === 'yes', id: target, ...(author ? { participant: author } : {}) };
    const contents = {
      location: () => ({ location: { degreesLatitude: 48.5, degreesLongitude: 9.25, name: text } }),
      contact: () => ({ contacts: { displayName: text, contacts: [{ displayName: text, vcard: `BEGIN:VCARD\nVERSION:3.0\nFN:${text}\nEND:VCARD` }] } }),
      album: () => ({ album: { expectedImageCount: Number(text.split(',')[0]), expectedVideoCount: Number(text.split(',')[1]) } }),
      poll: () => ({ poll: { name: text, values: options.split('|'), selectableCount: 1 } }),
      event: () => ({ event: { name: text, startDate: new Date(1795900000000), extraGuestsAllowed: true } }),
      reaction: () => ({ react: { text, key } }),
      edit: () => ({ text, edit: key }),
      revoke: () => ({ delete: key }),
    };
    const sent = await socket.sendMessage(chat, contents[kind]());
    writeFileSync(join(sentDirectory, sent.key.id), proto.Message.encode(sent.message).finish());
    return { id: sent.key.id };
  },
  send_file: async (file) => {
    const sent = await socket.sendMessage(personOf(file.to), await content(file));
    writeFileSync(join(sentDirectory, sent.key.id), proto.Message.encode(sent.message).finish());
    return { id: sent.key.id };
  },
  load_file: async ({ message, fromDisk }) => load(withFiles.get(message), fromDisk, { logger, reuploadRequest: socket.updateMediaMessage }),
  // A first sync of the collection with the push name, once the phone's key is there.
  app_state: async () => {
    while (!state.creds.myAppStateKeyId) await new Promise((resolve) => socket.ev.on('creds.update', resolve));
    await socket.resyncAppState(['critical_block'], true);
    const { critical_block: synced } = await state.keys.get('app-state-sync-version', ['critical_block']);
    return { version: synced.version, records: Object.keys(synced.indexValueMap).length, pushName: state.creds.me.name };
  },
  read: async ({ chat, message, author }) => socket.readMessages([{ remoteJid: chat, id: message, ...(author ? { participant: author } : {}) }]),
  // Through the client's own key store: every session it has with that person, under both addresses.
  wipe: async ({ pn, lid }) => {
    const names = readdirSync(keysDirectory).filter((name) => name.startsWith(`session-${pn}.`) || name.startsWith(`session-${lid}_`));
    const gone = names.map((name) => name.slice('session-'.length, -'.json'.length));
    await state.keys.set({ session: Object.fromEntries(gone.map((name) => [name, null])) });
    return { wiped: gone };
  },
};

emit({ event: 'started', registered: !!state.creds.me });
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  // Not awaited: a command may wait for an answer that a later command brings about.
  (async () => commands[command.cmd](command))().then(
    (reply) => emit({ event: 'reply', n: command.n, ok: true, ...reply }),
    (error) => emit({ event: 'reply', n: command.n, ok: false, error: String(error?.message ?? error) }),
  );
}
await saveCreds();
process.exit(0);
