#pragma once
// App state: five collections of opaque patches per account, ordered by version. The server knows no keys: it checks
// versions, stores, serves and notifies. Specification 06 section 13.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/app_state_snapshot.h"
#include "sandbox/network/account_sync.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"

namespace wharf::sandbox {

class AppState {
 public:
  AppState(NetworkContext& context, AccountSync& account_sync) : c_(context), sync_(account_sync) {}

  void on_iq(const Origin& origin, const Node& iq);

  // --- the phone's privileges
  /// 0: nobody wrote this collection yet.
  std::uint64_t version(std::string_view phone, std::string_view collection) const;
  /// The first version of a collection; others follow by patches.
  void publish(const std::string& phone, const std::string& collection, AppStateSnapshot snapshot);
  /// The file at a direct path, query or not; nullptr when there is none.
  const Bytes* media(std::string_view direct_path) const;

  // --- rows: collection, patch
  std::optional<Bytes> row(const RowKey& key) const;
  void restore(const RowKey& key, ByteView row);

 private:
  struct Collection {
    std::uint64_t version = 0;
    AppStateSnapshot snapshot;
    std::deque<std::pair<std::uint64_t, Bytes>> patches;  // version, SyncdPatch as served
  };
  using Collections = std::map<std::string, Collection, std::less<>>;
  using Advanced = std::vector<std::pair<std::string, std::uint64_t>>;  // name, new version

  /// The answer about one collection; `advanced` learns of a patch that was taken.
  Node sync(const Origin& origin, const Node& asked, Advanced& advanced);
  void take_patch(const DeviceKey& from, const std::string& name, Collection& collection, ByteView patch);
  void tell_other_devices(const Origin& origin, const Advanced& advanced);
  static Node served(const Collection& collection, const std::string& name, std::uint64_t version, bool snapshot);
  static void add_patches(Node& node, const Collection& collection, std::uint64_t version);
  static Bytes collection_row(const Collection& collection);
  static void read_collection(Collection& collection, ByteView row);
  const Collection* find(std::string_view phone, std::string_view name) const;
  /// And its collection.
  void patch_changed(const std::string& phone, const std::string& collection, std::uint64_t version);

  NetworkContext& c_;
  AccountSync& sync_;
  std::map<std::string, Collections, std::less<>> accounts_;                       // by phone
  std::map<std::string, std::pair<std::string, std::string>, std::less<>> media_;  // path -> phone, collection
};

}  // namespace wharf::sandbox
