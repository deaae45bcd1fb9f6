#pragma once
// Presence and chat state: never queued, told to whoever is there and asked. Specification 06 section 10.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "sandbox/network/account_sync.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/blocklist.h"
#include "sandbox/network/context.h"
#include "sandbox/network/delivery.h"
#include "sandbox/network/groups/group_store.h"
#include "sandbox/network/privacy.h"
#include "sandbox/network/privacy_tokens.h"

namespace wharf::sandbox {

class Presence {
 public:
  Presence(NetworkContext& context, Accounts& accounts, Delivery& delivery, Privacy& privacy, Blocklist& blocklist,
           PrivacyTokens& tokens, const GroupStore& groups, AccountSync& sync)
      : c_(context),
        accounts_(accounts),
        delivery_(delivery),
        privacy_(privacy),
        blocklist_(blocklist),
        tokens_(tokens),
        groups_(groups),
        sync_(sync) {}

  void on_presence(Origin& origin, const Node& presence);
  void on_chatstate(const Origin& origin, const Node& chatstate);

  /// A connection of the device begins or ends: nothing that it said counts any more.
  void reset(const DeviceKey& key) { devices_.erase(key); }
  /// The device went away by itself: its account is told as absent in a while.
  void left(const DeviceKey& key);

  // --- in the account's row
  /// Unix seconds, 0 = never.
  std::int64_t last_seen(std::string_view phone) const;
  void restore(const std::string& phone, std::int64_t last_seen) { accounts_seen_[phone].last_seen = last_seen; }

 private:
  struct Subscription {
    bool lid = false;      // the form the client addressed it in
    bool trusted = false;  // it showed a token of that account
  };
  /// What a connection said; it lives as long as the connection.
  struct DeviceState {
    bool available = false;
    std::map<std::string, Subscription> subscriptions;  // by account
    const Subscription* subscription_to(const std::string& phone) const;
  };
  struct AccountState {
    bool online = false;  // as subscribers were told
    std::int64_t last_seen = 0;
    std::set<DeviceKey> watchers;  // subscribed devices
    std::shared_ptr<void> absence_timer;
  };
  void subscribe(const Origin& origin, const Node& presence);
  void unsubscribe(const Origin& origin, const Node& presence);
  void account_changed(Party& party);
  void relay_chatstate(const Party& to, const Node& chatstate);
  void relay_in_group(const Origin& origin, const Group& group, const Node& chatstate);
  void tell_watchers(const Party& party, AccountState& state);
  bool anybody_available(const Party& party) const;
  /// What `watcher` may know of `party` right now; nullopt: nothing.
  std::optional<Node> visible(const Party& party, const AccountState& state, const Party& watcher,
                              const Subscription& how) const;

  NetworkContext& c_;
  Accounts& accounts_;
  Delivery& delivery_;
  Privacy& privacy_;
  Blocklist& blocklist_;
  PrivacyTokens& tokens_;
  const GroupStore& groups_;
  AccountSync& sync_;
  std::map<DeviceKey, DeviceState> devices_;
  std::map<std::string, AccountState, std::less<>> accounts_seen_;  // by phone
};

}  // namespace wharf::sandbox
