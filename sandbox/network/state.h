#pragma once
// The inside of Network: its parts, which part gets which stanza, and which rows. Nothing here does I/O; everything
// runs on the one thread of the Network.

#include <optional>

#include "sandbox/network.h"
#include "sandbox/network/account_sync.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/app_state.h"
#include "sandbox/network/audience.h"
#include "sandbox/network/blocklist.h"
#include "sandbox/network/businesses.h"
#include "sandbox/network/calls.h"
#include "sandbox/network/channels/channel_iqs.h"
#include "sandbox/network/companions.h"
#include "sandbox/network/context.h"
#include "sandbox/network/delivery.h"
#include "sandbox/network/delivery_memory.h"
#include "sandbox/network/device_lists.h"
#include "sandbox/network/groups/group_iqs.h"
#include "sandbox/network/groups/group_receipts.h"
#include "sandbox/network/groups/group_routing.h"
#include "sandbox/network/iq.h"
#include "sandbox/network/key_watch.h"
#include "sandbox/network/lid_changes.h"
#include "sandbox/network/link_codes.h"
#include "sandbox/network/login.h"
#include "sandbox/network/media_conn.h"
#include "sandbox/network/message_answers.h"
#include "sandbox/network/message_faults.h"
#include "sandbox/network/number_changes.h"
#include "sandbox/network/pairing.h"
#include "sandbox/network/pending_pairings.h"
#include "sandbox/network/prekeys.h"
#include "sandbox/network/presence.h"
#include "sandbox/network/privacy.h"
#include "sandbox/network/privacy_tokens.h"
#include "sandbox/network/profile_pictures.h"
#include "sandbox/network/profiles.h"
#include "sandbox/network/receipts.h"
#include "sandbox/network/routing.h"
#include "sandbox/network/statuses.h"
#include "sandbox/network/usync.h"

namespace wharf::sandbox {

struct Network::State {
  State(const NetworkListeners& listeners, Settings settings, NetworkClock& clock, protocol::Random& random);

  // In the order in which they need each other; the context and the tokens draw random numbers.
  NetworkContext context;
  PrivacyTokens tokens;
  Accounts accounts;
  GroupStore group_store;
  GroupDirt group_dirt;
  DeliveryMemory memory;
  Delivery delivery;
  MessageFaults message_faults;
  AccountSync account_sync;
  Blocklist blocklist;
  Privacy privacy;
  Audience audience;
  ProfilePictures profile_pictures;
  Profiles profiles;
  Businesses businesses;
  Statuses statuses;
  Presence presence;
  Calls calls;
  DeviceLists device_lists;
  PreKeys prekeys;
  Login login;
  Companions companions;
  PendingPairings pending;
  Pairing pairing;
  LinkCodes link_codes;
  Usync usync;
  AppState app_state;
  MediaConnections media;
  GroupViews group_views;
  GroupNotices group_notices;
  GroupMembership group_membership;
  NumberChanges number_changes;
  LidChanges lid_changes;
  GroupAdmission group_admission;
  GroupCommunities group_communities;
  GroupMembers group_members;
  GroupSettings group_settings;
  GroupQueries group_queries;
  GroupEntry group_entry;
  GroupPictures group_pictures;
  GroupIqs group_iqs;
  GroupFaults group_faults;
  GroupReceipts group_receipts;
  MessageAnswers message_answers;
  ChannelStore channel_store;
  ChannelDesk channel_desk;
  ChannelPosts channel_posts;
  ChannelIqs channel_iqs;
  KeyWatch key_watch;
  GroupRouting group_routing;
  Routing routing;
  Receipts receipts;
  IqCatalogue iqs;

  // --- rows: rows.cpp
  std::optional<Bytes> row(const RowKey& key);
  void restore(const RowKey& key, ByteView row);  // throws when damaged
  void restored();

 private:
  void handle(const Turns::Sender& from, const Node& stanza);
  void handle_device(const DeviceKey& from, const Node& stanza);
  void handle_pairing(std::uint64_t pairing, const Node& stanza);

  std::optional<Bytes> server_row(const RowKey& key) const;
  std::optional<Bytes> account_row(const RowKey& key) const;
  std::optional<Bytes> device_row(const RowKey& key) const;
  void restore_server(const RowKey& key, ByteView row);
  void restore_account(const std::string& phone, ByteView row);
  void restore_group(const RowKey& key, ByteView row);
  void restore_device(const RowKey& key, ByteView row);
  void restore_of_account(const RowKey& key, ByteView row);
};

}  // namespace wharf::sandbox
