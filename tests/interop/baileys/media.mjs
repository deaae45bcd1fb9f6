// Files as this client sends and loads them: everything that touches bytes or keys is its own function.

import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { downloadMediaMessage, normalizeMessageContent } from 'baileys';
import { personOf } from './groups.mjs';

const { PEER_STATE } = process.env;

function kindOf(m) {
  if (m.imageMessage) return ['image', m.imageMessage];
  if (m.videoMessage) return [m.videoMessage.gifPlayback ? 'gif' : 'video', m.videoMessage];
  if (m.ptvMessage) return ['video_note', m.ptvMessage];
  if (m.audioMessage) return [m.audioMessage.ptt ? 'voice' : 'audio', m.audioMessage];
  if (m.documentMessage) return ['document', m.documentMessage];
  if (m.stickerMessage) return ['sticker', m.stickerMessage];
  return [];
}

// What a message says of its file, in the words of the scenarios; undefined without a file.
export function announced(message) {
  const [kind, file] = kindOf(normalizeMessageContent(message) ?? {});
  if (!kind) return undefined;
  return {
    kind,
    mimetype: file.mimetype,
    size: Number(file.fileLength),
    sha256: Buffer.from(file.fileSha256).toString('hex'),
    caption: file.caption ?? '',
    filename: file.fileName ?? '',
    seconds: file.seconds ?? 0,
    width: file.width ?? 0,
    height: file.height ?? 0,
    waveform: file.waveform?.length ?? 0,
    preview: Buffer.from(file.jpegThumbnail ?? '').subarray(0, 2).toString('hex') === 'ffd8',
    viewOnce: !!file.viewOnce,
    album: message.messageContextInfo?.messageAssociation?.parentMessageKey?.id ?? '',
    wrapped: !!(message.viewOnceMessage ?? message.viewOnceMessageV2 ?? message.viewOnceMessageV2Extension),
  };
}

// This client compares no hash with the message's: the scenario does.
export async function load(message, fromDisk, context) {
  const hash = createHash('sha256');
  if (fromDisk !== 'yes') {
    const data = await downloadMediaMessage(message, 'buffer', {}, context);
    return { sha256: hash.update(data).digest('hex'), size: data.length };
  }
  const path = join(PEER_STATE, 'loaded');
  await pipeline(await downloadMediaMessage(message, 'stream', {}, context), createWriteStream(path));
  let size = 0;
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk);
    size += chunk.length;
  }
  await rm(path);
  return { sha256: hash.digest('hex'), size };
}

// The content for sendMessage. Dimensions of pictures and the length of sound are found by the client itself.
export async function content({ to, kind, file, fromDisk, mimetype, caption, filename, seconds, width, height, viewOnce, album }) {
  const data = fromDisk === 'yes' ? { url: file } : await readFile(file);
  const size = { width: Number(width), height: Number(height) };
  const length = Number(seconds);
  const forms = {
    image: () => ({ image: data, caption }),
    document: () => ({ document: data, caption, fileName: filename }),
    audio: () => ({ audio: data }),
    voice: () => ({ audio: data, ptt: true }),
    video: () => ({ video: data, caption, seconds: length, ...size }),
    gif: () => ({ video: data, gifPlayback: true, seconds: length, ...size }),
    video_note: () => ({ video: data, ptv: true, seconds: length, ...size }),
    sticker: () => ({ sticker: data, ...size }),
  };
  const parent = album ? { albumParentKey: { remoteJid: personOf(to), fromMe: true, id: album } } : {};
  return { ...forms[kind](), mimetype, ...parent, ...(viewOnce === 'yes' ? { viewOnce: true } : {}) };
}
