// Channels, as this client follows, reads, reacts in and writes to them.

const countOf = (node) => {
  const children = Array.isArray(node?.content) ? node.content : [];
  return children.reduce((sum, child) => sum + (child.tag === 'message' ? 1 : countOf(child)), 0);
};

export const channelCommands = (socket) => ({
  channel_follow: async ({ channel }) => { await socket().newsletterFollow(channel); },
  channel_unfollow: async ({ channel }) => { await socket().newsletterUnfollow(channel); },
  channel_look: async ({ by, key }) => {
    const found = await socket().newsletterMetadata(by, key);
    return { found: found?.id ?? '', name: found?.thread_metadata?.name?.text ?? found?.name ?? '' };
  },
  channel_react: async ({ channel, post, emoji }) => { await socket().newsletterReactMessage(channel, post, emoji || undefined); },
  channel_updates: async ({ channel, after }) => ({ posts: countOf(await socket().newsletterFetchMessages(channel, 50, 0, Number(after))) }),
});
