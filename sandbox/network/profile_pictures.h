#pragma once
// Profile pictures of people: set by any of their devices, shown as privacy says, served by the media host.
// Specification 05 section 13 (item 3), 06 section 5.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/account/pictures.h"
#include "sandbox/network/account_sync.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/audience.h"
#include "sandbox/network/context.h"

namespace wharf::sandbox {

class ProfilePictures {
 public:
  ProfilePictures(NetworkContext& context, Accounts& accounts, Audience& audience, AccountSync& sync)
      : c_(context), accounts_(accounts), audience_(audience), sync_(sync) {}

  /// w:profile:picture, unless it is about a group.
  void on_iq(const Origin& origin, const Node& iq);
  /// "": it has none.
  std::string id_of(std::string_view phone) const;
  /// The same as `viewer` sees it.
  std::string id_for(const Party& party, const Party& viewer, ByteView token) const;
  /// The picture at a direct path, query or not; nullptr when there is none, or another one by now.
  const Bytes* media(std::string_view direct_path) const;

  // --- row: account_picture, 8 bytes of the id and the JPEG
  std::optional<Bytes> row(std::string_view phone) const;
  void restore(const std::string& phone, ByteView row);

 private:
  struct Picture {
    std::uint64_t id = 0;  // of the newest there was
    Bytes jpeg;            // empty: removed
  };
  const Picture* find(std::string_view phone) const;
  protocol::PictureState state_for(const Party& viewer, const protocol::PictureQuery& query) const;
  Node change(const Origin& origin, const Node& iq);
  void put(const Origin& origin, Bytes jpeg);

  NetworkContext& c_;
  Accounts& accounts_;
  Audience& audience_;
  AccountSync& sync_;
  std::map<std::string, Picture, std::less<>> pictures_;  // by phone
};

}  // namespace wharf::sandbox
