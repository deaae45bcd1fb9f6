#pragma once
// What records of app state say (04 section 9): their indexes, and the values of those that are acted upon. Both
// directions. A value is a SyncActionValue: a time, and one field of the action.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/appstate/collection.h"
#include "protocol/appstate/index.h"
#include "protocol/binary/jid.h"

namespace wharf::protocol {

/// The collections that hold the actions below.
inline constexpr std::string_view critical_block = "critical_block", critical_unblock_low = "critical_unblock_low";
/// All there are (04 section 8.1).
inline constexpr std::array<std::string_view, 5> app_state_collections = {critical_block, critical_unblock_low,
                                                                          "regular_high", "regular", "regular_low"};

inline constexpr std::string_view contact_action = "contact", lid_contact_action = "lid_contact",
                                  push_name_action = "setting_pushName";
/// Versions of the actions: above these one says something else.
inline constexpr std::int32_t contact_version = 2, lid_contact_version = 1, push_name_version = 1;
/// When whoever wrote the value says that it was, in ms by the server's clock; 0: it does not say.
std::int64_t action_time(ByteView value);

/// How the address book of the phone calls somebody (`contact`, version 2; `lid_contact`, version 1). That it is saved
/// no more is a removal.
struct ContactAction {
  std::string full_name, first_name;  // one line each, cut at max_action_name_bytes; "" = none
  std::optional<Jid> lid, pn;         // users; of a `contact` alone
  bool on_phone = false;              // saved in the address book of the phone itself too
  const std::string& shown_name() const { return full_name.empty() ? first_name : full_name; }
  friend bool operator==(const ContactAction&, const ContactAction&) = default;
};
inline constexpr std::size_t max_action_name_bytes = 256;
/// nullopt: the value says nothing of a contact.
std::optional<ContactAction> read_contact(ByteView value);
std::optional<ContactAction> read_lid_contact(ByteView value);
/// How the account calls itself (`setting_pushName`, version 1), one line; nullopt: none.
std::optional<std::string> read_push_name(ByteView value);

/// Whom an index of `critical_unblock_low` is about, as it names them; nullopt: it is about no contact.
std::optional<Jid> contact_of(const std::vector<std::string>& index);
/// Every index that may say that somebody is saved: by number, and by LID.
std::vector<std::string> contact_indexes(const std::optional<Jid>& pn, const std::optional<Jid>& lid);
/// How the text of an index of this action begins.
std::string index_start(std::string_view action);

/// `who` as its index names it. `timestamp_ms`: by the server's clock.
AppStateMutation save_contact(const Jid& who, const ContactAction& contact, std::int64_t timestamp_ms);
AppStateMutation remove_contact(const Jid& who, std::int64_t timestamp_ms);
AppStateMutation remove_lid_contact(const Jid& who, std::int64_t timestamp_ms);
AppStateMutation set_push_name(std::string_view name, std::int64_t timestamp_ms);

}  // namespace wharf::protocol
