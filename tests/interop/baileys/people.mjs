// What people show of themselves, as this client asks for it, shows it and is told of it.

import { readFileSync } from 'node:fs';
import { personOf } from './groups.mjs';

const userOf = (jid) => jid.split('@')[0].split(':')[0];
const states = { composing: 'composing', recording: 'recording', available: 'paused' };  // how it calls the end of typing

// `person` makes {pn, lid} of JIDs.
export function tellPeople(ev, emit, person) {
  ev.on('presence.update', ({ id, presences }) => {
    for (const [who, { lastKnownPresence, ...more }] of Object.entries(presences)) {
      if ('lastSeen' in more) {
        emit({ event: 'presence', ...person(who), available: lastKnownPresence === 'available', lastSeen: more.lastSeen ?? 0 });
      } else {
        emit({ event: 'chatstate', ...person(who), chat: id, state: states[lastKnownPresence] ?? lastKnownPresence });
      }
    }
  });
  ev.on('contacts.update', (updates) => updates.filter(({ imgUrl }) => imgUrl).forEach(({ id, imgUrl }) =>
    emit({ event: 'picture', ...person(id), removed: imgUrl === 'removed' })));
  ev.on('contacts.upsert', (saved) => saved.filter(({ name }) => name).forEach(({ id, name }) =>
    emit({ event: 'saved', ...person(id), name })));
  ev.on('blocklist.update', ({ blocklist, type }) => blocklist.forEach((jid) =>
    emit({ event: 'blocklist', ...person(jid), action: type === 'add' ? 'block' : 'unblock' })));
  ev.on('call', (calls) => calls.forEach(({ id, from, status, isVideo, offline }) =>
    emit({ event: 'call', id, of: from, state: status === 'offer' ? 'offer' : 'end', video: !!isVideo, offline: !!offline, ...person(from) })));
  ev.on('creds.update', ({ me, accountSettings }) => {
    if (me?.name) emit({ event: 'own_name', name: me.name });
    const timer = accountSettings?.defaultDisappearingMode;
    if (timer) emit({ event: 'default_timer', seconds: timer.ephemeralExpiration });
  });
}

const privacySetters = {
  last: 'updateLastSeenPrivacy',
  online: 'updateOnlinePrivacy',
  profile: 'updateProfilePicturePrivacy',
  status: 'updateStatusPrivacy',
  readreceipts: 'updateReadReceiptsPrivacy',
  groupadd: 'updateGroupsAddPrivacy',
  calladd: 'updateCallPrivacy',
  messages: 'updateMessagesPrivacy',
};

// The code of an error of the server is the data of what the client throws.
async function pictureOf(socket, { of, preview }) {
  try {
    const url = await socket.profilePictureUrl(personOf(of), preview === 'yes' ? 'preview' : 'image');
    return { state: 'present', url };
  } catch (error) {
    const state = { 401: 'hidden', 404: 'none' }[error?.data];
    if (!state) throw error;
    return { state };
  }
}

export const peopleCommands = (socket, keys) => ({
  presence: async ({ state }) => socket().sendPresenceUpdate(state),
  subscribe: async ({ to }) => socket().presenceSubscribe(personOf(to)),
  typing: async ({ to, state }) => socket().sendPresenceUpdate(state, personOf(to)),
  numbers: async ({ numbers }) => {
    const rows = await socket().onWhatsApp(...numbers.split(','));
    return { found: rows.filter(({ exists }) => exists).map(({ jid }) => userOf(jid)).sort() };
  },
  picture: async (asked) => pictureOf(socket(), asked),
  set_picture: async ({ file }) => socket().updateProfilePicture(socket().user.id, readFileSync(file)),
  remove_picture: async () => socket().removeProfilePicture(socket().user.id),
  abouts: async ({ of }) => {
    const rows = await socket().fetchStatus(...of.split(',').map(personOf));
    return { abouts: rows.map(({ status }) => status.status ?? ''), setAt: rows.map(({ status }) => status.setAt / 1000) };
  },
  set_about: async ({ text }) => socket().updateProfileStatus(text),
  default_timer: async ({ of }) => {
    const [{ disappearing_mode: timer }] = await socket().fetchDisappearingDuration(personOf(of));
    return { seconds: timer.duration };
  },
  set_default_timer: async ({ seconds }) => socket().updateDefaultDisappearingMode(Number(seconds)),
  business: async ({ of }) => {
    const found = await socket().getBusinessProfile(personOf(of));
    if (!found) return { found: false };
    return {
      found: true, id: found.wid, address: found.address, email: found.email, category: found.category,
      description: found.description, website: found.website[0] ?? '', timezone: found.business_hours.timezone,
      hours: (found.business_hours.business_config ?? []).map((day) => [day.day_of_week, day.mode, day.open_time ?? '', day.close_time ?? '']),
    };
  },
  privacy: async () => ({ settings: await socket().fetchPrivacySettings(true) }),
  set_privacy: async ({ name, value }) => socket()[privacySetters[name]](value),
  blocked: async () => ({ blocked: (await socket().fetchBlocklist()).map(userOf).sort() }),
  block: async ({ pn, action }) => socket().updateBlockStatus(personOf(pn), action),  // it asks for the LID itself
  reject_call: async ({ id, of }) => socket().rejectCall(id, of),
  set_name: async ({ name }) => socket().updateProfileName(name),
  // What a contact gave this account to show that it is one, as the client keeps it.
  token: async ({ lid }) => {
    const kept = await keys.get('tctoken', [`${lid}@lid`]);
    return { bytes: kept[`${lid}@lid`]?.token?.length ?? 0 };
  },
});
