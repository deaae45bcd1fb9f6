#pragma once
// usync: device lists, LIDs, existence of numbers. Specification 02 sections 7 and 8; 06 section 7.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "protocol/binary/node.h"
#include "protocol/pairing/adv.h"

namespace wharf::protocol {

/// devices v2 and lid for the users; context "message", mode "query".
Node usync_devices_iq(std::string_view id, std::string_view sid, std::span<const Jid> users);
/// contact + lid by phone number (digits, no plus); context "interactive".
Node usync_contacts_iq(std::string_view id, std::string_view sid, std::span<const std::string> phones);

struct UsyncDevice {
  std::uint16_t id = 0;
  std::optional<std::uint32_t> key_index;
  bool hosted = false;
};
struct UsyncUser {
  Jid jid;  // as the server wrote it
  std::optional<Jid> lid;
  std::optional<Jid> pn;             // pn_jid
  bool has_devices = false;          // false: no data, keep the cached list
  std::vector<UsyncDevice> devices;  // deduplicated, at most 100
  Bytes key_index_list;              // ADVSignedKeyIndexList, may be empty
  std::string contact_query;         // the echoed text of a contact query
  std::string contact_type;          // in, out, invalid
  unsigned error_code = 0;
};
/// Errors: malformed, or the error of the whole request or of its devices/contact protocol as refused / rate_limited.
/// Errors of single users do not abort: they are in UsyncUser::error_code. Users that were not asked for are the
/// caller's to ignore.
Result<std::vector<UsyncUser>> read_usync(const Node& answer);

/// The backoff the server asks for after such an error, clamped to 1 s..24 h; 0 when it named none.
std::uint64_t usync_backoff_seconds(const Node& answer);

/// The usable device ids of a user (02 section 8.1): 0 always; companions filtered by the key-index list, which is
/// verified when `account_key` is known (a list with a bad signature is discarded, companions then fall away).
std::vector<std::uint16_t> usable_devices(const UsyncUser& user, const std::optional<PublicKey>& account_key);

/// The JID of one device of `user`: hosted devices live at @hosted (phone number) or @hosted.lid.
Jid device_jid(const Jid& user, const UsyncDevice& device);

}  // namespace wharf::protocol
