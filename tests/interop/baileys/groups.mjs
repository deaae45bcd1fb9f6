// Groups as this client makes, changes and reads them: every request and every reading of an answer is its own function.

import { readdirSync } from 'node:fs';

export const personOf = (user) => (user.includes('@') ? user : user + '@s.whatsapp.net');
const peopleOf = (text) => text.split(',').filter(Boolean).map(personOf);
const userOf = (jid) => jid.split('@')[0].split(':')[0];

// The metadata in the words of the scenarios; people by the name that the group itself gives them.
function shown(group) {
  return {
    group: group.id,
    subject: group.subject,
    description: group.desc ?? '',
    mode: group.addressingMode,
    announce: !!group.announce,
    locked: !!group.restrict,
    approval: !!group.joinApprovalMode,
    membersAdd: !!group.memberAddMode,
    disappearing: group.ephemeralDuration ?? 0,
    community: group.linkedParent ?? '',
    size: group.size,
    members: group.participants.map(({ id, admin }) => [userOf(id), admin ?? 'member']).sort(),
  };
}

const codes = (rows) => rows.map(({ status }) => Number(status));

export function tellGroups(ev, emit) {
  const tell = (group, what, more) => emit({ event: 'group', group, what, ...more });
  ev.on('groups.upsert', (made) => made.forEach((group) => tell(group.id, 'created', { value: group.subject })));
  ev.on('group-participants.update', ({ id, action, participants }) =>
    participants.forEach((one) => tell(id, action, { value: userOf(one.id) })));
  ev.on('group.join-request', ({ id, action, participant, participantPn }) =>
    tell(id, 'request', { value: action, lid: userOf(participant ?? ''), pn: userOf(participantPn ?? '') }));
  const fields = { subject: 'subject', desc: 'description', announce: 'announce', restrict: 'locked', memberAddMode: 'membersAdd', joinApprovalMode: 'approval', inviteCode: 'link' };
  ev.on('groups.update', (updates) => {
    for (const { id, participants, ...update } of updates.filter((one) => !one.participants)) {  // with them: a whole answer
      for (const [field, what] of Object.entries(fields)) {
        if (field in update) tell(id, what, { value: update[field] ?? '' });
      }
    }
  });
}

// What a group says of its timer comes as if it were a message.
export const timerOf = (key, protocolMessage) =>
  ({ event: 'group', group: key.remoteJid, what: 'disappearing', value: protocolMessage.ephemeralExpiration ?? 0 });

// Through the client's own key store: every sender key of that group that it took from that person.
export async function wipeSenderKeys(keys, directory, { group, pn, lid }) {
  const file = `sender-key-${group}--`;
  const gone = readdirSync(directory)
    .filter((name) => name.startsWith(file + pn + '--') || name.startsWith(file + lid + '_1--'))
    .map((name) => name.slice('sender-key-'.length, -'.json'.length).replaceAll('--', '::'));
  await keys.set({ 'sender-key': Object.fromEntries(gone.map((name) => [name, null])) });
  return { wiped: gone };
}

const settings = {
  subject: (socket, group, value) => socket.groupUpdateSubject(group, value),
  description: (socket, group, value) => socket.groupUpdateDescription(group, value || undefined),
  announce: (socket, group, value) => socket.groupSettingUpdate(group, value === 'yes' ? 'announcement' : 'not_announcement'),
  locked: (socket, group, value) => socket.groupSettingUpdate(group, value === 'yes' ? 'locked' : 'unlocked'),
  approval: (socket, group, value) => socket.groupJoinApprovalMode(group, value === 'yes' ? 'on' : 'off'),
  membersAdd: (socket, group, value) => socket.groupMemberAddMode(group, value === 'yes' ? 'all_member_add' : 'admin_add'),
  disappearing: (socket, group, value) => socket.groupToggleEphemeral(group, Number(value)),
};

export const groupCommands = (socket) => ({
  group_create: async ({ subject, people }) => shown(await socket().groupCreate(subject, peopleOf(people))),
  group_show: async ({ group }) => shown(await socket().groupMetadata(group)),
  groups: async () => ({ groups: Object.values(await socket().groupFetchAllParticipating()).map(shown) }),
  group_members: async ({ group, action, people }) =>
    ({ codes: codes(await socket().groupParticipantsUpdate(group, peopleOf(people), action)) }),
  group_set: async ({ group, what, value }) => { await settings[what](socket(), group, value); },
  group_link: async ({ group, reset }) =>
    ({ code: await (reset === 'yes' ? socket().groupRevokeInvite(group) : socket().groupInviteCode(group)) }),
  group_preview: async ({ code }) => shown(await socket().groupGetInviteInfo(code)),
  group_join: async ({ code }) => ({ group: (await socket().groupAcceptInvite(code)) ?? '' }),  // nothing of a request
  group_requests: async ({ group }) => ({ people: (await socket().groupRequestParticipantsList(group)).map(({ jid }) => jid) }),
  group_decide: async ({ group, action, people }) =>
    ({ codes: codes(await socket().groupRequestParticipantsUpdate(group, peopleOf(people), action)) }),
  group_leave: async ({ group }) => socket().groupLeave(group),
  community_create: async ({ subject, description }) => shown(await socket().communityCreate(subject, description)),
  community_link: async ({ community, group }) => socket().communityLinkGroup(group, community),
  community_unlink: async ({ community, group }) => socket().communityUnlinkGroup(group, community),
  community_groups: async ({ community }) =>
    ({ groups: (await socket().communityFetchLinkedGroups(community)).linkedGroups.map(({ id }) => id) }),
});
